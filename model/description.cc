#include "model/description.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "model/graph.h"

namespace yoloq {
namespace {

using Row = std::vector<std::string>;

std::string WithSeparators(int64_t value) {
  std::string digits = absl::StrCat(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(at, ",");
  }
  return digits;
}

std::string Share(int64_t part, int64_t whole) {
  if (whole == 0) return "-";
  return absl::StrFormat("%.2f %%", 100.0 * part / whole);
}

// The first `left_columns` are aligned to the left, the others to the right.
std::string RenderTable(const std::vector<Row>& rows, size_t left_columns) {
  std::vector<size_t> widths(rows[0].size());
  for (const Row& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max({widths[c], row[c].size(), size_t{3}});
    }
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < widths.size(); ++c) {
      const std::string space(widths[c] - rows[r][c].size(), ' ');
      absl::StrAppend(
          &text, "| ",
          c < left_columns ? rows[r][c] + space : space + rows[r][c], " ");
    }
    absl::StrAppend(&text, "|\n");
    if (r > 0) continue;
    for (size_t c = 0; c < widths.size(); ++c) {
      absl::StrAppend(&text, "|", std::string(widths[c] + 1, '-'),
                      c < left_columns ? "-" : ":");
    }
    absl::StrAppend(&text, "|\n");
  }
  return text;
}

Row SizeRow(absl::string_view name, const NetworkSize& size,
            const NetworkSize& total) {
  return {std::string(name),
          absl::StrCat(size.convolutions),
          WithSeparators(size.parameters),
          Share(size.parameters, total.parameters),
          WithSeparators(size.multiply_accumulates),
          Share(size.multiply_accumulates, total.multiply_accumulates),
          WithSeparators(size.fp32_bytes),
          WithSeparators(size.int8_bytes)};
}

NetworkSize MeasureNode(const Graph& graph, int index) {
  NetworkSize size;
  if (!graph.nodes(index).has_convolution()) return size;
  const int64_t weights = WeightCount(graph, index);
  const int64_t biases = graph.nodes(index).convolution().out_channels();
  size.convolutions = 1;
  size.parameters = ParameterCount(graph, index);
  size.multiply_accumulates = MultiplyAccumulates(graph, index);
  size.fp32_bytes = 4 * (weights + biases);
  size.int8_bytes = weights + 4 * biases;
  return size;
}

std::string ActivationText(Activation activation) {
  return activation == LINEAR
             ? ""
             : absl::StrCat(" ",
                            absl::AsciiStrToLower(Activation_Name(activation)));
}

std::string OperationText(const Node& node) {
  switch (node.op_case()) {
    case Node::kConvolution: {
      const ConvolutionOp& op = node.convolution();
      return absl::StrCat(
          "conv ", op.kernel(), "x", op.kernel(),
          op.stride() > 1 ? absl::StrCat("/", op.stride()) : "",
          op.groups() > 1 ? absl::StrCat(" groups ", op.groups()) : "",
          op.batch_norm() ? " bn" : "", ActivationText(op.activation()));
    }
    case Node::kAdd:
      return absl::StrCat("add", ActivationText(node.add().activation()));
    case Node::kConcat:
      return "concat";
    case Node::kSlice:
      return absl::StrCat("slice from ", node.slice().begin());
    case Node::kUpsample:
      return absl::StrCat("upsample x", node.upsample().factor());
    case Node::kMaxPool:
      return absl::StrCat("max-pool ", node.max_pool().size(), "/",
                          node.max_pool().stride());
    case Node::kYoloHead:
      return absl::StrCat("yolo, anchors ",
                          absl::StrJoin(node.yolo_head().mask(), ","));
    case Node::kInput:
      return "input";
    case Node::OP_NOT_SET:
      break;
  }
  return "?";
}

Row NodeRow(const Graph& graph, int index) {
  const Node& node = graph.nodes(index);
  std::vector<std::string> inputs;
  for (const int input : node.inputs()) {
    inputs.push_back(graph.nodes(input).name());
  }
  const bool convolution = node.has_convolution();
  return {node.name(),
          absl::AsciiStrToLower(Part_Name(node.part())),
          OperationText(node),
          absl::StrJoin(inputs, ", "),
          absl::StrCat(node.output().channels(), " x ", node.output().height(),
                       " x ", node.output().width()),
          convolution ? WithSeparators(ParameterCount(graph, index)) : "",
          convolution ? WithSeparators(MultiplyAccumulates(graph, index)) : ""};
}

}  // namespace

NetworkSize& NetworkSize::operator+=(const NetworkSize& other) {
  convolutions += other.convolutions;
  parameters += other.parameters;
  multiply_accumulates += other.multiply_accumulates;
  fp32_bytes += other.fp32_bytes;
  int8_bytes += other.int8_bytes;
  return *this;
}

NetworkSize MeasureNetwork(const Graph& graph, Part part) {
  NetworkSize size;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (part == PART_UNSPECIFIED || graph.nodes(i).part() == part) {
      size += MeasureNode(graph, i);
    }
  }
  return size;
}

std::string DescribeParts(const Graph& graph) {
  const NetworkSize total = MeasureNetwork(graph, PART_UNSPECIFIED);
  std::vector<Row> rows = {{"Part", "Convolutions", "Parameters", "Share",
                            "Multiply-accumulates", "Share", "FP32 bytes",
                            "INT8 bytes"}};
  for (const Part part : {BACKBONE, NECK, HEAD}) {
    rows.push_back(SizeRow(absl::AsciiStrToLower(Part_Name(part)),
                           MeasureNetwork(graph, part), total));
  }
  rows.push_back(SizeRow("total", total, total));
  return RenderTable(rows, 1);
}

std::string DescribeNodes(const Graph& graph) {
  std::vector<Row> rows = {{"Node", "Part", "Operation", "Inputs", "Output",
                            "Parameters", "Multiply-accumulates"}};
  for (int i = 0; i < graph.nodes_size(); ++i) {
    rows.push_back(NodeRow(graph, i));
  }
  return RenderTable(rows, 4);
}

}  // namespace yoloq
