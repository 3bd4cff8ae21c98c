#include "experiments/host_latency.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "experiments/engines.h"
#include "hw/latency.h"
#include "model/graph.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::StatusOr<LatencyResult> MeasureEngine(const Deployable& model,
                                            const std::string& engine_name,
                                            const NativeEngineSpec& native,
                                            const LatencySpec& spec) {
  YOLOQ_ASSIGN_OR_RETURN(
      const std::unique_ptr<Engine> engine,
      MakeEngine(engine_name, native, &model, spec.threads()));
  std::vector<uint8_t> rgb(ElementCount(model.graph().nodes(0).output()));
  for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = i * 2654435761u >> 24;
  std::vector<HeadOutput> heads;
  LatencyRules rules;
  rules.warmup_runs = spec.warmup_runs();
  rules.min_runs = spec.min_runs();
  rules.min_seconds = spec.min_seconds();
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<int64_t> samples_ns,
                         SampleLatency(rules, "measure", [&] {
                           return engine->Run(rgb, &heads);
                         }));
  const LatencySummary summary = SummarizeLatency(samples_ns);
  LatencyResult result;
  result.set_device(spec.device());
  result.set_engine(engine_name);
  result.set_threads(spec.threads());
  for (const int64_t sample : samples_ns) result.add_samples_ns(sample);
  result.set_median_ms(summary.median_ms);
  result.set_p90_ms(summary.p90_ms);
  result.set_min_ms(summary.min_ms);
  result.set_coefficient_of_variation(summary.coefficient_of_variation);
  result.mutable_median_interval_ms()->set_low(summary.median_low_ms);
  result.mutable_median_interval_ms()->set_high(summary.median_high_ms);
  result.set_valid(true);
  const std::string wide =
      WideIntervalReason(summary.median_ms, summary.median_low_ms,
                         summary.median_high_ms, spec.max_relative_interval());
  if (!wide.empty()) {
    result.set_valid(false);
    result.add_invalid_reasons(
        absl::StrCat(wide,
                     ": other load on the machine; run again when idle, with "
                     "--rerun=measure"));
  }
  return result;
}

}  // namespace

absl::StatusOr<LatencyResult> MeasureHostLatency(const Deployable& model,
                                                 const std::string& engine_name,
                                                 const NativeEngineSpec& native,
                                                 const LatencySpec& spec) {
  YOLOQ_ASSIGN_OR_RETURN(const LatencyResult first,
                         MeasureEngine(model, engine_name, native, spec));
  if (first.valid()) return first;
  return MeasureEngine(model, engine_name, native, spec);
}

}  // namespace yoloq
