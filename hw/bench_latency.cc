#include "hw/bench_latency.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "eval/detections.h"
#include "hw/condition_monitor.h"
#include "hw/head_digest.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Clock = std::chrono::steady_clock;

int64_t NanosecondsSince(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() -
                                                              start)
      .count();
}

// Makes VmHWM begin anew; false where the kernel does not let us.
bool ResetPeakMemory() {
  malloc_trim(0);
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

int64_t PeakMemoryBytes() {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    absl::string_view value(line);
    int64_t kilobytes = 0;
    if (absl::ConsumePrefix(&value, "VmHWM:") &&
        absl::SimpleAtoi(absl::StripSuffix(value, " kB"), &kilobytes)) {
      return kilobytes * 1024;
    }
  }
  return 0;
}

LatencySamples Summary(const std::vector<int64_t>& samples_ns) {
  const LatencySummary summary = SummarizeLatency(samples_ns);
  LatencySamples result;
  result.mutable_samples_ns()->Add(samples_ns.begin(), samples_ns.end());
  result.set_median_ms(summary.median_ms);
  result.set_p90_ms(summary.p90_ms);
  result.set_min_ms(summary.min_ms);
  result.set_coefficient_of_variation(summary.coefficient_of_variation);
  result.set_median_low_ms(summary.median_low_ms);
  result.set_median_high_ms(summary.median_high_ms);
  return result;
}

bool SameHeads(const std::vector<HeadOutput>& a,
               const std::vector<HeadOutput>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const HeadOutput& x, const HeadOutput& y) {
                      return x.node == y.node && x.values == y.values;
                    });
}

}  // namespace

absl::StatusOr<ModelIdentity> IdentifyModel(const std::string& path) {
  ModelIdentity identity;
  identity.set_path(path);
  YOLOQ_ASSIGN_OR_RETURN(*identity.mutable_sha256(), FileSha256Hex(path));
  YOLOQ_ASSIGN_OR_RETURN(const int64_t bytes, FileSizeBytes(path));
  identity.set_file_bytes(bytes);
  return identity;
}

LatencyBench::LatencyBench(ModelIdentity model, std::string engine, int threads,
                           EngineMaker make_engine,
                           const LatencyBenchOptions& options)
    : make_engine_(std::move(make_engine)), options_(options) {
  *measurement_.mutable_model() = std::move(model);
  measurement_.set_engine(std::move(engine));
  measurement_.set_threads(threads);
}

std::string LatencyTitle(const LatencyMeasurement& measurement) {
  const std::string& path = measurement.model().path();
  return absl::StrCat(path.substr(path.rfind('/') + 1), "/",
                      measurement.engine(), "/threads:", measurement.threads());
}

absl::StatusOr<std::unique_ptr<Engine>> LatencyBench::MakeEngine(
    const Deployable& model, bool time_nodes) const {
  return make_engine_(&model, measurement_.threads(), time_nodes);
}

absl::Status LatencyBench::TakeTurn(const std::string& image_id,
                                    const Picture& picture) {
  LatencyRepetition* repetition = measurement_.add_repetitions();
  repetition->set_cooled(options_.cool_to_celsius <= 0 ||
                         WaitToCool(options_.sources, options_.cool_to_celsius,
                                    options_.cool_timeout_s, options_.sleep));
  measurement_.set_image_id(image_id);
  repetition->set_peak_memory_is_own(ResetPeakMemory());
  const Clock::time_point start = Clock::now();
  YOLOQ_ASSIGN_OR_RETURN(const Deployable model,
                         Deployable::Open(measurement_.model().path()));
  {
    YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                           MakeEngine(model, /*time_nodes=*/false));
    repetition->set_load_ns(NanosecondsSince(start));
    YOLOQ_ASSIGN_OR_RETURN(Detector detector,
                           Detector::Create(engine.get(), options_.detector));
    YOLOQ_RETURN_IF_ERROR(detector.Run(picture));
    repetition->set_first_inference_ns(detector.times().inference_ns);
    YOLOQ_RETURN_IF_ERROR(CheckSameOutput(detector));
    YOLOQ_RETURN_IF_ERROR(TimeRuns(&detector, picture, repetition));
  }
  repetition->set_peak_memory_bytes(PeakMemoryBytes());
  if (measurement_.repetitions_size() > 1 || options_.node_runs == 0) {
    return absl::OkStatus();
  }
  return TimeNodes(model, picture);
}

absl::Status LatencyBench::CheckSameOutput(const Detector& detector) {
  if (expected_heads_.empty()) {
    expected_heads_ = detector.heads();
    measurement_.set_heads_sha256(HeadsSha256(detector.heads()));
    const std::vector<ImageDetections> image = {
        ToProto(measurement_.image_id(), detector.detections())};
    measurement_.set_detections_sha256(DetectionsSha256(image));
    return absl::OkStatus();
  }
  if (SameHeads(expected_heads_, detector.heads())) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(title(), ": a run gave another output than the first one"));
}

