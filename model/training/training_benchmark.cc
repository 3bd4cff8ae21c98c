// One training step (forward, loss, backward; then Adam) in LibTorch's memory
// formats, at full size and in the slim form of the quick profile.
//
//   bazel run -c opt //model/training:training_benchmark
//
// Arguments: input side, width in 1/1000, batch size, channels last or not,
// threads of a replica, replicas.
#include <ATen/Functions.h>
#include <benchmark/benchmark.h>

#include <vector>

#include "model/training/adam.h"
#include "model/training/heap.h"
#include "model/training/replicas.h"
#include "model/training/threads_guard.h"
#include "model/training/trainable_network.h"
#include "model/yolov3.h"

namespace yoloq {
namespace {

std::unique_ptr<TrainableNetwork> MakeNetwork(const benchmark::State& state) {
  Yolov3Options options;
  options.input_size = static_cast<int>(state.range(0));
  options.width = static_cast<double>(state.range(1)) / 1000;
  const Graph graph = *BuildYolov3(options);
  NetworkPlacement placement;
  placement.channels_last = state.range(3) != 0;
  return *TrainableNetwork::Create(graph, RandomWeights(graph, 1), placement);
}

void BM_TrainingStep(benchmark::State& state) {
  const ThreadsGuard threads(static_cast<int>(state.range(4)));
  const KeepHeap heap;
  const auto network = MakeNetwork(state);
  const auto replicas = *Replicas::Create(network.get(), /*hooks=*/nullptr,
                                          static_cast<int>(state.range(5)));
  const int64_t batch = state.range(2);
  const at::Tensor images =
      at::rand({batch, 3, state.range(0), state.range(0)});
  const std::vector<std::vector<TruthBox>> truth(
      batch,
      {{0.4f, 0.5f, 0.3f, 0.4f, 7, false}, {0.7f, 0.2f, 0.1f, 0.1f, 3, false}});
  Adam adam({{network->weights(), network->weight_gradients(), 0},
             {network->biases(), network->bias_gradients(), 0}},
            {});
  int64_t t = 0;
  for (auto _ : state) {
    replicas->Backward(TrainingPosition(), LossSpec(), images, truth);
    benchmark::DoNotOptimize(adam.GradientNorm().item<float>());
    adam.Step(++t, 1e-4, 1);
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

BENCHMARK(BM_TrainingStep)
    ->ArgNames({"side", "width", "batch", "channels_last", "threads",
                "replicas"})
    ->Args({416, 1000, 4, 1, 2, 1})
    ->Args({416, 1000, 4, 0, 2, 1})
    ->Args({416, 1000, 4, 1, 1, 2})
    ->Args({96, 125, 16, 1, 2, 1})
    ->Args({96, 125, 16, 0, 2, 1})
    ->Args({96, 125, 16, 1, 1, 1})
    ->Args({96, 125, 16, 0, 1, 1})
    ->Args({96, 125, 16, 1, 1, 2})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace yoloq

BENCHMARK_MAIN();
