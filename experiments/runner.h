// Runs experiments on a profile and says what was measured.
#ifndef YOLOQ_EXPERIMENTS_RUNNER_H_
#define YOLOQ_EXPERIMENTS_RUNNER_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

struct RunnerOptions {
  std::string cache_folder;       // required
  std::string engine = "onednn";  // experiments/engines.h
  std::set<std::string> rerun;    // stages that are made anew
  // Of the build: commit, dirty flag, compiler, libraries.
  Provenance build;
};

// Runs the experiments in order, stage by stage; what the cache holds is not
// run again. The baseline is run first, and joins the results even where it was
// not asked for: the others are compared with it.
//
// Errors of the specs, the data and the stages. What a profile cannot give (the
// accuracy of a network without data, QAT) is no error: the result says why it
// was not run.
absl::StatusOr<RunResults> RunExperiments(
    const std::vector<ExperimentSpec>& experiments, const ProfileSpec& profile,
    const RunnerOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_RUNNER_H_