absl::Status LatencyBench::TimeRuns(Detector* detector, const Picture& picture,
                                    LatencyRepetition* repetition) {
  std::vector<StepTimes> runs;
  *repetition->mutable_before() =
      ReadCondition(options_.sources, /*with_throttle=*/true);
  ConditionMonitor monitor(options_.sources);
  YOLOQ_RETURN_IF_ERROR(
      SampleLatency(options_.rules, title(), [&]() -> absl::Status {
        YOLOQ_RETURN_IF_ERROR(detector->Run(picture));
        runs.push_back(detector->times());
        return CheckSameOutput(*detector);
      }).status());
  const WatchedPeriod period = monitor.Finish();
  *repetition->mutable_after() =
      ReadCondition(options_.sources, /*with_throttle=*/true);
  for (const DeviceCondition& look : period.during) {
    *repetition->add_during() = look;
  }
  repetition->set_seconds(period.seconds);
  repetition->set_other_load_cores(period.other_load_cores);

  runs.erase(runs.begin(), runs.begin() + options_.rules.warmup_runs);
  repetition->set_runs(static_cast<int>(runs.size()));
  for (const StepTimes& run : runs) {
    samples_.preprocess.push_back(run.preprocess_ns);
    samples_.inference.push_back(run.inference_ns);
    samples_.postprocess.push_back(run.postprocess_ns);
    samples_.end_to_end.push_back(run.preprocess_ns + run.inference_ns +
                                  run.postprocess_ns);
  }
  return absl::OkStatus();
}

absl::Status LatencyBench::TimeNodes(const Deployable& model,
                                     const Picture& picture) {
  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                         MakeEngine(model, /*time_nodes=*/true));
  graph_ = engine->graph();
  YOLOQ_ASSIGN_OR_RETURN(Detector detector,
                         Detector::Create(engine.get(), options_.detector));
  for (int run = -options_.rules.warmup_runs; run < options_.node_runs; ++run) {
    YOLOQ_RETURN_IF_ERROR(detector.Run(picture));
    const absl::Span<const int64_t> times_ns = engine->node_ns();
    if (times_ns.empty()) return absl::OkStatus();
    YOLOQ_RETURN_IF_ERROR(CheckSameOutput(detector));
    if (run < 0) continue;
    node_samples_.resize(times_ns.size());
    for (size_t i = 0; i < times_ns.size(); ++i) {
      node_samples_[i].push_back(times_ns[i]);
    }
  }
  return absl::OkStatus();
}

void LatencyBench::SummarizeNodes(LatencyMeasurement* result) const {
  std::map<Part, std::vector<int64_t>> parts;
  for (size_t i = 0; i < node_samples_.size(); ++i) {
    const Node& node = graph_.nodes(static_cast<int>(i));
    const std::vector<int64_t>& samples = node_samples_[i];
    NodeLatency* latency = result->add_nodes();
    latency->set_node(static_cast<int>(i));
    latency->set_name(node.name());
    latency->set_part(node.part());
    *latency->mutable_latency() = Summary(samples);
    std::vector<int64_t>& sum = parts[node.part()];
    sum.resize(samples.size());
    for (size_t run = 0; run < samples.size(); ++run) sum[run] += samples[run];
  }
  for (const auto& [part, samples] : parts) {
    PartLatency* latency = result->add_parts();
    latency->set_part(part);
    *latency->mutable_latency() = Summary(samples);
  }
}

LatencySummary LatencyBench::LastTurn() const {
  const size_t runs = measurement_.repetitions().rbegin()->runs();
  return SummarizeLatency(absl::MakeConstSpan(samples_.end_to_end).last(runs));
}

LatencyMeasurement LatencyBench::Summarize() const {
  LatencyMeasurement result = measurement_;
  *result.mutable_end_to_end() = Summary(samples_.end_to_end);
  *result.mutable_preprocess() = Summary(samples_.preprocess);
  *result.mutable_inference() = Summary(samples_.inference);
  *result.mutable_postprocess() = Summary(samples_.postprocess);
  SummarizeNodes(&result);
  for (const LatencyRepetition& repetition : result.repetitions()) {
    result.set_peak_memory_bytes(
        std::max(result.peak_memory_bytes(), repetition.peak_memory_bytes()));
  }
  for (std::string& reason : InvalidReasons(result, options_.limits)) {
    result.add_invalid_reasons(std::move(reason));
  }
  result.set_valid(result.invalid_reasons().empty());
  return result;
}

}  // namespace yoloq
