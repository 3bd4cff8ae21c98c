#include "reports/measurement.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/format_number.h"

namespace yoloq {
namespace {

Interval Scaled(const Interval& interval, double factor) {
  Interval scaled;
  scaled.set_low(interval.low() * factor);
  scaled.set_high(interval.high() * factor);
  return scaled;
}

std::string NotRunReason(const RunResult* result, const std::string& what) {
  if (result == nullptr) return "no result was given";
  const auto reason = result->not_run().find(what);
  return reason == result->not_run().end() ? "the run did not measure it"
                                           : reason->second;
}

std::string Describe(const MeasuredModel& model) {
  std::string text = model.label();
  if (model.input_size() > 0) {
    absl::StrAppend(&text, " at ", model.input_size(), " x ",
                    model.input_size());
  }
  return text;
}

std::string OtherNetwork(const MeasuredModel& model, int64_t parameters) {
  if (model.parameters() == parameters) return "";
  return absl::StrCat("another network: ", FormatThousands(model.parameters()),
                      " parameters, the paper's ", FormatThousands(parameters));
}

std::string OtherInput(const MeasuredModel& model,
                       const PublishedConditions& conditions) {
  if (model.input_size() == conditions.input_size()) return "";
  return absl::StrCat("another input: ", model.input_size(),
                      " pixels, the paper's ", conditions.input_size());
}

std::string OtherData(const RunResult& result,
                      const PublishedConditions& conditions) {
  const DataSpec& data = result.profile().data();
  const bool same_set =
      data.test_sets_size() == 1 && data.test_sets(0) == conditions.test_set();
  if (same_set && result.accuracy().images() == conditions.test_images()) {
    return "";
  }
  return absl::StrCat(
      "other data: ", FormatThousands(result.accuracy().images()),
      " images, the paper's ", FormatThousands(conditions.test_images()),
      " of ", conditions.test_set());
}

std::string OtherDevice(const LatencyResult& latency,
                        const PublishedConditions& conditions) {
  if (latency.device_run().emulated()) {
    return absl::StrCat("emulated (", latency.device(),
                        "): its times say nothing about a board");
  }
  if (latency.device() == conditions.device()) return "";
  return absl::StrCat("another device: ", latency.device(), ", the paper's a ",
                      conditions.device_description());
}

std::string Invalid(const LatencyResult& latency) {
  if (latency.valid()) return "";
  return absl::StrCat("INVALID: ",
                      absl::StrJoin(latency.invalid_reasons(), "; "));
}

std::string JoinDifferences(const std::vector<std::string>& differences) {
  std::vector<std::string> there;
  for (const std::string& difference : differences) {
    if (!difference.empty()) there.push_back(difference);
  }
  return absl::StrJoin(there, "; ");
}

Measurement SizeOf(const RunResult* result, int64_t paper_parameters) {
  Measurement measurement;
  if (result == nullptr || !result->has_model_size()) {
    measurement.not_run = NotRunReason(result, "model_size");
    return measurement;
  }
  const ModelSizeResult& size = result->model_size();
  measurement.value = size.file_bytes() / 1e6;
  measurement.not_comparable = OtherNetwork(size.model(), paper_parameters);
  measurement.measured_on =
      absl::StrCat("deployable file in 10^6 bytes; ", size.model().label());
  return measurement;
}

Measurement AccuracyOf(const RunResult* result,
                       const PublishedConditions& conditions,
                       int64_t paper_parameters) {
  Measurement measurement;
  if (result == nullptr || !result->has_accuracy()) {
    measurement.not_run = NotRunReason(result, "accuracy");
    return measurement;
  }
  const AccuracyResult& accuracy = result->accuracy();
  const DataSpec& data = result->profile().data();
  measurement.value = TableMap(*result, accuracy) * 100;
  const bool eleven_point = ShowsElevenPoint(*result);
  if (eleven_point && accuracy.has_map_eleven_point_interval()) {
    measurement.interval = Scaled(accuracy.map_eleven_point_interval(), 100);
  } else if (!eleven_point && accuracy.has_map_area_interval()) {
    measurement.interval = Scaled(accuracy.map_area_interval(), 100);
  }
  measurement.not_comparable =
      JoinDifferences({OtherNetwork(accuracy.model(), paper_parameters),
                       OtherInput(accuracy.model(), conditions),
                       OtherData(*result, conditions)});
  measurement.measured_on = absl::StrCat(
      FormatThousands(accuracy.images()), " images of ",
      absl::StrJoin(data.test_sets(), ", "),
      data.note().empty() ? "" : absl::StrCat(" (", data.note(), ")"),
      ", AP by ", eleven_point ? "11 points" : "area", "; ",
      Describe(accuracy.model()));
  return measurement;
}

Measurement LatencyOf(const RunResult* result,
                      const PublishedConditions& conditions,
                      int64_t paper_parameters) {
  Measurement measurement;
  if (result == nullptr || !result->has_latency()) {
    measurement.not_run = NotRunReason(result, "latency");
    return measurement;
  }
  const LatencyResult& latency = result->latency();
  measurement.value = latency.median_ms() / 1e3;
  if (latency.has_median_interval_ms()) {
    measurement.interval = Scaled(latency.median_interval_ms(), 1e-3);
  }
  measurement.not_comparable =
      JoinDifferences({Invalid(latency), OtherDevice(latency, conditions),
                       OtherNetwork(latency.model(), paper_parameters),
                       OtherInput(latency.model(), conditions)});
  measurement.measured_on = absl::StrCat(
      "median on ", latency.device(), ", ", latency.threads(),
      latency.threads() == 1 ? " thread" : " threads", ", batch 1; ",
      Describe(latency.model()), "; engine ", latency.engine());
  return measurement;
}

// 1 / latency.
Measurement FpsOf(Measurement latency) {
  if (!latency.value.has_value()) return latency;
  if (*latency.value <= 0) {
    latency.value.reset();
    latency.interval.reset();
    latency.not_run = "the latency is not positive";
    return latency;
  }
  latency.value = 1 / *latency.value;
  if (latency.interval.has_value() && latency.interval->low() > 0) {
    Interval interval;
    interval.set_low(1 / latency.interval->high());
    interval.set_high(1 / latency.interval->low());
    latency.interval = interval;
  }
  latency.measured_on = "1 / latency";
  return latency;
}

}  // namespace

bool ShowsElevenPoint(const RunResult& result) {
  return result.profile().evaluation().table_protocol() ==
         EvaluationSpec::ELEVEN_POINT;
}

double TableMap(const RunResult& result, const AccuracyResult& accuracy) {
  return ShowsElevenPoint(result) ? accuracy.map_eleven_point()
                                  : accuracy.map_area();
}

Measurement MeasurementOf(const RunResult* result, Metric metric,
                          const PublishedConditions& conditions,
                          int64_t paper_parameters) {
  switch (metric) {
    case MODEL_SIZE_MB:
      return SizeOf(result, paper_parameters);
    case MAP_PERCENT:
      return AccuracyOf(result, conditions, paper_parameters);
    case LATENCY_S:
      return LatencyOf(result, conditions, paper_parameters);
    case FPS:
      return FpsOf(LatencyOf(result, conditions, paper_parameters));
    default:
      return Measurement();
  }
}

}  // namespace yoloq
