// What a training stage leaves in its folder: the weights and the history.
#ifndef YOLOQ_EXPERIMENTS_TRAINING_OUTCOME_H_
#define YOLOQ_EXPERIMENTS_TRAINING_OUTCOME_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "model/graph.pb.h"
#include "model/training/trainer.h"

namespace yoloq {

// Writes the weights as darknet's weights file, and training.textproto, a
// TrainingHistory. `images`: of the training set.
absl::Status WriteTrainingOutcome(const std::string& folder, const Graph& graph,
                                  int64_t images, TrainingOutcome outcome);

// Of the weights file in the folder.
std::string TrainedWeightsPath(const std::string& folder);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_TRAINING_OUTCOME_H_
