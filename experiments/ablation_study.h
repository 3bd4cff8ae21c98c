// What each way to close the gap between FP32 and INT8 is worth.
#ifndef YOLOQ_EXPERIMENTS_ABLATION_STUDY_H_
#define YOLOQ_EXPERIMENTS_ABLATION_STUDY_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "experiments/workbench.h"
#include "reports/ablation.pb.h"

namespace yoloq {

// Every part in INT8 by each of the recipes, on one profile. Trained recipes
// are not run where the profile has no training. FailedPrecondition for a
// profile without data; errors of the stages.
absl::StatusOr<AblationResult> StudyAblation(const AblationSpec& spec,
                                             const ProfileSpec& profile,
                                             const RunnerOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_ABLATION_STUDY_H_
