// What has to be there before any experiment: the drawn data set, and the
// trained weights of the baseline. Stages like the others: cached, and resumed.
#ifndef YOLOQ_EXPERIMENTS_PREPARE_H_
#define YOLOQ_EXPERIMENTS_PREPARE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "experiments/stage_cache.h"
#include "model/weights.h"
#include "reports/result.pb.h"

namespace yoloq {

struct PreparedProfile {
  // With data.voc_root and model.weights set to what the stages made.
  ProfileSpec profile;
  std::vector<StageRecord> stages;
};

// `profile` is checked. cache_folder: where digests of files are remembered.
absl::StatusOr<PreparedProfile> PrepareProfile(const ProfileSpec& profile,
                                               const std::string& cache_folder,
                                               StageCache* cache);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_PREPARE_H_
