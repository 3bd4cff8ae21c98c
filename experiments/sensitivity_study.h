// How much each layer suffers from INT8: every convolution alone in INT8, and
// every one alone left in FP32.
#ifndef YOLOQ_EXPERIMENTS_SENSITIVITY_STUDY_H_
#define YOLOQ_EXPERIMENTS_SENSITIVITY_STUDY_H_

#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "experiments/workbench.h"
#include "reports/sensitivity.pb.h"

namespace yoloq {

// Quantizes as the profile says, by one calibration. Two evaluations a
// convolution, each a cached stage: an interrupted study goes on where it
// stood. FailedPrecondition for a profile without data; errors of the stages.
absl::StatusOr<SensitivityResult> StudySensitivity(
    const ProfileSpec& profile, const RunnerOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_SENSITIVITY_STUDY_H_
