// The distinct convolutions of YOLOv3-416 (20 classes), one by one: the native
// backend beside oneDNN, in one run.
//
//   bazel run //hw/native:convolution_benchmark -- [--benchmark_filter=int8/]
//
// After Google Benchmark's table comes a line for each convolution, with the
// ratio of the minima and how often it occurs, and the sums over the network.
// "network" runs all convolutions one after another, each with weights of its
// own, which then come from memory.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "hw/native/aligned_buffer.h"
#include "hw/native/backend.h"
#include "hw/runtime/onednn_backend.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace native {
namespace {

struct Layer {
  ConvolutionOp op;
  Shape input;
  Shape output;
  int times = 0;  // in the network

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
                node.output(), 1};
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

// The parameters of one layer.
struct Tensors {
  explicit Tensors(const Layer& layer) {
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
};

int64_t Values(const Shape& shape) {
  return int64_t{shape.channels()} * shape.height() * shape.width();
}

// Buffers of so many bytes at least are in huge pages, as an engine's are.
constexpr int64_t kLeastBytes = int64_t{2} << 20;

// An input and an output for the largest of some layers.
class Activations {
 public:
  explicit Activations(const std::vector<Layer>& layers) {
    int64_t values = kLeastBytes;
    for (const Layer& layer : layers) {
      values = std::max({values, Values(layer.input), Values(layer.output)});
    }
    std::minstd_rand random(3);
    bytes_in_ = AlignedBuffer<uint8_t>(values);
    bytes_out_ = AlignedBuffer<uint8_t>(values);
    reals_in_ = AlignedBuffer<float>(values);
    reals_out_ = AlignedBuffer<float>(values);
    for (int64_t i = 0; i < values; ++i) {
      bytes_in_.data()[i] = random() % 256;
      reals_in_.data()[i] = static_cast<float>(random() % 2001) / 1000 - 1;
    }
  }

  void* in(Precision precision) {
    return precision == INT8 ? static_cast<void*>(bytes_in_.data())
                             : reals_in_.data();
  }
  uint8_t* bytes_out() { return bytes_out_.data(); }
  float* reals_out() { return reals_out_.data(); }

 private:
  AlignedBuffer<uint8_t> bytes_in_, bytes_out_;
  AlignedBuffer<float> reals_in_, reals_out_;
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

constexpr char kNetwork[] = "network";

std::string Key(const std::string& name, Precision precision, int threads,
                const char* engine) {
  return absl::StrCat(precision == INT8 ? "int8/" : "fp32/", name, "/", threads,
                      "/", engine);
}

NativeOptions OptionsFromEnvironment(int threads) {
  NativeOptions options;
  options.threads = threads;
  const char* const kernels = std::getenv("YOLOQ_NATIVE_KERNELS");
  if (kernels != nullptr) options.kernels = kernels;
  const char* const name = std::getenv("YOLOQ_NATIVE_ALGORITHM");
  const std::string algorithm = name == nullptr ? "" : name;
  if (algorithm == "direct") options.algorithm = NativeAlgorithm::kDirect;
  if (algorithm == "winograd2") options.algorithm = NativeAlgorithm::kWinograd2;
  if (algorithm == "winograd4") options.algorithm = NativeAlgorithm::kWinograd4;
  if (algorithm == "winograd4_in_run") {
    options.algorithm = NativeAlgorithm::kWinograd4InRun;
  }
  return options;
}

// One or more convolutions of one backend, run one after another.
class Runner {
 public:
  Runner(std::unique_ptr<ConvolutionBackend> backend,
         const std::vector<Layer>& layers)
      : backend_(std::move(backend)), activations_(layers) {}

  // Before anything else. Fails where the backend lacks a convolution.
  absl::Status Prepare(const std::vector<Layer>& layers, Precision precision) {
    int64_t scratch = kLeastBytes;
    for (const Layer& layer : layers) {
      tensors_.push_back(std::make_unique<Tensors>(layer));
      const Tensors& tensors = *tensors_.back();
      YOLOQ_ASSIGN_OR_RETURN(auto convolution,
                             backend_->Create(tensors.Task(layer, precision)));
      scratch = std::max(scratch, convolution->scratch_bytes());
      convolutions_.push_back(std::move(convolution));
    }
    scratch_ = AlignedBuffer<char>(scratch);
    buffers_.scratch = scratch_.data();
    buffers_.input = activations_.in(precision);
    if (precision == INT8) buffers_.bytes = activations_.bytes_out();
    if (precision == FP32) buffers_.reals = activations_.reals_out();
    return absl::OkStatus();
  }

