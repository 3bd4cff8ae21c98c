// One step of quantization-aware training of the slim network (forward, loss,
// backward; then Adam), beside the same step without.
//
//   bazel run -c opt //quant:qat_benchmark
//
// Arguments: phase (0: without, 1: ranges and batch norm move, 2: both are
// frozen, 3: scales are learned), replicas, of one thread each.
#include <ATen/Functions.h>
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "model/training/adam.h"
#include "model/training/heap.h"
#include "model/training/replicas.h"
#include "model/training/threads_guard.h"
#include "model/training/trainable_network.h"
#include "model/weights.h"
#include "model/yolov3.h"
#include "quant/qat.h"

namespace yoloq {
namespace {

constexpr int kSide = 96;
constexpr int kBatch = 16;

void BM_QatStep(benchmark::State& state) {
  const ThreadsGuard threads(1);
  const KeepHeap heap;
  const int64_t phase = state.range(0);
  Yolov3Options options;
  options.input_size = kSide;
  options.width = 0.125;
  const Graph graph = *BuildYolov3(options);
  const auto network =
      *TrainableNetwork::Create(graph, RandomWeights(graph, 1), {});
  QuantizationSpec quantization;
  quantization.set_scheme("qnnpack");
  QatSpec spec;
  spec.set_learned_scales(phase == 3);
  const auto hooks =
      *QatHooks::Create(graph, quantization, spec,
                        std::vector<Precision>(graph.nodes_size(), INT8));
  const auto replicas =
      *Replicas::Create(network.get(), phase == 0 ? nullptr : hooks.get(),
                        static_cast<int>(state.range(1)));
  std::vector<AdamParameter> parameters = {
      {network->weights(), network->weight_gradients(), 0},
      {network->biases(), network->bias_gradients(), 0}};
  for (const at::Tensor& tensor : hooks->Parameters()) {
    parameters.push_back({tensor, at::Tensor(), 0});
  }
  Adam adam(parameters, {});
  const at::Tensor images = at::rand({kBatch, 3, kSide, kSide});
  const std::vector<std::vector<TruthBox>> truth(
      kBatch,
      {{0.4f, 0.5f, 0.3f, 0.4f, 7, false}, {0.7f, 0.2f, 0.1f, 0.1f, 3, false}});
  int64_t t = 0;
  const auto step = [&](int epoch) {
    TrainingPosition position;
    position.epoch = epoch;
    replicas->Backward(position, LossSpec(), images, truth);
    benchmark::DoNotOptimize(adam.GradientNorm().item<float>());
    adam.Step(++t, 1e-5, 1);
  };
  step(0);
  const int epoch = phase >= 2 ? 9 : 0;
  step(epoch);
  for (auto _ : state) step(epoch);
  state.SetItemsProcessed(state.iterations() * kBatch);
}

BENCHMARK(BM_QatStep)
    ->ArgNames({"phase", "replicas"})
    ->ArgsProduct({{0, 1, 2, 3}, {1, 2}})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace yoloq

BENCHMARK_MAIN();
