#include "experiments/device_results.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "hw/latency.h"

namespace yoloq {
namespace {

// What rounding alone changes at most: scores, and pixels of the picture.
constexpr double kCloseScore = 1e-3;
constexpr double kClosePixels = 0.1;

double Ms(int64_t ns) { return static_cast<double>(ns) * 1e-6; }

void AddReason(std::string reason, LatencyResult* result) {
  result->set_valid(false);
  result->add_invalid_reasons(std::move(reason));
}

void CheckBoard(const DeviceSpec& device, const DeviceIdentity& identity,
                LatencyResult* result) {
  if (identity.emulated() && device.kind() == DeviceSpec::SSH) {
    AddReason(
        absl::StrCat("the device is emulated: ", identity.emulated_reason()),
        result);
  }
  if (!absl::StrContains(identity.board_model(), device.board().model())) {
    AddReason(absl::StrCat("the board calls itself '", identity.board_model(),
                           "', the spec of ", device.name(), " says '",
                           device.board().model(), "'"),
              result);
  }
}

// Looks at one condition of a turn.
void AddCondition(const DeviceCondition& condition, DeviceRun* run) {
  if (condition.has_temperature_celsius()) {
    const double celsius = condition.temperature_celsius();
    run->set_min_celsius(run->has_min_celsius()
                             ? std::min(run->min_celsius(), celsius)
                             : celsius);
    run->set_max_celsius(std::max(
        run->has_max_celsius() ? run->max_celsius() : celsius, celsius));
  }
  if (condition.has_clock_khz()) {
    const int64_t khz = condition.clock_khz();
    run->set_min_clock_khz(
        run->has_min_clock_khz() ? std::min(run->min_clock_khz(), khz) : khz);
    run->set_max_clock_khz(
        std::max(run->has_max_clock_khz() ? run->max_clock_khz() : khz, khz));
  }
  if (condition.has_governor()) run->set_governor(condition.governor());
  if (condition.has_throttled()) {
    run->set_throttled(run->throttled() | condition.throttled());
  }
}

void AddConditions(const LatencyMeasurement& latency, DeviceRun* run) {
  for (const LatencyRepetition& turn : latency.repetitions()) {
    AddCondition(turn.before(), run);
    for (const DeviceCondition& during : turn.during()) {
      AddCondition(during, run);
    }
    AddCondition(turn.after(), run);
  }
}

DeviceRun RunFrom(const MeasurementResult& measurement,
                  const LatencyMeasurement& latency) {
  const DeviceIdentity& identity = measurement.device();
  DeviceRun run;
  run.set_board_model(identity.board_model());
  run.set_cpu_model(identity.cpu_model());
  run.set_kernel(identity.kernel());
  run.set_emulated(identity.emulated());
  run.set_emulated_reason(identity.emulated_reason());
  run.set_started_utc(measurement.started_utc());
  run.set_program_sha256(measurement.program_sha256());
  run.set_preprocess_ms(latency.preprocess().median_ms());
  run.set_postprocess_ms(latency.postprocess().median_ms());
  run.set_end_to_end_ms(latency.end_to_end().median_ms());
  run.set_peak_memory_bytes(latency.peak_memory_bytes());
  if (!latency.repetitions().empty()) {
    run.set_load_ms(Ms(latency.repetitions(0).load_ns()));
    run.set_first_inference_ms(Ms(latency.repetitions(0).first_inference_ns()));
  }
  for (const PartLatency& part : latency.parts()) {
    PartLatencyMs* entry = run.add_parts();
    entry->set_part(Part_Name(part.part()));
    entry->set_median_ms(part.latency().median_ms());
  }
  AddConditions(latency, &run);
  return run;
}

bool CloseObjects(const DetectedObject& a, const DetectedObject& b) {
  const auto close = [](float x, float y) {
    return std::abs(x - y) <= kClosePixels;
  };
  return a.class_index() == b.class_index() &&
         std::abs(a.score() - b.score()) <= kCloseScore &&
         close(a.left(), b.left()) && close(a.top(), b.top()) &&
         close(a.right(), b.right()) && close(a.bottom(), b.bottom());
}

bool CloseDetections(const ImageDetections& a, const ImageDetections& b) {
  return std::equal(a.objects().begin(), a.objects().end(), b.objects().begin(),
                    b.objects().end(), CloseObjects);
}

}  // namespace

absl::StatusOr<LatencyResult> LatencyFromDevice(
    const DeviceSpec& device, const LatencySpec& rules,
    const MeasurementResult& measurement) {
  if (measurement.latencies().empty()) {
    return absl::DataLossError(absl::StrCat(
        "what ", device.name(), " sent back holds no latency; run again"));
  }
  const LatencyMeasurement& latency = measurement.latencies(0);
  const LatencySamples& inference = latency.inference();
  LatencyResult result;
  result.set_device(device.name());
  result.set_engine(latency.engine());
  result.set_threads(latency.threads());
  *result.mutable_samples_ns() = inference.samples_ns();
  result.set_median_ms(inference.median_ms());
  result.set_p90_ms(inference.p90_ms());
  result.set_min_ms(inference.min_ms());
  result.set_coefficient_of_variation(inference.coefficient_of_variation());
  result.mutable_median_interval_ms()->set_low(inference.median_low_ms());
  result.mutable_median_interval_ms()->set_high(inference.median_high_ms());
  result.set_valid(latency.valid());
  *result.mutable_invalid_reasons() = latency.invalid_reasons();
  CheckBoard(device, measurement.device(), &result);
  const std::string wide = WideIntervalReason(
      inference.median_ms(), inference.median_low_ms(),
      inference.median_high_ms(), rules.max_relative_interval());
  if (!wide.empty()) {
    AddReason(absl::StrCat(wide, "; run again with --rerun=measure"), &result);
  }
  *result.mutable_device_run() = RunFrom(measurement, latency);
  return result;
}

absl::StatusOr<DeviceCheck> CompareWithHost(const DeviceSpec& device,
                                            const MeasurementResult& on_device,
                                            const MeasurementResult& on_host,
                                            bool all_int8) {
  if (on_device.accuracies().empty() || on_host.accuracies().empty() ||
      on_device.accuracies(0).images_size() !=
          on_host.accuracies(0).images_size()) {
    return absl::DataLossError(
        absl::StrCat("what ", device.name(),
                     " sent back holds other images than the host's;"
                     " run again"));
  }
  const AccuracyMeasurement& there = on_device.accuracies(0);
  const AccuracyMeasurement& here = on_host.accuracies(0);
  DeviceCheck check;
  check.set_device(device.name());
  check.set_engine(there.engine());
  check.set_host_engine(here.engine());
  check.set_images(there.images_size());
  check.set_must_be_equal(all_int8);
  for (int i = 0; i < there.images_size(); ++i) {
    const ImageDigests& a = there.images(i);
    const ImageDigests& b = here.images(i);
    const bool equal = a.heads_sha256() == b.heads_sha256();
    check.set_equal_heads(check.equal_heads() + equal);
    check.set_close_detections(
        check.close_detections() +
        (equal || CloseDetections(a.detections(), b.detections())));
  }
  return check;
}

}  // namespace yoloq
