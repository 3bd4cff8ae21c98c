// The distinct convolutions of YOLOv3-416 (20 classes), one by one: the native
// backend beside oneDNN, in one run.
//
//   bazel run //hw/native:convolution_benchmark -- [--benchmark_filter=int8/]
//
// Arguments of a benchmark: threads. After Google Benchmark's table comes a
// line for each convolution, with the ratio of the minima and how often it
// occurs, and the sums over the network.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "hw/native/aligned_buffer.h"
#include "hw/native/backend.h"
#include "hw/runtime/onednn_convolution.h"
#include "model/graph.h"
#include "model/yolov3.h"

namespace yoloq {
namespace native {
namespace {

struct Layer {
  ConvolutionOp op;
  Shape input;
  Shape output;
  int times = 0;  // in the network
  int index = 0;

  std::string Name() const {
    return absl::StrFormat("%dx%dx%d_to_%d_k%d_s%d", input.channels(),
                           input.height(), input.width(), op.out_channels(),
                           op.kernel(), op.stride());
  }
};

std::vector<Layer> DistinctLayers() {
  const Graph graph = *BuildYolov3({});
  std::vector<Layer> layers;
  for (const Node& node : graph.nodes()) {
    if (!node.has_convolution()) continue;
    Layer layer{node.convolution(), graph.nodes(node.inputs(0)).output(),
                node.output(), 1, static_cast<int>(layers.size())};
    bool known = false;
    for (Layer& other : layers) {
      if (other.Name() != layer.Name()) continue;
      ++other.times;
      known = true;
      break;
    }
    if (!known) layers.push_back(layer);
  }
  return layers;
}

// Parameters and tensors of one layer in one precision.
struct Tensors {
  Tensors(const Layer& layer, Precision precision) {
    std::minstd_rand random(7);
    // A sum of uniform values is as good as a normal one here, and quick.
    const auto normal = [&random] {
      return (static_cast<float>(random() % 1024 + random() % 1024 +
                                 random() % 1024) -
              1534.5f) /
             512;
    };
    const int64_t weights = int64_t{layer.op.out_channels()} *
                            layer.input.channels() * layer.op.kernel() *
                            layer.op.kernel();
    real_weights.resize(weights);
    for (float& w : real_weights) w = 0.03f * normal();
    int8_weights.resize(weights);
    for (int64_t i = 0; i < weights; ++i) {
      int8_weights[i] = static_cast<int8_t>(
          std::max(-127.0f, std::min(127.0f, real_weights[i] * 1000)));
    }
    real_bias.assign(layer.op.out_channels(), 0.1f);
    int8_bias.assign(layer.op.out_channels(), 100);
    weight_scales.assign(layer.op.out_channels(), 0.001f);
    input_q.set_scale(0.02f);
    input_q.set_zero_point(20);
    output_q.set_scale(0.05f);
    output_q.set_zero_point(30);
    const int64_t in = int64_t{layer.input.channels()} * layer.input.height() *
                       layer.input.width();
    const int64_t out = int64_t{layer.output.channels()} *
                        layer.output.height() * layer.output.width();
    bytes_in = AlignedBuffer<uint8_t>(in);
    bytes_out = AlignedBuffer<uint8_t>(out);
    reals_in = AlignedBuffer<float>(precision == FP32 ? in : 1);
    reals_out = AlignedBuffer<float>(precision == FP32 ? out : 1);
    for (int64_t i = 0; i < in; ++i) bytes_in.data()[i] = random() % 256;
    for (int64_t i = 0; i < reals_in.size(); ++i) {
      reals_in.data()[i] = normal();
    }
  }

  ConvolutionTask Task(const Layer& layer, Precision precision) const {
    ConvolutionTask task;
    task.name = layer.Name();
    task.op = layer.op;
    task.op.set_groups(1);
    task.input = layer.input;
    task.output = layer.output;
    task.input_stride = layer.input.channels();
    task.precision = precision;
    task.float_weights = real_weights;
    task.float_bias = real_bias;
    task.int8_weights = int8_weights;
    task.int32_bias = int8_bias;
    task.weight_scales = weight_scales;
    task.input_quantization = input_q;
    task.output_quantization = output_q;
    task.wants_bytes = precision == INT8;
    task.wants_reals = precision == FP32;
    task.bytes_stride = task.reals_stride = layer.output.channels();
    return task;
  }

