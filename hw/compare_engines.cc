// YOLOv3-416 (20 classes, random weights, batch one) by every engine in one
// run, beside oneDNN called directly on the same convolutions and nothing else.
//
//   bazel run //hw:compare_engines
//
// All engines are measured once, and again, in five turns, so that each meets
// the machine's faster and slower minutes. Prints Google Benchmark's table and
// then, for each precision and thread count, the median and the least of the
// turns, their ratios to those of the bare convolutions, what a second thread
// gains, and the share of the peak: multiply-accumulates of direct convolution
// a second over those that this machine's instructions could start, measured.
// Winograd needs fewer and may come above 1. INT8's peak is that of exact
// products: tdpbusd, vpdpbusd where there is no AMX, or vpmaddwd where there is
// no VNNI either. Run it on an idle machine.
//
// YOLOQ_NATIVE_KERNELS=avx512vnni has `native` use that set of kernels, and
// ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI limits oneDNN to as much.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "hw/latency.h"
#include "hw/native/isa.h"
#include "hw/runtime/engines.h"
#include "hw/runtime/thread_pool.h"
#include "hw/torch_int8.h"
#include "model/graph.h"
#include "model/torch_executor.h"
#include "model/weights.h"
#include "model/yolov3.h"
#include "quant/deployable.h"
#include "quant/random_deployable.h"

namespace yoloq {
namespace {

constexpr int kTurns = 5;

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// The graph's convolutions as oneDNN primitives with bias, leaky ReLU and, in
// INT8, both zero points; on memory of their own.
class BareConvolutions {
 public:
  BareConvolutions(const Graph& graph, Precision precision)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    for (const Node& node : graph.nodes()) {
      if (!node.has_convolution()) continue;
      const Shape& input = graph.nodes(node.inputs(0)).output();
      Add(node.convolution(), input, node.output(), precision == INT8);
    }
  }

  void Run() {
    for (size_t i = 0; i < primitives_.size(); ++i) {
      primitives_[i].execute(stream_, arguments_[i]);
    }
    stream_.wait();
  }

