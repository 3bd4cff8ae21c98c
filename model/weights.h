// The parameters of a network in float32, beside its graph.
#ifndef YOLOQ_MODEL_WEIGHTS_H_
#define YOLOQ_MODEL_WEIGHTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "model/graph.pb.h"

namespace yoloq {

// Batch normalization adds this to the variance, as PyTorch does and as darknet
// does on a GPU, where its published weights were trained (darknet's CPU code
// of Redmon adds 1e-6 to the standard deviation instead).
inline constexpr float kBatchNormEpsilon = 1e-5f;

// One convolution. `mean`, `variance`, `gamma` are empty without batch norm.
struct ConvolutionWeights {
  std::vector<float> weights;   // (out, in / groups, kernel, kernel), row-major
  std::vector<float> bias;      // out; with batch norm: its beta
  std::vector<float> gamma;     // out
  std::vector<float> mean;      // out
  std::vector<float> variance;  // out, >= 0
};

// Parallel to Graph.nodes; empty members for nodes that are no convolutions.
struct Weights {
  std::vector<ConvolutionWeights> nodes;
};

// Seeded random weights: Kaiming-normal with the gain of the activation, biases
// and beta 0, gamma 1, mean 0, variance 1. The last convolution of each
// residual branch is scaled by 1 / sqrt(number of residual additions), so that
// the activations' variance grows by a small factor over the whole network. The
// normal values are quantiles at 65,536 levels, made by IEEE arithmetic alone:
// the same seed gives the same values on every platform. `graph` has shapes.
Weights RandomWeights(const Graph& graph, uint64_t seed);

// InvalidArgument, naming the node, when a size does not fit the graph, a value
// is not finite, or a variance is negative.
absl::Status CheckWeights(const Graph& graph, const Weights& weights);

// Folds batch norm into the weights and biases:
//   w' = w * gamma / sqrt(variance + eps), b' = beta - mean * gamma /
//   sqrt(variance + eps),
// computed in double. The result fits WithoutBatchNorm(graph). `weights` fits
// `graph` (CheckWeights); move it in where it is not needed any more, which
// saves the copy.
Weights FoldBatchNorm(const Graph& graph, Weights weights);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_WEIGHTS_H_
