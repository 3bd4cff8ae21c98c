// Where a training begins: changes to random weights that let a deep network
// learn from the first steps on.
#ifndef YOLOQ_MODEL_TRAINING_INITIALIZATION_H_
#define YOLOQ_MODEL_TRAINING_INITIALIZATION_H_

#include "model/graph.pb.h"
#include "model/training/training.pb.h"
#include "model/weights.h"

namespace yoloq {

// Applies the spec's initial_... fields, those that are not 0. `weights` fits
// `graph`.
void Initialize(const Graph& graph, const TrainingSpec& spec, Weights* weights);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_INITIALIZATION_H_
