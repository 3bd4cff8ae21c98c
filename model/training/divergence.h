// Finds the layer at which a training went wrong. Shows LibTorch's tensors:
// include it in .cc files only.
#ifndef YOLOQ_MODEL_TRAINING_DIVERGENCE_H_
#define YOLOQ_MODEL_TRAINING_DIVERGENCE_H_

#include <ATen/core/Tensor.h>

#include <string>

#include "model/training/trainable_network.h"

namespace yoloq {

bool IsFinite(const at::Tensor& values);

// Runs the batch again: "the output of node 'conv_3' is not finite" for the
// first such node, "" when there is none.
std::string FirstBadOutput(const at::Tensor& images, TrainingHooks* hooks,
                           TrainableNetwork* network);

// "the gradient of node 'conv_3' is not finite" for the first such node on the
// way back from the loss, "" when there is none.
std::string FirstBadGradient(const TrainableNetwork& network);

// "the largest gradient, of norm 1.2e+08, is that of node 'conv_3'".
std::string LargestGradient(const TrainableNetwork& network);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_DIVERGENCE_H_
