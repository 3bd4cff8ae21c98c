#include "model/graph.h"

#include <cmath>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

std::string ShapeText(const Shape& shape) {
  return absl::StrCat("(", shape.channels(), ", ", shape.height(), ", ",
                      shape.width(), ")");
}

bool IsName(absl::string_view name) {
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return !name.empty();
}

bool SameShape(const Shape& a, const Shape& b) {
  return a.channels() == b.channels() && a.height() == b.height() &&
         a.width() == b.width();
}

absl::Status CheckRange(absl::string_view field, int value, int low, int high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      field, " is ", value, ", it must be from ", low, " to ", high));
}

absl::Status CheckShape(const Shape& shape) {
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("channels", shape.channels(), 1, kMaxChannels));
  YOLOQ_RETURN_IF_ERROR(CheckRange("height", shape.height(), 1, kMaxSide));
  YOLOQ_RETURN_IF_ERROR(CheckRange("width", shape.width(), 1, kMaxSide));
  if (ElementCount(shape) > kMaxElements) {
    return absl::InvalidArgumentError(
        absl::StrCat("the output ", ShapeText(shape), " has more than ",
                     kMaxElements, " elements"));
  }
  return absl::OkStatus();
}

// (in + padding - size) / stride + 1; 0 or less when the window does not fit.
int SlidingOutput(int in, int size, int stride, int padding_total) {
  const int room = in + padding_total - size;
  return room < 0 ? 0 : room / stride + 1;
}

absl::Status CheckActivation(Activation activation) {
  if (activation == LINEAR || activation == RELU || activation == LEAKY) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown activation ", static_cast<int>(activation)));
}

absl::Status InferConvolution(const ConvolutionOp& op, const Shape& in,
                              Shape* out) {
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("out_channels", op.out_channels(), 1, kMaxChannels));
  YOLOQ_RETURN_IF_ERROR(CheckRange("kernel", op.kernel(), 1, kMaxKernel));
  YOLOQ_RETURN_IF_ERROR(CheckRange("stride", op.stride(), 1, kMaxKernel));
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("padding", op.padding(), 0, op.kernel() - 1));
  YOLOQ_RETURN_IF_ERROR(CheckRange("groups", op.groups(), 1, kMaxChannels));
  YOLOQ_RETURN_IF_ERROR(CheckActivation(op.activation()));
  if (in.channels() % op.groups() != 0 ||
      op.out_channels() % op.groups() != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "groups = ", op.groups(), " does not divide both the ", in.channels(),
        " input channels and the ", op.out_channels(), " output channels"));
  }
  out->set_channels(op.out_channels());
  out->set_height(
      SlidingOutput(in.height(), op.kernel(), op.stride(), 2 * op.padding()));
  out->set_width(
      SlidingOutput(in.width(), op.kernel(), op.stride(), 2 * op.padding()));
  return absl::OkStatus();
}

absl::Status InferMaxPool(const MaxPoolOp& op, const Shape& in, Shape* out) {
  YOLOQ_RETURN_IF_ERROR(CheckRange("size", op.size(), 1, kMaxKernel));
  YOLOQ_RETURN_IF_ERROR(CheckRange("stride", op.stride(), 1, kMaxKernel));
  // More than this and a window could lie wholly in the padding.
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("padding_total", op.padding_total(), 0, op.size() - 1));
  out->set_channels(in.channels());
  out->set_height(
      SlidingOutput(in.height(), op.size(), op.stride(), op.padding_total()));
  out->set_width(
      SlidingOutput(in.width(), op.size(), op.stride(), op.padding_total()));
  return absl::OkStatus();
}

absl::Status InferConcat(const std::vector<const Shape*>& inputs, Shape* out) {
  *out = *inputs[0];
  int64_t channels = 0;
  for (const Shape* in : inputs) {
    if (in->height() != out->height() || in->width() != out->width()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "inputs of different height or width: ", ShapeText(*inputs[0]),
          " and ", ShapeText(*in)));
    }
    channels += in->channels();
  }
  if (channels > kMaxChannels) {
    return absl::InvalidArgumentError(absl::StrCat(
        "channels is ", channels, ", it must be from 1 to ", kMaxChannels));
  }
  out->set_channels(static_cast<int>(channels));
  return absl::OkStatus();
}

absl::Status InferSlice(const SliceOp& op, const Shape& in, Shape* out) {
  YOLOQ_RETURN_IF_ERROR(CheckRange("begin", op.begin(), 0, in.channels() - 1));
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("count", op.count(), 1, in.channels() - op.begin()));
  *out = in;
  out->set_channels(op.count());
  return absl::OkStatus();
}

