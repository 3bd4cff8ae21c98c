// The quantization-aware training of a network: the qat stage.
#ifndef YOLOQ_EXPERIMENTS_QAT_STAGE_H_
#define YOLOQ_EXPERIMENTS_QAT_STAGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "experiments/image_sets.h"
#include "experiments/network.h"
#include "experiments/pipeline.h"
#include "experiments/spec.pb.h"
#include "experiments/stage_cache.h"

namespace yoloq {

// Trains `network` from its weights on the training images of `sets` by
// profile.qat, with `precisions` simulated by profile.quantization's scheme;
// what PTQ alone does (calibration, equalization, AdaRound, bias correction) is
// left out. `profile` is checked and has `training`. An interrupted training
// resumes. Errors as Train (model/training/trainer.h).
absl::StatusOr<TrainedModel> TrainQuantized(const ProfileSpec& profile,
                                            const PartPrecisions& precisions,
                                            ImageSets* sets, Network* network,
                                            StageCache* cache);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_QAT_STAGE_H_
