// The learning rate over a training.
#ifndef YOLOQ_MODEL_TRAINING_LEARNING_RATE_H_
#define YOLOQ_MODEL_TRAINING_LEARNING_RATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "model/training/training.pb.h"

namespace yoloq {

// InvalidArgument names the field that is out of range.
absl::Status CheckSchedule(const TrainingSpec& spec);

// The rate of step `step` of all, from 0: the schedule's, times (step + 1) /
// warmup_steps during warm-up.
double LearningRate(const TrainingSpec& spec, int64_t step,
                    int steps_per_epoch);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_LEARNING_RATE_H_
