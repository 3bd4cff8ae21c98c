#include "model/training/learning_rate.h"

#include <algorithm>
#include <cmath>

#include "model/training/spec_fields.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr double kPi = 3.14159265358979323846;

}  // namespace

absl::Status CheckSchedule(const TrainingSpec& spec) {
  constexpr int kMost = 1000000000;
  YOLOQ_RETURN_IF_ERROR(CheckField("epochs", spec.epochs(), 1, 1000000));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("learning_rate", spec.learning_rate(), 0, 10));
  if (!TrainingSpec::Schedule_IsValid(spec.schedule())) {
    return absl::InvalidArgumentError("schedule is unknown");
  }
  YOLOQ_RETURN_IF_ERROR(CheckField("step_factor", spec.step_factor(), 0, 1));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("step_epochs", spec.step_epochs(), 0, kMost));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("final_fraction", spec.final_fraction(), 0, 1));
  return CheckField("warmup_steps", spec.warmup_steps(), 0, kMost);
}

double LearningRate(const TrainingSpec& spec, int64_t step,
                    int steps_per_epoch) {
  double rate = OrDefault(spec.learning_rate(), 1e-3);
  if (spec.schedule() == TrainingSpec::COSINE) {
    const double all =
        double{static_cast<double>(spec.epochs())} * steps_per_epoch;
    const double share =
        (1 + std::cos(kPi * static_cast<double>(step) / all)) / 2;
    rate *= spec.final_fraction() + (1 - spec.final_fraction()) * share;
  } else {
    const int64_t epoch = step / steps_per_epoch;
    rate *= std::pow(
        OrDefault(spec.step_factor(), 0.8),
        static_cast<double>(epoch / OrDefault(spec.step_epochs(), 10)));
  }
  if (step >= spec.warmup_steps()) return rate;
  return rate * static_cast<double>(step + 1) / spec.warmup_steps();
}

}  // namespace yoloq