absl::Status InferUpsample(const UpsampleOp& op, const Shape& in, Shape* out) {
  YOLOQ_RETURN_IF_ERROR(CheckRange("factor", op.factor(), 1, kMaxKernel));
  out->set_channels(in.channels());
  out->set_height(in.height() * op.factor());
  out->set_width(in.width() * op.factor());
  return absl::OkStatus();
}

absl::Status CheckAnchors(const YoloHeadOp& op) {
  if (op.mask().empty()) {
    return absl::InvalidArgumentError("the mask names no anchor");
  }
  for (int i = 0; i < op.anchors_size(); ++i) {
    const YoloHeadOp::Anchor& anchor = op.anchors(i);
    if (!(anchor.width() > 0) || !(anchor.height() > 0) ||
        !std::isfinite(anchor.width()) || !std::isfinite(anchor.height())) {
      return absl::InvalidArgumentError(
          absl::StrCat("anchor ", i, " is ", anchor.width(), " x ",
                       anchor.height(), ", both must be above 0"));
    }
  }
  absl::flat_hash_set<int> seen;
  for (const int index : op.mask()) {
    if (index < 0 || index >= op.anchors_size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the mask names anchor ", index, ", but there are ",
                       op.anchors_size(), " anchors (from 0)"));
    }
    if (!seen.insert(index).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("the mask names anchor ", index, " twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status InferYoloHead(const YoloHeadOp& op, const Shape& in, Shape* out) {
  YOLOQ_RETURN_IF_ERROR(CheckRange("classes", op.classes(), 1, kMaxClasses));
  YOLOQ_RETURN_IF_ERROR(CheckAnchors(op));
  if (!(op.scale_x_y() > 0) || !std::isfinite(op.scale_x_y())) {
    return absl::InvalidArgumentError(
        absl::StrCat("scale_x_y is ", op.scale_x_y(), ", it must be above 0"));
  }
  const int64_t expected = int64_t{op.mask_size()} * (5 + op.classes());
  if (in.channels() != expected) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the input has ", in.channels(), " channels, but ", op.mask_size(),
        " anchors * (5 + ", op.classes(), " classes) = ", expected));
  }
  *out = in;
  return absl::OkStatus();
}

absl::Status InferAdd(const AddOp& op, const std::vector<const Shape*>& inputs,
                      Shape* out) {
  YOLOQ_RETURN_IF_ERROR(CheckActivation(op.activation()));
  if (!SameShape(*inputs[0], *inputs[1])) {
    return absl::InvalidArgumentError(
        absl::StrCat("inputs of different shapes: ", ShapeText(*inputs[0]),
                     " and ", ShapeText(*inputs[1])));
  }
  *out = *inputs[0];
  return absl::OkStatus();
}

absl::Status CheckArity(const Node& node) {
  int low = 1;
  int high = 1;
  switch (node.op_case()) {
    case Node::kInput:
      low = high = 0;
      break;
    case Node::kAdd:
      low = high = 2;
      break;
    case Node::kConcat:
      high = kMaxNodes;
      break;
    case Node::OP_NOT_SET:
      return absl::InvalidArgumentError("the node has no operation");
    default:
      break;
  }
  return CheckRange("the number of inputs", node.inputs_size(), low, high);
}

absl::Status InferNode(const Graph& graph, int index, Shape* out) {
  const Node& node = graph.nodes(index);
  YOLOQ_RETURN_IF_ERROR(CheckArity(node));
  std::vector<const Shape*> inputs;
  for (const int input : node.inputs()) {
    if (input < 0 || input >= index) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", input,
                       " is not an earlier node (this is node ", index, ")"));
    }
    inputs.push_back(&graph.nodes(input).output());
  }
  switch (node.op_case()) {
    case Node::kConvolution:
      return InferConvolution(node.convolution(), *inputs[0], out);
    case Node::kAdd:
      return InferAdd(node.add(), inputs, out);
    case Node::kConcat:
      return InferConcat(inputs, out);
    case Node::kUpsample:
      return InferUpsample(node.upsample(), *inputs[0], out);
    case Node::kMaxPool:
      return InferMaxPool(node.max_pool(), *inputs[0], out);
    case Node::kYoloHead:
      return InferYoloHead(node.yolo_head(), *inputs[0], out);
    case Node::kSlice:
      return InferSlice(node.slice(), *inputs[0], out);
    case Node::kInput:
      if (index != 0) {
        return absl::InvalidArgumentError("only node 0 can be the input");
      }
      *out = node.output();
      return absl::OkStatus();
    case Node::OP_NOT_SET:
      break;
  }
  return absl::InternalError("an operation without shape inference");
}

absl::Status CheckName(const Graph& graph, int index,
                       absl::flat_hash_set<std::string>* names) {
  const std::string& name = graph.nodes(index).name();
  if (!IsName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", index, ": the name '", name,
                     "' must be of letters, digits and '_', and not empty"));
  }
  if (!names->insert(name).second) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", index, ": the name '", name, "' is taken"));
  }
  return absl::OkStatus();
}

