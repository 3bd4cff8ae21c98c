#include "model/yolov3.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "model/graph.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kAnchorsPerHead = 3;
constexpr int kAnchorsInputSize = 416;  // which kAnchors are meant for
constexpr float kAnchors[][2] = {{10, 13},  {16, 30},   {33, 23},
                                 {30, 61},  {62, 45},   {59, 119},
                                 {116, 90}, {156, 198}, {373, 326}};

class Builder {
 public:
  explicit Builder(const Yolov3Options& options) : options_(options) {
    graph_.set_name("yolov3");
    Node* input = graph_.add_nodes();
    input->set_name("input");
    input->set_part(BACKBONE);
    input->set_source_layer(-1);
    input->mutable_input();
    last_ = 0;
  }

  Graph Build() {
    const Taps taps = Backbone();
    part_ = NECK;
    const int coarse = Scale(512, /*first_anchor=*/6);
    Lateral(coarse, 256, taps.stride_16);
    const int middle = Scale(256, /*first_anchor=*/3);
    Lateral(middle, 128, taps.stride_8);
    Scale(128, /*first_anchor=*/0);
    return std::move(graph_);
  }

 private:
  // Nodes of the backbone that the neck reads beside its last.
  struct Taps {
    int stride_8;
    int stride_16;
  };

  // Darknet-53 without its classifier.
  Taps Backbone() {
    part_ = BACKBONE;
    Convolution(32, 3, 1);
    ResidualStage(64, 1);
    ResidualStage(128, 2);
    Taps taps;
    taps.stride_8 = ResidualStage(256, 8);
    taps.stride_16 = ResidualStage(512, 8);
    ResidualStage(1024, 4);
    return taps;
  }

  // Halves the resolution, then `blocks` residual blocks; returns the last
  // node.
  int ResidualStage(int channels, int blocks) {
    Convolution(channels, 3, 2);
    for (int i = 0; i < blocks; ++i) {
      const int skip = last_;
      Convolution(channels / 2, 1, 1);
      Convolution(channels, 3, 1);
      const int branch = last_;
      Node* node = Add("add", {branch, skip});
      node->mutable_add();
    }
    return last_;
  }

  // Five convolutions of the neck and a head; returns the fifth convolution,
  // which the next scale reads too.
  int Scale(int channels, int first_anchor) {
    for (int i = 0; i < 2; ++i) {
      Convolution(channels, 1, 1);
      Convolution(channels * 2, 3, 1);
    }
    Convolution(channels, 1, 1);
    const int shared = last_;
    part_ = HEAD;
    Convolution(channels * 2, 3, 1);
    OutputConvolution();
    YoloHead(first_anchor);
    part_ = NECK;
    return shared;
  }

  // The way from one scale to the next finer one.
  void Lateral(int from, int channels, int tap) {
    // Darknet has a layer here ([route]) that only selects.
    ++layer_;
    last_ = from;
    Convolution(channels, 1, 1);
    Add("upsample", {last_})->mutable_upsample()->set_factor(2);
    const int upsampled = last_;
    Add("concat", {upsampled, tap})->mutable_concat();
  }

  void Convolution(int channels, int kernel, int stride) {
    ConvolutionOp* op = PlainConvolution(Scaled(channels), kernel, stride);
    op->set_batch_norm(true);
    op->set_activation(LEAKY);
  }

  void OutputConvolution() {
    PlainConvolution(kAnchorsPerHead * (5 + options_.classes), 1, 1);
  }

  ConvolutionOp* PlainConvolution(int channels, int kernel, int stride) {
    ConvolutionOp* op = Add("conv", {last_})->mutable_convolution();
    op->set_out_channels(channels);
    op->set_kernel(kernel);
    op->set_stride(stride);
    op->set_padding(kernel / 2);
    op->set_groups(1);
    return op;
  }

  void YoloHead(int first_anchor) {
    YoloHeadOp* op = Add("yolo", {last_})->mutable_yolo_head();
    for (const auto& size : kAnchors) {
      YoloHeadOp::Anchor* anchor = op->add_anchors();
      anchor->set_width(size[0] * options_.input_size / kAnchorsInputSize);
      anchor->set_height(size[1] * options_.input_size / kAnchorsInputSize);
    }
    for (int i = 0; i < kAnchorsPerHead; ++i) op->add_mask(first_anchor + i);
    op->set_classes(options_.classes);
    op->set_scale_x_y(1);
    op->set_ignore_threshold(0.7f);
  }

  Node* Add(absl::string_view kind, std::initializer_list<int> inputs) {
    last_ = graph_.nodes_size();
    Node* node = graph_.add_nodes();
    node->set_name(absl::StrCat(kind, "_", layer_));
    node->set_part(part_);
    node->set_source_layer(layer_++);
    for (const int input : inputs) node->add_inputs(input);
    return node;
  }

  int Scaled(int channels) const {
    return std::max(
        8, 8 * static_cast<int>(std::lround(channels * options_.width / 8)));
  }

  const Yolov3Options options_;
  Graph graph_;
  Part part_ = BACKBONE;
  int layer_ = 0;  // of darknet's yolov3.cfg
  int last_ = 0;   // node added last
};

absl::Status CheckOptions(const Yolov3Options& options) {
  if (options.classes < 1 || options.classes > kMaxClasses) {
    return absl::InvalidArgumentError(
        absl::StrCat("classes is ", options.classes, ", it must be from 1 to ",
                     kMaxClasses));
  }
  if (!(options.width > 0) || options.width > 8) {
    return absl::InvalidArgumentError(absl::StrCat(
        "width is ", options.width, ", it must be above 0 and at most 8"));
  }
  if (options.input_size < 32 || options.input_size % 32 != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "input_size is ", options.input_size, ", it must be a multiple of 32"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Graph> BuildYolov3(const Yolov3Options& options) {
  YOLOQ_RETURN_IF_ERROR(CheckOptions(options));
  Graph graph = Builder(options).Build();
  YOLOQ_RETURN_IF_ERROR(SetInputSize(options.input_size, &graph));
  return graph;
}

}  // namespace yoloq
