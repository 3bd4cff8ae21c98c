// Measures one configuration (model, engine, threads) in turns, so that several
// can take turns: what slows the device for a while then slows all of them.
#ifndef YOLOQ_HW_BENCH_LATENCY_H_
#define YOLOQ_HW_BENCH_LATENCY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "eval/picture.h"
#include "hw/bench_engine.h"
#include "hw/conditions.h"
#include "hw/detector.h"
#include "hw/latency.h"
#include "hw/measurement.pb.h"

namespace yoloq {

// Path, digest and size of a model file; errors as ReadFile
// (tools/base/file.h).
absl::StatusOr<ModelIdentity> IdentifyModel(const std::string& path);

struct LatencyBenchOptions {
  LatencyRules rules;
  int node_runs = 10;  // runs with nodes timed, in the first turn; 0: none
  DetectorOptions detector;
  ConditionSources sources;
  double cool_to_celsius = 0;  // before each turn; 0: does not wait
  double cool_timeout_s = 600;
  ValidityLimits limits;
  std::function<void(double)> sleep;  // seconds
};

// "int8.yoloq/xnnpack/threads:4".
std::string LatencyTitle(const LatencyMeasurement& measurement);

class LatencyBench {
 public:
  LatencyBench(ModelIdentity model, std::string engine, int threads,
               EngineMaker make_engine, const LatencyBenchOptions& options);

  std::string title() const { return LatencyTitle(measurement_); }

  // One turn: cools, loads, warms up, times. Internal when a run computes
  // something else than the first one did.
  absl::Status TakeTurn(const std::string& image_id, const Picture& picture);

  // Of the last turn's end-to-end times.
  LatencySummary LastTurn() const;

  // All turns so far, with summaries and validity. At least one turn.
  LatencyMeasurement Summarize() const;

 private:
  struct Samples {
    std::vector<int64_t> end_to_end, preprocess, inference, postprocess;
  };

  absl::Status CheckSameOutput(const Detector& detector);
  absl::Status TimeRuns(Detector* detector, const Picture& picture,
                        LatencyRepetition* repetition);
  absl::Status TimeNodes(const Deployable& model, const Picture& picture);
  void SummarizeNodes(LatencyMeasurement* result) const;
  absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(const Deployable& model,
                                                     bool time_nodes) const;

  EngineMaker make_engine_;
  LatencyBenchOptions options_;
  LatencyMeasurement measurement_;  // all but what comes of the samples
  Samples samples_;
  std::vector<HeadOutput> expected_heads_;
  Graph graph_;
  std::vector<std::vector<int64_t>> node_samples_;  // [node][run]
};

}  // namespace yoloq

#endif  // YOLOQ_HW_BENCH_LATENCY_H_
