// Building, checking and walking the graph of model/graph.proto.
#ifndef YOLOQ_MODEL_GRAPH_H_
#define YOLOQ_MODEL_GRAPH_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/graph.pb.h"

namespace yoloq {

// Checks the whole graph (order, arity, names, ranges, groups that divide,
// shapes that agree, anchors and masks) and fills in every Node.output.
// The input node's output shape is kept, all others follow from it.
// Errors: InvalidArgument that names the node.
absl::Status InferShapes(Graph* graph);

// Changes the input to (3, side, side) and infers all shapes again.
absl::Status SetInputSize(int side, Graph* graph);

// Elements of a shape: channels * height * width.
int64_t ElementCount(const Shape& shape);

// Values of a convolution's weight tensor: out * (in / groups) * kernel^2.
// `in_channels`: channels of the node's input.
int64_t WeightCount(const ConvolutionOp& convolution, int in_channels);

// For the node at `index`, which is a convolution.
int64_t WeightCount(const Graph& graph, int index);

// Trainable parameters: weights and biases, and with batch norm also gamma.
int64_t ParameterCount(const Graph& graph, int index);

// Multiply-accumulates of one forward pass; 0 for all but convolutions.
int64_t MultiplyAccumulates(const Graph& graph, int index);

// consumers[i]: the nodes that read node i, in order.
std::vector<std::vector<int>> Consumers(const Graph& graph);

// Indices of the YOLO heads, in order.
std::vector<int> YoloHeads(const Graph& graph);

// The same graph with batch_norm cleared on every convolution.
Graph WithoutBatchNorm(Graph graph);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_GRAPH_H_
