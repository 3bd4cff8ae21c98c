#include "model/darknet_cfg_writer.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// The shorter of two forms that gives the same float back.
std::string FloatText(float value) {
  const std::string text = absl::StrCat(value);
  float parsed;
  if (absl::SimpleAtof(text, &parsed) && parsed == value) return text;
  return absl::StrFormat("%.9g", value);
}

std::string ActivationText(Activation activation) {
  return absl::AsciiStrToLower(Activation_Name(activation));
}

class Writer {
 public:
  explicit Writer(const Graph& graph)
      : graph_(graph), layer_of_node_(graph.nodes_size(), -1) {}

  absl::StatusOr<std::string> Write() {
    const Shape& input = graph_.nodes(0).output();
    absl::StrAppend(&text_, "[net]\nwidth=", input.width(),
                    "\nheight=", input.height(),
                    "\nchannels=", input.channels(), "\n");
    for (int i = 1; i < graph_.nodes_size(); ++i) {
      const Node& node = graph_.nodes(i);
      YOLOQ_RETURN_IF_ERROR(
          Annotate(WriteNode(node), absl::StrCat("node '", node.name(), "'")));
      layer_of_node_[i] = layers_ - 1;
      last_node_ = i;
    }
    return text_;
  }

 private:
  absl::Status WriteNode(const Node& node) {
    for (const int input : node.inputs()) {
      if (input == 0 && layers_ > 0) {
        return absl::InvalidArgumentError(
            "only the first layer of a .cfg can read the picture");
      }
    }
    switch (node.op_case()) {
      case Node::kConvolution:
        ReadFrom(node.inputs(0));
        return WriteConvolution(node.convolution());
      case Node::kAdd:
        return WriteAdd(node);
      case Node::kConcat:
        return WriteConcat(node);
      case Node::kSlice:
        return WriteSlice(node);
      case Node::kUpsample:
        ReadFrom(node.inputs(0));
        return WriteSection("upsample",
                            absl::StrCat("stride=", node.upsample().factor()));
      case Node::kMaxPool:
        ReadFrom(node.inputs(0));
        return WriteSection(
            "maxpool",
            absl::StrCat("size=", node.max_pool().size(),
                         "\nstride=", node.max_pool().stride(),
                         "\npadding=", node.max_pool().padding_total()));
      case Node::kYoloHead:
        ReadFrom(node.inputs(0));
        return WriteYolo(node.yolo_head());
      default:
        return absl::InvalidArgumentError("a .cfg has no such operation");
    }
  }

  absl::Status WriteSection(absl::string_view name, absl::string_view body) {
    absl::StrAppend(&text_, "\n[", name, "]\n", body, "\n");
    ++layers_;
    return absl::OkStatus();
  }

  // Makes `node` the one that the next section reads.
  void ReadFrom(int node) {
    if (node == last_node_) return;
    WriteSection("route", absl::StrCat("layers=", Relative(node)))
        .IgnoreError();
  }

  int Relative(int node) const { return layer_of_node_[node] - layers_; }

  absl::Status WriteConvolution(const ConvolutionOp& op) {
    // pad=1 means kernel / 2, what nearly every convolution has.
    const std::string padding = op.padding() == op.kernel() / 2
                                    ? "pad=1"
                                    : absl::StrCat("padding=", op.padding());
    return WriteSection(
        "convolutional",
        absl::StrCat(
            op.batch_norm() ? "batch_normalize=1\n" : "",
            op.groups() > 1 ? absl::StrCat("groups=", op.groups(), "\n") : "",
            "filters=", op.out_channels(), "\nsize=", op.kernel(),
            "\nstride=", op.stride(), "\n", padding,
            "\nactivation=", ActivationText(op.activation())));
  }

  absl::Status WriteAdd(const Node& node) {
    const int from = node.inputs(1);
    ReadFrom(node.inputs(0));
    return WriteSection("shortcut",
                        absl::StrCat("from=", Relative(from), "\nactivation=",
                                     ActivationText(node.add().activation())));
  }

  absl::Status WriteConcat(const Node& node) {
    if (node.inputs_size() < 2) {
      return absl::InvalidArgumentError(
          "a .cfg cannot say a concatenation of one input");
    }
    std::vector<int> layers;
    for (const int input : node.inputs()) layers.push_back(Relative(input));
    return WriteSection("route",
                        absl::StrCat("layers=", absl::StrJoin(layers, ",")));
  }

  absl::Status WriteSlice(const Node& node) {
    const int channels = graph_.nodes(node.inputs(0)).output().channels();
    const SliceOp& op = node.slice();
    if (node.inputs(0) == 0 || op.count() == channels ||
        channels % op.count() != 0 || op.begin() % op.count() != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("a .cfg cannot say channels ", op.begin(), " to ",
                       op.begin() + op.count() - 1, " of ", channels,
                       ", only one of several equal groups"));
    }
    return WriteSection("route",
                        absl::StrCat("layers=", Relative(node.inputs(0)),
                                     "\ngroups=", channels / op.count(),
                                     "\ngroup_id=", op.begin() / op.count()));
  }

  absl::Status WriteYolo(const YoloHeadOp& op) {
    std::vector<std::string> anchors;
    for (const YoloHeadOp::Anchor& anchor : op.anchors()) {
      anchors.push_back(absl::StrCat(FloatText(anchor.width()), ",",
                                     FloatText(anchor.height())));
    }
    return WriteSection(
        "yolo",
        absl::StrCat("mask=", absl::StrJoin(op.mask(), ","),
                     "\nanchors=", absl::StrJoin(anchors, ", "),
                     "\nclasses=", op.classes(), "\nnum=", op.anchors_size(),
                     "\nignore_thresh=", FloatText(op.ignore_threshold()),
                     "\nscale_x_y=", FloatText(op.scale_x_y())));
  }

  const Graph& graph_;
  std::string text_;
  int layers_ = 0;
  int last_node_ = 0;
  std::vector<int> layer_of_node_;
};

}  // namespace

absl::StatusOr<std::string> FormatDarknetCfg(const Graph& graph) {
  return Writer(graph).Write();
}

}  // namespace yoloq
