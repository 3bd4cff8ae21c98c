// Runs experiments on a profile and says what was measured.
#ifndef YOLOQ_EXPERIMENTS_RUNNER_H_
#define YOLOQ_EXPERIMENTS_RUNNER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "experiments/workbench.h"
#include "reports/result.pb.h"

namespace yoloq {

// Runs the experiments in order, stage by stage; what the cache holds is not
// run again. The baseline is run first, and joins the results even where it was
// not asked for: the others are compared with it.
//
// Errors of the specs, the data and the stages. What a profile cannot give (the
// accuracy of a network without data, QAT without training) is no error: the
// result says why it was not run.
absl::StatusOr<RunResults> RunExperiments(
    const std::vector<ExperimentSpec>& experiments, const ProfileSpec& profile,
    const RunnerOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_RUNNER_H_
