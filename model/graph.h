// Building, checking and walking the graph of model/graph.proto.
#ifndef YOLOQ_MODEL_GRAPH_H_
#define YOLOQ_MODEL_GRAPH_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/graph.pb.h"

namespace yoloq {

// Bounds that InferShapes holds every graph to, so that a hostile file cannot
// ask for absurd amounts of memory. YOLOv3 stays far below all of them.
inline constexpr int kMaxNodes = 4096;
inline constexpr int kMaxSide = 16384;      // height and width of a tensor
inline constexpr int kMaxChannels = 65536;  // of a tensor
inline constexpr int kMaxKernel = 255;      // side of a kernel or pool
inline constexpr int kMaxClasses = 16384;   // of a YOLO head
inline constexpr int64_t kMaxElements = int64_t{1} << 28;  // of a tensor
inline constexpr int64_t kMaxWeights = int64_t{1} << 29;   // of a graph

// Checks the whole graph (order, arity, names, ranges, groups that divide,
// shapes that agree, anchors and masks) and fills in every Node.output.
// The input node's output shape is kept, all others follow from it.
// Errors: InvalidArgument that names the node.
absl::Status InferShapes(Graph* graph);

// The same for the node at `index` alone, whose inputs have shapes. For
// building node by node; names and the bounds of the whole graph are not
// checked.
absl::Status InferShape(Graph* graph, int index);

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
// 0 for all but convolutions.
int64_t ParameterCount(const Graph& graph, int index);

// Multiply-accumulates of one forward pass; 0 for all but convolutions.
int64_t MultiplyAccumulates(const Graph& graph, int index);

// consumers[i]: the nodes that read node i, in order. A node that reads i
// twice is listed twice.
std::vector<std::vector<int>> Consumers(const Graph& graph);

// Indices of the YOLO heads, in order.
std::vector<int> YoloHeads(const Graph& graph);

// Classes of the YOLO heads. InvalidArgument when there is no head or when
// they differ.
absl::StatusOr<int> ClassCount(const Graph& graph);

// The same graph with batch_norm cleared on every convolution.
Graph WithoutBatchNorm(Graph graph);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_GRAPH_H_