 private:
  void Add(const ConvolutionOp& op, const Shape& in, const Shape& out,
           bool int8) {
    const DataType activation = int8 ? DataType::u8 : DataType::f32;
    const dnnl::memory::desc source({1, in.channels(), in.height(), in.width()},
                                    activation, Tag::nhwc);
    const dnnl::memory::desc target(
        {1, out.channels(), out.height(), out.width()}, activation, Tag::nhwc);
    const dnnl::memory::desc weights(
        {op.out_channels(), in.channels(), op.kernel(), op.kernel()},
        int8 ? DataType::s8 : DataType::f32, Tag::any);
    const dnnl::memory::desc bias({op.out_channels()},
                                  int8 ? DataType::s32 : DataType::f32, Tag::x);
    dnnl::primitive_attr attributes;
    if (int8) {
      attributes.set_output_scales(
          1 << 1, std::vector<float>(op.out_channels(), 1e-3f));
      attributes.set_zero_points(DNNL_ARG_SRC, 0, {20});
      attributes.set_zero_points(DNNL_ARG_DST, 0, {20});
    }
    dnnl::post_ops operations;
    operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.1f, 0.0f);
    attributes.set_post_ops(operations);
    const dnnl::memory::dims stride(2, op.stride());
    const dnnl::memory::dims padding(2, op.padding());
    const dnnl::convolution_forward::primitive_desc primitive(
        {dnnl::prop_kind::forward_inference,
         dnnl::algorithm::convolution_direct, source, weights, bias, target,
         stride, padding, padding},
        attributes, engine_);
    primitives_.emplace_back(primitive);
    arguments_.push_back({
        {DNNL_ARG_SRC, dnnl::memory(primitive.src_desc(), engine_)},
        {DNNL_ARG_WEIGHTS, dnnl::memory(primitive.weights_desc(), engine_)},
        {DNNL_ARG_BIAS, dnnl::memory(primitive.bias_desc(), engine_)},
        {DNNL_ARG_DST, dnnl::memory(primitive.dst_desc(), engine_)},
    });
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<dnnl::convolution_forward> primitives_;
  std::vector<std::unordered_map<int, dnnl::memory>> arguments_;
};

const Graph& Network() {
  static const Graph* const graph = new Graph(*BuildYolov3({}));
  return *graph;
}

// XNNPACK has no leaky ReLU on INT8 accumulators: it runs mode TWO_STEP, the
// others FUSED.
QuantizationSpec::LeakyMode LeakyModeOf(const std::string& engine) {
  return engine == "xnnpack" ? QuantizationSpec::TWO_STEP
                             : QuantizationSpec::FUSED;
}

const Deployable& Model(Precision precision,
                        QuantizationSpec::LeakyMode leaky) {
  static auto* const models =
      new std::map<std::pair<Precision, int>, const Deployable*>();
  const Deployable*& model = (*models)[{precision, leaky}];
  if (model == nullptr) {
    QuantizationSpec spec;
    spec.set_weights(QuantizationSpec::PER_CHANNEL);
    spec.set_leaky(leaky);
    spec.set_concat(QuantizationSpec::REQUANTIZE);
    const Graph folded = WithoutBatchNorm(Network());
    static std::vector<std::unique_ptr<AlignedBytes>> storage;
    storage.push_back(std::make_unique<AlignedBytes>(RandomDeployable(
        folded, PrecisionByPart(folded, precision, precision, precision), spec,
        1)));
    model = new Deployable(
        *Deployable::FromBytes(storage.back()->view(), "benchmark"));
  }
  return *model;
}

// The set of kernels that the environment asks for; empty: the best one.
std::string NativeKernels() {
  const char* const name = std::getenv("YOLOQ_NATIVE_KERNELS");
  return name == nullptr ? "" : name;
}

void RunEngine(benchmark::State& state, Engine* engine) {
  const std::vector<uint8_t> picture = RandomPicture(engine->graph(), 1);
  std::vector<HeadOutput> heads;
  if (!engine->Run(picture, &heads).ok()) state.SkipWithError("failed");
  for (auto _ : state) {
    if (!engine->Run(picture, &heads).ok()) state.SkipWithError("failed");
  }
}

void BM_OneDnnDirect(benchmark::State& state, Precision precision) {
  omp_set_num_threads(static_cast<int>(state.range(0)));
  BareConvolutions convolutions(Network(), precision);
  convolutions.Run();
  for (auto _ : state) convolutions.Run();
}

void BM_Engine(benchmark::State& state, const std::string& name,
               Precision precision) {
  EngineOptions options;
  options.threads = static_cast<int>(state.range(0));
  options.native.kernels = NativeKernels();
  const auto engine =
      CreateEngine(name, &Model(precision, LeakyModeOf(name)), options);
  if (!engine.ok()) {
    state.SkipWithError(engine.status().ToString().c_str());
    return;
  }
  RunEngine(state, engine->get());
}

void BM_Torch(benchmark::State& state) {
  TorchExecutorOptions options;
  options.threads = static_cast<int>(state.range(0));
  const auto engine =
      TorchExecutor::Create(Network(), RandomWeights(Network(), 1), options);
  RunEngine(state, engine->get());
}

void BM_TorchInt8(benchmark::State& state) {
  const auto convolutions = TorchInt8Convolutions::Create(
      Network(), static_cast<int>(state.range(0)));
  if (!convolutions.ok()) {
    state.SkipWithError(convolutions.status().ToString().c_str());
    return;
  }
  if (!(*convolutions)->Run().ok()) state.SkipWithError("failed");
  for (auto _ : state) {
    if (!(*convolutions)->Run().ok()) state.SkipWithError("failed");
  }
}

// Multiply-accumulates a second that so many threads start at most; 0 where the
// kernels of this processor have no loop for it.
double MeasuredPeak(Precision precision, int threads) {
  constexpr int64_t kRounds = 1000000;
  const auto set = native::FindKernels(NativeKernels());
  if (!set.ok()) return 0;
  const native::KernelSet& kernels = **set;
  const native::PeakLoop& loop =
      precision == INT8 ? kernels.peak_int8 : kernels.peak_f32;
  if (loop.run == nullptr) return 0;
  const auto pool = NewThreadPool(threads);
  if (!pool.ok()) return 0;
  double best = 0;
  for (int i = 0; i < 50; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    (*pool)->Loop(threads, [&](int64_t) { loop.run(kRounds); });
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - begin;
    best = std::max(
        best, kRounds * loop.multiplies_per_round * threads / seconds.count());
  }
  return best;
}

double NetworkMultiplies() {
  double sum = 0;
  for (int i = 0; i < Network().nodes_size(); ++i) {
    sum += MultiplyAccumulates(Network(), i);
  }
  return sum;
}

// The usual table, a row as soon as it is measured; keeps the times for the
// ratios.
class TurnsReporter : public benchmark::ConsoleReporter {
 public:
  bool ReportContext(const Context& context) override {
    const bool first = !begun_;
    begun_ = true;
    return !first || ConsoleReporter::ReportContext(context);
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred || run.run_type == Run::RT_Aggregate) continue;
      turns_ns_[run.run_name.function_name + "/" + run.run_name.args].push_back(
          static_cast<int64_t>(1e6 * run.GetAdjustedRealTime()));
    }
    ConsoleReporter::ReportRuns(runs);
  }

  void PrintRatios() const {
    std::printf("\n%-28s %10s %10s %8s %9s %8s %8s\n",
                "engine/precision/threads", "median ms", "least ms", "ratio",
                "of least", "threads", "of peak");
    for (const auto& [name, turns] : turns_ns_) {
      const std::vector<std::string> parts = absl::StrSplit(name, '/');
      const LatencySummary own = SummaryOf(name);
      const LatencySummary bare =
          SummaryOf(absl::StrCat("onednn_direct/", parts[1], "/", parts[2]));
      const LatencySummary one_thread =
          SummaryOf(absl::StrCat(parts[0], "/", parts[1], "/1"));
      const std::string of_peak =
          Share(MultipliesPerSecond(own.min_ms), Peak(parts[1], parts[2]));
      std::printf(
          "%-28s %10.1f %10.1f %8s %9s %8s %8s\n", name.c_str(), own.median_ms,
          own.min_ms, Share(own.median_ms, bare.median_ms).c_str(),
          Share(own.min_ms, bare.min_ms).c_str(),
          Share(one_thread.min_ms, own.min_ms).c_str(), of_peak.c_str());
    }
    std::printf(
        "(ratio: to onednn_direct, of medians and of least times; threads: "
        "least time of one thread in this row's)\n");
  }

 private:
  // All zero where nothing was measured.
  LatencySummary SummaryOf(const std::string& name) const {
    const auto turns = turns_ns_.find(name);
    return turns == turns_ns_.end() ? LatencySummary()
                                    : SummarizeLatency(turns->second);
  }

  static double MultipliesPerSecond(double ms) {
    return NetworkMultiplies() / (ms / 1e3);
  }

  static std::string Share(double part, double whole) {
    return part == 0 || whole == 0 ? "-"
                                   : absl::StrFormat("%.3f", part / whole);
  }

  static double Peak(const std::string& precision, const std::string& threads) {
    static auto* const peaks = new std::map<std::string, double>();
    const auto [peak, unknown] = peaks->emplace(precision + threads, 0);
    if (unknown) {
      peak->second = MeasuredPeak(precision == "int8" ? INT8 : FP32,
                                  threads == "1" ? 1 : 2);
      std::printf("(peak of %s, %s threads: %.0f G multiply-accumulates/s)\n",
                  precision.c_str(), threads.c_str(), peak->second / 1e9);
    }
    return peak->second;
  }

  std::map<std::string, std::vector<int64_t>> turns_ns_;
  bool begun_ = false;
};

// One row of the table: its name is "engine/precision".
void Register(const std::string& name, int threads,
              const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)
      ->Arg(threads)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->MinTime(1.0);
}

void RegisterAll() {
  using State = benchmark::State;
  for (const int threads : {1, 2}) {
    for (const Precision precision : {INT8, FP32}) {
      const std::string suffix = precision == INT8 ? "/int8" : "/fp32";
      Register(absl::StrCat("onednn_direct", suffix), threads,
               [precision](State& s) { BM_OneDnnDirect(s, precision); });
      for (const std::string& engine : EngineNames()) {
        if (engine == "reference") continue;
        Register(
            absl::StrCat(engine, suffix), threads,
            [engine, precision](State& s) { BM_Engine(s, engine, precision); });
      }
    }
    Register("torch/fp32", threads, BM_Torch);
    Register("torch_convolutions/int8", threads, BM_TorchInt8);
  }
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  yoloq::RegisterAll();
  yoloq::TurnsReporter reporter;
  for (int turn = 0; turn < yoloq::kTurns; ++turn) {
    benchmark::RunSpecifiedBenchmarks(&reporter);
  }
  reporter.PrintRatios();
  return 0;
}
