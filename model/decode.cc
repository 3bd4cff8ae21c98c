#include "model/decode.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace yoloq {
namespace {

constexpr float kMaxSizeLogit = 16;
// Of a logit: far more than the rounding of Sigmoid and Logit together.
constexpr float kLogitSlack = 1e-2f;

float Sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

// A logit that every x with Sigmoid(x) > probability exceeds; it only rules
// values out quickly, the exact comparison follows.
float LowerLogit(float probability) {
  if (probability <= 0) return -std::numeric_limits<float>::infinity();
  if (probability >= 1) return std::numeric_limits<float>::infinity();
  return std::log(probability / (1 - probability)) - kLogitSlack;
}

absl::Status CheckHead(const Graph& graph, const HeadOutput& head) {
  if (head.node < 0 || head.node >= graph.nodes_size() ||
      !graph.nodes(head.node).has_yolo_head()) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", head.node, " of the graph is no YOLO head"));
  }
  const Node& node = graph.nodes(head.node);
  const Shape& shape = node.output();
  if (head.height != shape.height() || head.width != shape.width() ||
      head.channels != shape.channels()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "head '", node.name(), "': the output is ", head.height, " x ",
        head.width, " x ", head.channels, ", the graph says ", shape.height(),
        " x ", shape.width(), " x ", shape.channels()));
  }
  const size_t expected = size_t{1} * head.height * head.width * head.channels;
  if (head.values.size() != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("head '", node.name(), "': ", head.values.size(),
                     " values, expected ", expected));
  }
  return absl::OkStatus();
}

// Decodes one head into `detections`.
class HeadDecoder {
 public:
  HeadDecoder(const Shape& input, const YoloHeadOp& op, const HeadOutput& head,
              float score_threshold, std::vector<Detection>* detections)
      : input_(input),
        op_(op),
        head_(head),
        threshold_(score_threshold),
        objectness_limit_(LowerLogit(score_threshold)),
        detections_(detections) {}

  void Decode() {
    const float* values = head_.values.data();
    for (int row = 0; row < head_.height; ++row) {
      for (int column = 0; column < head_.width; ++column) {
        for (const int anchor : op_.mask()) {
          // Most cells end here.
          if (values[4] >= objectness_limit_) {
            DecodeCell(values, row, column, op_.anchors(anchor));
          }
          values += 5 + op_.classes();
        }
      }
    }
  }

 private:
  void DecodeCell(const float* values, int row, int column,
                  const YoloHeadOp::Anchor& anchor) {
    const float objectness = Sigmoid(values[4]);
    if (!(objectness > threshold_)) return;
    const float class_limit = LowerLogit(threshold_ / objectness);
    Box box;
    bool has_box = false;
    for (int c = 0; c < op_.classes(); ++c) {
      if (!(values[5 + c] >= class_limit)) continue;
      const float score = objectness * Sigmoid(values[5 + c]);
      if (!(score > threshold_)) continue;
      if (!has_box) {
        box = DecodeBox(values, row, column, anchor);
        if (!IsFinite(box)) return;
        has_box = true;
      }
      detections_->push_back({box, c, score});
    }
  }

  Box DecodeBox(const float* values, int row, int column,
                const YoloHeadOp::Anchor& anchor) const {
    const float s = op_.scale_x_y();
    const float shift = (s - 1) / 2;
    const float x = (column + s * Sigmoid(values[0]) - shift) / head_.width;
    const float y = (row + s * Sigmoid(values[1]) - shift) / head_.height;
    const float w = anchor.width() * Exp(values[2]) / input_.width();
    const float h = anchor.height() * Exp(values[3]) / input_.height();
    return {x - w / 2, y - h / 2, x + w / 2, y + h / 2};
  }

  // A NaN stays one.
  static float Exp(float t) {
    return std::exp(t > kMaxSizeLogit ? kMaxSizeLogit : t);
  }

  static bool IsFinite(const Box& box) {
    return std::isfinite(box.left) && std::isfinite(box.top) &&
           std::isfinite(box.right) && std::isfinite(box.bottom);
  }

  const Shape& input_;
  const YoloHeadOp& op_;
  const HeadOutput& head_;
  const float threshold_;
  const float objectness_limit_;
  std::vector<Detection>* const detections_;
};

}  // namespace

absl::StatusOr<std::vector<Detection>> DecodeHeads(
    const Graph& graph, const std::vector<HeadOutput>& heads,
    float score_threshold) {
  std::vector<Detection> detections;
  for (const HeadOutput& head : heads) {
    const absl::Status status = CheckHead(graph, head);
    if (!status.ok()) return status;
    HeadDecoder(graph.nodes(0).output(), graph.nodes(head.node).yolo_head(),
                head, score_threshold, &detections)
        .Decode();
  }
  return detections;
}

}  // namespace yoloq