absl::Status InferAndCheck(Graph* graph, int index) {
  if (index == 0 && !graph->nodes(0).has_input()) {
    return absl::InvalidArgumentError("node 0 must be the input");
  }
  Shape out;
  YOLOQ_RETURN_IF_ERROR(InferNode(*graph, index, &out));
  YOLOQ_RETURN_IF_ERROR(CheckShape(out));
  *graph->mutable_nodes(index)->mutable_output() = out;
  return absl::OkStatus();
}

}  // namespace

absl::Status InferShape(Graph* graph, int index) {
  return Annotate(InferAndCheck(graph, index),
                  absl::StrCat("node '", graph->nodes(index).name(), "'"));
}

absl::Status InferShapes(Graph* graph) {
  if (graph->nodes().empty()) {
    return absl::InvalidArgumentError("the graph has no nodes");
  }
  if (graph->nodes_size() > kMaxNodes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the graph has ", graph->nodes_size(), " nodes, at most ",
                     kMaxNodes, " are supported"));
  }
  absl::flat_hash_set<std::string> names;
  int64_t weights = 0;
  for (int i = 0; i < graph->nodes_size(); ++i) {
    YOLOQ_RETURN_IF_ERROR(CheckName(*graph, i, &names));
    YOLOQ_RETURN_IF_ERROR(InferShape(graph, i));
    if (!graph->nodes(i).has_convolution()) continue;
    weights += WeightCount(*graph, i);
    if (weights > kMaxWeights) {
      return absl::InvalidArgumentError(absl::StrCat(
          "node '", graph->nodes(i).name(), "': with it the graph has more ",
          "than ", kMaxWeights, " weights"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetInputSize(int side, Graph* graph) {
  if (graph->nodes().empty()) {
    return absl::InvalidArgumentError("the graph has no nodes");
  }
  Shape* input = graph->mutable_nodes(0)->mutable_output();
  input->set_channels(3);
  input->set_height(side);
  input->set_width(side);
  return InferShapes(graph);
}

int64_t ElementCount(const Shape& shape) {
  return int64_t{shape.channels()} * shape.height() * shape.width();
}

int64_t WeightCount(const ConvolutionOp& convolution, int in_channels) {
  return int64_t{convolution.out_channels()} *
         (in_channels / convolution.groups()) * convolution.kernel() *
         convolution.kernel();
}

int64_t WeightCount(const Graph& graph, int index) {
  const Node& node = graph.nodes(index);
  return WeightCount(node.convolution(),
                     graph.nodes(node.inputs(0)).output().channels());
}

int64_t ParameterCount(const Graph& graph, int index) {
  const Node& node = graph.nodes(index);
  if (!node.has_convolution()) return 0;
  const ConvolutionOp& op = node.convolution();
  return WeightCount(graph, index) +
         int64_t{op.out_channels()} * (op.batch_norm() ? 2 : 1);
}

int64_t MultiplyAccumulates(const Graph& graph, int index) {
  const Node& node = graph.nodes(index);
  if (!node.has_convolution()) return 0;
  return WeightCount(graph, index) * node.output().height() *
         node.output().width();
}

std::vector<std::vector<int>> Consumers(const Graph& graph) {
  std::vector<std::vector<int>> consumers(graph.nodes_size());
  for (int i = 0; i < graph.nodes_size(); ++i) {
    for (const int input : graph.nodes(i).inputs()) {
      consumers[input].push_back(i);
    }
  }
  return consumers;
}

std::vector<int> YoloHeads(const Graph& graph) {
  std::vector<int> heads;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (graph.nodes(i).has_yolo_head()) heads.push_back(i);
  }
  return heads;
}

absl::StatusOr<int> ClassCount(const Graph& graph) {
  const std::vector<int> heads = YoloHeads(graph);
  if (heads.empty()) {
    return absl::InvalidArgumentError("the graph has no YOLO head");
  }
  const Node& first = graph.nodes(heads[0]);
  for (const int head : heads) {
    const Node& node = graph.nodes(head);
    if (node.yolo_head().classes() != first.yolo_head().classes()) {
      return absl::InvalidArgumentError(
          absl::StrCat("node '", node.name(), "' has ",
                       node.yolo_head().classes(), " classes, but node '",
                       first.name(), "' has ", first.yolo_head().classes()));
    }
  }
  return first.yolo_head().classes();
}

Graph WithoutBatchNorm(Graph graph) {
  for (Node& node : *graph.mutable_nodes()) {
    if (node.has_convolution()) {
      node.mutable_convolution()->set_batch_norm(false);
    }
  }
  return graph;
}

}  // namespace yoloq