  std::vector<float> real_weights, real_bias, weight_scales;
  std::vector<int8_t> int8_weights;
  std::vector<int32_t> int8_bias;
  TensorQuantization input_q, output_q;
  AlignedBuffer<uint8_t> bytes_in, bytes_out;
  AlignedBuffer<float> reals_in, reals_out;
};

// Minimum nanoseconds by "precision/layer/threads/engine".
std::map<std::string, double>& Minima() {
  static auto* minima = new std::map<std::string, double>;
  return *minima;
}

void Time(benchmark::State& state, const std::string& key,
          const std::function<void()>& run) {
  run();
  double& least = Minima().emplace(key, 1e18).first->second;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - begin;
    state.SetIterationTime(seconds.count());
    least = std::min(least, seconds.count() * 1e9);
  }
}

std::string Key(const Layer& layer, Precision precision, int threads,
                const char* engine) {
  return absl::StrCat(precision == INT8 ? "int8/" : "fp32/", layer.Name(), "/",
                      threads, "/", engine);
}

NativeAlgorithm ForcedAlgorithm() {
  const char* name = std::getenv("YOLOQ_NATIVE_ALGORITHM");
  if (name == nullptr) return NativeAlgorithm::kCheapest;
  const std::string algorithm = name;
  if (algorithm == "direct") return NativeAlgorithm::kDirect;
  if (algorithm == "winograd2") return NativeAlgorithm::kWinograd2;
  if (algorithm == "winograd4") return NativeAlgorithm::kWinograd4;
  return NativeAlgorithm::kCheapest;
}

void RunNative(benchmark::State& state, const Layer& layer,
               Precision precision) {
  const int threads = static_cast<int>(state.range(0));
  Tensors tensors(layer, precision);
  NativeOptions options;
  options.threads = threads;
  options.algorithm = ForcedAlgorithm();
  if (std::getenv("YOLOQ_NATIVE_KERNELS") != nullptr) {
    options.kernels = std::getenv("YOLOQ_NATIVE_KERNELS");
  }
  auto backend = *NewNativeBackend(options);
  auto convolution = *backend->Create(tensors.Task(layer, precision));
  AlignedBuffer<char> scratch(convolution->scratch_bytes() + 64);
  ConvolutionBuffers buffers;
  buffers.scratch = scratch.data();
  if (precision == INT8) {
    buffers.input = tensors.bytes_in.data();
    buffers.bytes = tensors.bytes_out.data();
  } else {
    buffers.input = tensors.reals_in.data();
    buffers.reals = tensors.reals_out.data();
  }
  Time(state, Key(layer, precision, threads, "native"),
       [&] { (void)convolution->Run(buffers); });
  state.SetLabel(convolution->description());
}

void RunOneDnn(benchmark::State& state, const Layer& layer,
               Precision precision) {
  const int threads = static_cast<int>(state.range(0));
  omp_set_num_threads(threads);
  Tensors tensors(layer, precision);
  const ConvolutionTask task = tensors.Task(layer, precision);
  std::unique_ptr<OneDnnConvolution> convolution;
  if (precision == INT8) {
    Int8ConvolutionParameters parameters;
    parameters.weights = task.int8_weights;
    parameters.bias = task.int32_bias;
    parameters.weight_scales = task.weight_scales;
    parameters.input = task.input_quantization;
    parameters.output = *task.output_quantization;
    parameters.activation = task.op.activation();
    convolution = *OneDnnConvolution::CreateInt8(task.op, task.input,
                                                 task.output, parameters);
  } else {
    convolution = *OneDnnConvolution::CreateFloat(
        task.op, task.input, task.output, task.float_weights, task.float_bias);
  }
  AlignedBuffer<char> sums(convolution->accumulator_bytes() + 64);
  const bool int8 = precision == INT8;
  void* const in = int8 ? static_cast<void*>(tensors.bytes_in.data())
                        : tensors.reals_in.data();
  void* const out = int8 ? static_cast<void*>(tensors.bytes_out.data())
                         : tensors.reals_out.data();
  Time(state, Key(layer, precision, threads, "onednn"),
       [&] { convolution->Run(in, out, sums.data()); });
}

void Register(const std::vector<Layer>& layers) {
  for (const Precision precision : {INT8, FP32}) {
    for (const int threads : {1, 2}) {
      for (const Layer& layer : layers) {
        for (const char* engine : {"onednn", "native"}) {
          const bool native = engine[0] == 'n';
          benchmark::RegisterBenchmark(
              Key(layer, precision, threads, engine).c_str(),
              [layer, precision, native](benchmark::State& state) {
                (native ? RunNative : RunOneDnn)(state, layer, precision);
              })
              ->Arg(threads)
              ->UseManualTime()
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  }
}

void PrintRatios(const std::vector<Layer>& layers) {
  for (const Precision precision : {INT8, FP32}) {
    for (const int threads : {1, 2}) {
      double native_sum = 0;
      double onednn_sum = 0;
      for (const Layer& layer : layers) {
        const auto native =
            Minima().find(Key(layer, precision, threads, "native"));
        const auto onednn =
            Minima().find(Key(layer, precision, threads, "onednn"));
        if (native == Minima().end() || onednn == Minima().end()) continue;
        native_sum += native->second * layer.times;
        onednn_sum += onednn->second * layer.times;
        std::printf("%s %d threads %-28s x%-2d native %7.3f ms, oneDNN %7.3f "
                    "ms, ratio %.3f\n",
                    precision == INT8 ? "INT8" : "FP32", threads,
                    layer.Name().c_str(), layer.times, native->second / 1e6,
                    onednn->second / 1e6, native->second / onednn->second);
      }
      if (onednn_sum == 0) continue;
      std::printf("%s %d threads SUM native %.2f ms, oneDNN %.2f ms, ratio "
                  "%.3f\n",
                  precision == INT8 ? "INT8" : "FP32", threads,
                  native_sum / 1e6, onednn_sum / 1e6, native_sum / onednn_sum);
    }
  }
}

}  // namespace
}  // namespace native
}  // namespace yoloq

int main(int argc, char** argv) {
  const auto layers = yoloq::native::DistinctLayers();
  yoloq::native::Register(layers);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  yoloq::native::PrintRatios(layers);
  return 0;
}
