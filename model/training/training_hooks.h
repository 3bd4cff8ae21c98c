// Where quantization-aware training reaches into a network in training. Shows
// LibTorch's tensors: include it in .cc files only.
#ifndef YOLOQ_MODEL_TRAINING_TRAINING_HOOKS_H_
#define YOLOQ_MODEL_TRAINING_TRAINING_HOOKS_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "absl/types/span.h"

namespace yoloq {

class TrainableNetwork;

struct TrainingPosition {
  int epoch = 0;  // from 0
  int step = 0;   // within the epoch, from 0
  int steps_per_epoch = 0;
  // How much of the batch these hooks will see, in (0, 1]: all of it, or a
  // replica's part.
  double share = 1;
};

// Every function has a default that changes nothing. Called by one thread at a
// time, node by node in graph order.
//
// Where the batch is split over replicas (TrainingSpec.replicas), each has
// hooks of its own: those that the trainer was given, and their Replica()s.
// All begin a step with the first one's parameters and state. After it the
// gradients of Parameters() are summed over the replicas, those of the first
// are trained, and MergeState says what becomes of its state.
class TrainingHooks {
 public:
  virtual ~TrainingHooks() = default;

  // Before each step: the place for schedules (freezing observers and the
  // statistics of batch norm).
  virtual void BeginStep(const TrainingPosition&) {}

  // What convolution node `node` computes of `input` before its activation,
  // batch norm included. The default convolves with Weight(node, ...).
  virtual at::Tensor Convolution(TrainableNetwork& network, int node,
                                 const at::Tensor& input);

  // The weights that a convolution uses in place of its own.
  virtual at::Tensor Weight(int /*node*/, const at::Tensor& weight) {
    return weight;
  }

  // The tensor that takes the place of `values`, in float32. before_activation:
  // between convolution and activation (only of convolutions with one);
  // otherwise the node's output. Not called for YOLO heads.
  virtual at::Tensor Activation(int /*node*/, bool /*before_activation*/,
                                const at::Tensor& values) {
    return values;
  }

  // What node `node` sees of the output of `producer`, one of its inputs, in
  // place of it.
  virtual at::Tensor Input(int /*node*/, int /*producer*/,
                           const at::Tensor& values) {
    return values;
  }

  // Leaves (float32, contiguous, requiring gradients) that are trained beside
  // the network's own; always the same ones. Without weight decay.
  virtual std::vector<at::Tensor> Parameters() { return {}; }

  // Further float32, contiguous tensors that a checkpoint holds (observers'
  // ranges); always the same ones, changed in place.
  virtual std::vector<at::Tensor> State() { return {}; }

  // Hooks that do the same for another replica, with parameters and state of
  // their own, of any values. nullptr: these hooks cannot be had twice, and
  // training with several replicas is refused.
  virtual std::unique_ptr<TrainingHooks> Replica() const { return nullptr; }

  // At the end of a step, to the first replica's hooks: takes what `others`,
  // which saw the rest of the batch, have found into State(). What a forward
  // pass writes into Parameters() must not depend on its part of the batch.
  virtual void MergeState(absl::Span<TrainingHooks* const> /*others*/) {}
};

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_TRAINING_HOOKS_H_