  void Run() {
    for (const auto& convolution : convolutions_) {
      if (!convolution->Run(buffers_).ok()) std::abort();
    }
  }

  std::string description() const {
    return convolutions_.front()->description();
  }

 private:
  std::unique_ptr<ConvolutionBackend> backend_;
  std::vector<std::unique_ptr<Tensors>> tensors_;
  std::vector<std::unique_ptr<Convolution>> convolutions_;
  Activations activations_;
  AlignedBuffer<char> scratch_;
  ConvolutionBuffers buffers_;
};

void RunLayers(benchmark::State& state, const std::vector<Layer>& layers,
               Precision precision, int threads, bool native,
               const std::string& key) {
  Runner runner(native ? *NewNativeBackend(OptionsFromEnvironment(threads))
                       : NewOneDnnBackend(threads),
                layers);
  const absl::Status prepared = runner.Prepare(layers, precision);
  if (!prepared.ok()) {
    state.SkipWithError(prepared.ToString().c_str());
    return;
  }
  Time(state, key, [&] { runner.Run(); });
  state.SetLabel(runner.description());
}

std::vector<Layer> AllLayers(const std::vector<Layer>& distinct) {
  std::vector<Layer> layers;
  for (const Layer& layer : distinct) {
    layers.insert(layers.end(), layer.times, layer);
  }
  return layers;
}

void RegisterOne(const std::vector<Layer>& layers, Precision precision,
                 int threads, const std::string& name) {
  for (const bool native : {false, true}) {
    const std::string key =
        Key(name, precision, threads, native ? "native" : "onednn");
    benchmark::RegisterBenchmark(key.c_str(),
                                 [=](benchmark::State& state) {
                                   RunLayers(state, layers, precision, threads,
                                             native, key);
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
}

void Register(const std::vector<Layer>& layers) {
  for (const Precision precision : {INT8, FP32}) {
    for (const int threads : {1, 2}) {
      for (const Layer& layer : layers) {
        RegisterOne({layer}, precision, threads, layer.Name());
      }
      RegisterOne(AllLayers(layers), precision, threads, kNetwork);
    }
  }
}

std::string Ms(double ns) {
  return ns > 0 ? absl::StrFormat("%7.3f ms", ns / 1e6) : "not run";
}

// Nothing where native was not run; 0 for oneDNN where that was not.
void PrintLine(Precision precision, int threads, const std::string& name,
               double native_ns, double onednn_ns) {
  if (native_ns == 0) return;
  std::printf("%s %d threads %-32s native %s, oneDNN %s",
              precision == INT8 ? "INT8" : "FP32", threads, name.c_str(),
              Ms(native_ns).c_str(), Ms(onednn_ns).c_str());
  if (onednn_ns > 0) std::printf(", ratio %.3f", native_ns / onednn_ns);
  std::printf("\n");
}

double MinimumNs(const std::string& key) {
  const auto minimum = Minima().find(key);
  return minimum == Minima().end() ? 0 : minimum->second;
}

void PrintRatios(const std::vector<Layer>& layers, Precision precision,
                 int threads) {
  double native_sum_ns = 0;
  double onednn_sum_ns = 0;
  const auto print = [&](const std::string& name, int times) {
    const double native_ns = MinimumNs(Key(name, precision, threads, "native"));
    const double onednn_ns = MinimumNs(Key(name, precision, threads, "onednn"));
    PrintLine(precision, threads, absl::StrCat(name, " x", times), native_ns,
              onednn_ns);
    native_sum_ns += native_ns * times;
    onednn_sum_ns += onednn_ns * times;
  };
  for (const Layer& layer : layers) print(layer.Name(), layer.times);
  PrintLine(precision, threads, "SUM", native_sum_ns, onednn_sum_ns);
  print(kNetwork, 1);
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
  for (const yoloq::Precision precision : {yoloq::INT8, yoloq::FP32}) {
    for (const int threads : {1, 2}) {
      yoloq::native::PrintRatios(layers, precision, threads);
    }
  }
  return 0;
}
