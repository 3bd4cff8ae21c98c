// The graph with trainable parameters: forward passes that autograd follows.
// For the loss, the trainer and quantization-aware training; it shows
// LibTorch's tensors, so include it in .cc files only.
//
//   YOLOQ_ASSIGN_OR_RETURN(auto network, TrainableNetwork::Create(
//                              graph, weights, NetworkPlacement()));
//   std::vector<at::Tensor> heads = network->Forward(images,
//   /*hooks=*/nullptr);
//
// LibTorch's exceptions pass through all members but Create.
#ifndef YOLOQ_MODEL_TRAINING_TRAINABLE_NETWORK_H_
#define YOLOQ_MODEL_TRAINING_TRAINABLE_NETWORK_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "model/graph.pb.h"
#include "model/training/training_hooks.h"
#include "model/weights.h"

namespace yoloq {

// Weight of the newest batch in batch norm's running statistics.
inline constexpr double kBatchNormMomentum = 0.1;

// The parameters of one convolution; undefined for what it does not have.
struct TrainableConvolution {
  at::Tensor weight;    // (out, in / groups, kernel, kernel), channels last
  at::Tensor bias;      // (out); with batch norm: its beta
  at::Tensor gamma;     // (out)
  at::Tensor mean;      // (out), running; no gradient
  at::Tensor variance;  // (out), running; no gradient
};

struct NetworkPlacement {
  bool cuda = false;
  // Convolutions in bfloat16; all else in float32.
  bool bfloat16_convolutions = false;
  // Activations and weights channels last (the fastest on the CPU, see
  // training_benchmark.cc); otherwise contiguous.
  bool channels_last = true;
};

class TrainableNetwork {
 public:
  // Sees each node's output as it is made.
  using Inspector = std::function<void(int node, const at::Tensor& output)>;

  // Checks graph and weights (InvalidArgument). Starts in training mode.
  static absl::StatusOr<std::unique_ptr<TrainableNetwork>> Create(
      Graph graph, const Weights& weights, const NetworkPlacement& placement);

  // A network on the memory of this one's weights and biases, with gradients
  // and statistics of its own: for another thread, as long as nobody changes
  // the parameters.
  std::unique_ptr<TrainableNetwork> Replica() const;

  const Graph& graph() const { return graph_; }
  const std::vector<int>& heads() const { return heads_; }

  // Training: batch norm by the batch's statistics, which move the running
  // ones. Otherwise by the running ones.
  bool training() const { return training_; }
  void set_training(bool training) { training_ = training; }

  // images: float32 (N, 3, H, W) in [0, 1], of the graph's input size, on any
  // device. Returns the heads' raw output, float32 (N, C, H, W), in graph
  // order. `hooks` may be null.
  std::vector<at::Tensor> Forward(const at::Tensor& images,
                                  TrainingHooks* hooks,
                                  const Inspector& inspect = {});

  // What a convolution node does before its activation: convolution with
  // `weight` in place of its own (same shape), then batch norm. For hooks.
  at::Tensor ConvolveWith(int node, const at::Tensor& input,
                          const at::Tensor& weight);
  // Convolution alone, `bias` may be undefined. For hooks.
  at::Tensor ConvolutionOnly(int node, const at::Tensor& input,
                             const at::Tensor& weight, const at::Tensor& bias);
  // Batch norm alone, by the batch's or (frozen, or not training) the running
  // statistics. For hooks.
  at::Tensor BatchNormOnly(int node, const at::Tensor& values, bool frozen);

  // Parameters and running statistics of a convolution node.
  const TrainableConvolution& convolution(int node) const {
    return convolutions_[node];
  }

  // The memory behind all of them, one dimension each; changing a value changes
  // the network. Gradients of weights and biases accumulate in the next two.
  const at::Tensor& weights() const { return weights_; }
  const at::Tensor& biases() const { return biases_; }  // gamma and beta too
  const at::Tensor& weight_gradients() const { return weight_gradients_; }
  const at::Tensor& bias_gradients() const { return bias_gradients_; }
  const at::Tensor& statistics() const { return statistics_; }

  Weights ToWeights() const;

 private:
  TrainableNetwork(Graph graph, const NetworkPlacement& placement);

  // Takes the parameters' memory, makes that of the rest, and places all.
  void Allocate(const at::Tensor& weights, const at::Tensor& biases);
  void CopyFrom(const Weights& weights);
  at::Tensor Execute(int index, const std::vector<at::Tensor>& values,
                     TrainingHooks* hooks);
  at::Tensor Convolution(int index, const at::Tensor& input,
                         TrainingHooks* hooks);
  at::Tensor Activated(Activation activation, const at::Tensor& values,
                       bool in_place) const;

  const Graph graph_;
  const NetworkPlacement placement_;
  const std::vector<int> heads_;
  bool training_ = true;
  std::vector<int> last_reader_;                    // of each node's output
  std::vector<TrainableConvolution> convolutions_;  // parallel to the nodes
  at::Tensor weights_, biases_, statistics_;
  at::Tensor weight_gradients_, bias_gradients_;
};

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_TRAINABLE_NETWORK_H_
