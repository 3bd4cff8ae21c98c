#include "model/training/yolo_loss.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "model/graph.h"
#include "model/training/spec_fields.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Truths = std::vector<std::vector<TruthBox>>;

constexpr double kDefaultIgnoreThreshold = 0.7;
// As in model/decode.h: exp of more is beyond any picture.
constexpr double kMaxLogSize = 16;
constexpr int kBoxValues = 4;  // x, y, width, height
constexpr int kObjectness = 4;
constexpr int kFirstClass = 5;
constexpr double kPi = 3.14159265358979323846;

double OrOne(double value) { return value == 0 ? 1 : value; }

double IgnoreThreshold(const LossSpec& spec, const YoloHeadOp& op) {
  if (spec.ignore_threshold() > 0) return spec.ignore_threshold();
  return op.ignore_threshold() > 0 ? op.ignore_threshold()
                                   : kDefaultIgnoreThreshold;
}

// IoU of two boxes with the same centre.
double ShapeIou(double w0, double h0, double w1, double h1) {
  const double both = std::min(w0, w1) * std::min(h0, h1);
  return both / (w0 * h0 + w1 * h1 - both);
}

// Which of the network's anchors a truth belongs to.
class AnchorChoice {
 public:
  AnchorChoice(const YoloHeadOp& op, const Shape& input, double threshold,
               const TruthBox& truth)
      : threshold_(threshold > 0 ? threshold : 2) {
    for (const YoloHeadOp::Anchor& anchor : op.anchors()) {
      ious_.push_back(ShapeIou(truth.width, truth.height,
                               anchor.width() / input.width(),
                               anchor.height() / input.height()));
    }
    best_ = std::max_element(ious_.begin(), ious_.end()) - ious_.begin();
  }

  bool Includes(int anchor) const {
    return anchor == best_ || ious_[anchor] > threshold_;
  }

 private:
  const double threshold_;
  std::vector<double> ious_;
  int64_t best_;
};

// A truth and where it belongs in a head.
struct Assignment {
  TruthBox truth;
  int column;
  int row;
  int anchor;  // of the network's
};

// The head's shape and its rows: (image, row, column, anchor of the mask) in
// row-major order, of 5 + classes values each.
class HeadLayout {
 public:
  HeadLayout(const Graph& graph, int node, const at::Tensor& output)
      : op_(graph.nodes(node).yolo_head()),
        input_(graph.nodes(0).output()),
        images_(output.size(0)),
        height_(static_cast<int>(output.size(2))),
        width_(static_cast<int>(output.size(3))),
        options_(output.options()) {}

  const YoloHeadOp& op() const { return op_; }
  int anchors() const { return op_.mask_size(); }
  int64_t images() const { return images_; }
  int height() const { return height_; }
  int width() const { return width_; }
  int64_t RowsPerImage() const { return int64_t{height_} * width_ * anchors(); }
  // Of the heads' type, on their device.
  at::TensorOptions options() const { return options_; }

  at::Tensor Rows(const at::Tensor& output) const {
    return output.permute({0, 2, 3, 1})
        .reshape({images_ * RowsPerImage(), kFirstClass + op_.classes()});
  }

  // In shares of the network's input.
  double AnchorWidth(int anchor) const {
    return op_.anchors(anchor).width() / double(input_.width());
  }
  double AnchorHeight(int anchor) const {
    return op_.anchors(anchor).height() / double(input_.height());
  }

  // By row.
  std::map<int64_t, Assignment> Assign(const Truths& truths,
                                       double threshold) const {
    std::map<int64_t, Assignment> assignments;
    for (int64_t n = 0; n < images_; ++n) {
      for (const TruthBox& truth : truths[n]) {
        if (truth.ignored) continue;
        const AnchorChoice choice(op_, input_, threshold, truth);
        const int x = Cell(truth.x, width_);
        const int y = Cell(truth.y, height_);
        for (int place = 0; place < anchors(); ++place) {
          const int anchor = op_.mask(place);
          if (!choice.Includes(anchor)) continue;
          const int64_t row =
              ((n * height_ + y) * width_ + x) * anchors() + place;
          assignments[row] = {truth, x, y, anchor};
        }
      }
    }
    return assignments;
  }

 private:
  static int Cell(float at, int cells) {
    return std::clamp(static_cast<int>(at * cells), 0, cells - 1);
  }

  const YoloHeadOp& op_;
  const Shape& input_;
  const int64_t images_;
  const int height_;
  const int width_;
  const at::TensorOptions options_;
};

at::Tensor ToTensor(const std::vector<double>& values,
                    std::vector<int64_t> sizes,
                    const at::TensorOptions& options) {
  return at::from_blob(const_cast<double*>(values.data()), sizes, at::kDouble)
      .to(options.device(), at::typeMetaToScalarType(options.dtype()),
          /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor ToTensor(const std::vector<int64_t>& values,
                    const at::TensorOptions& options) {
  return at::from_blob(const_cast<int64_t*>(values.data()),
                       {static_cast<int64_t>(values.size())}, at::kLong)
      .to(options.device(), at::kLong, /*non_blocking=*/false, /*copy=*/true);
}

// Columns x, y, width, height (centres), in shares of the network's input.
struct Boxes {
  at::Tensor x, y, width, height;

  at::Tensor Left() const { return x - width / 2; }
  at::Tensor Right() const { return x + width / 2; }
  at::Tensor Top() const { return y - height / 2; }
  at::Tensor Bottom() const { return y + height / 2; }
};

at::Tensor Overlap(const at::Tensor& low0, const at::Tensor& high0,
                   const at::Tensor& low1, const at::Tensor& high1) {
  return at::clamp_min(at::minimum(high0, high1) - at::maximum(low0, low1), 0);
}

// Broadcasts.
at::Tensor Iou(const Boxes& a, const Boxes& b) {
  const at::Tensor both = Overlap(a.Left(), a.Right(), b.Left(), b.Right()) *
                          Overlap(a.Top(), a.Bottom(), b.Top(), b.Bottom());
  return both / (a.width * a.height + b.width * b.height - both + 1e-12);
}

// Zheng et al. 2020: IoU - distance^2 / diagonal^2 - alpha * v, alpha without
// gradient.
at::Tensor CompleteIou(const Boxes& a, const Boxes& b) {
  const at::Tensor iou = Iou(a, b);
  const auto extent = [](const at::Tensor& low0, const at::Tensor& high0,
                         const at::Tensor& low1, const at::Tensor& high1) {
    return at::maximum(high0, high1) - at::minimum(low0, low1);
  };
  const at::Tensor across = extent(a.Left(), a.Right(), b.Left(), b.Right());
  const at::Tensor down = extent(a.Top(), a.Bottom(), b.Top(), b.Bottom());
  const at::Tensor distance = at::square(a.x - b.x) + at::square(a.y - b.y);
  const at::Tensor diagonal = at::square(across) + at::square(down) + 1e-12;
  const at::Tensor v =
      at::square(at::atan(b.width / b.height) - at::atan(a.width / a.height)) *
      (4 / (kPi * kPi));
  const at::Tensor alpha = (v / (1 - iou + v + 1e-9)).detach();
  return iou - distance / diagonal - alpha * v;
}

// sigmoid(t) stretched about the middle of the cell, as in model/decode.h.
at::Tensor Stretched(const at::Tensor& raw, double scale) {
  return at::sigmoid(raw) * scale - (scale - 1) / 2;
}

// rows: (..., >= 4) raw; cell and anchor tensors broadcast against (...).
Boxes Decode(const HeadLayout& layout, const at::Tensor& rows,
             const at::Tensor& columns, const at::Tensor& lines,
             const at::Tensor& anchor_widths,
             const at::Tensor& anchor_heights) {
  const double scale = layout.op().scale_x_y();
  const auto size = [&](int at_value, const at::Tensor& anchors) {
    return at::exp(at::clamp_max(rows.select(-1, at_value), kMaxLogSize)) *
           anchors;
  };
  return {(Stretched(rows.select(-1, 0), scale) + columns) / layout.width(),
          (Stretched(rows.select(-1, 1), scale) + lines) / layout.height(),
          size(2, anchor_widths), size(3, anchor_heights)};
}

// The boxes that all rows predict, (N, rows of an image, 1).
Boxes DecodeAll(const HeadLayout& layout, const at::Tensor& rows) {
  std::vector<double> columns, lines, widths, heights;
  for (int y = 0; y < layout.height(); ++y) {
    for (int x = 0; x < layout.width(); ++x) {
      for (const int anchor : layout.op().mask()) {
        columns.push_back(x);
        lines.push_back(y);
        widths.push_back(layout.AnchorWidth(anchor));
        heights.push_back(layout.AnchorHeight(anchor));
      }
    }
  }
  const int64_t count = layout.RowsPerImage();
  const auto column = [&](const std::vector<double>& values) {
    return ToTensor(values, {1, count, 1}, layout.options());
  };
  return Decode(layout,
                rows.narrow(1, 0, kBoxValues)
                    .reshape({layout.images(), count, 1, kBoxValues}),
                column(columns), column(lines), column(widths),
                column(heights));
}

// All truths, (N, 1, T), filled up with empty boxes far away.
Boxes PaddedTruth(const Truths& truths, const at::TensorOptions& options) {
  size_t most = 1;
  for (const auto& of_image : truths) most = std::max(most, of_image.size());
  const int64_t images = truths.size();
  std::vector<double> x(images * most, -100), y(x), width(x.size(), 0),
      height(width);
  for (int64_t n = 0; n < images; ++n) {
    for (size_t t = 0; t < truths[n].size(); ++t) {
      x[n * most + t] = truths[n][t].x;
      y[n * most + t] = truths[n][t].y;
      width[n * most + t] = truths[n][t].width;
      height[n * most + t] = truths[n][t].height;
    }
  }
  const std::vector<int64_t> sizes = {images, 1, static_cast<int64_t>(most)};
  return {ToTensor(x, sizes, options), ToTensor(y, sizes, options),
          ToTensor(width, sizes, options), ToTensor(height, sizes, options)};
}

// By row: 1 where the objectness of a row without object counts, else 0.
at::Tensor CountsAsEmpty(const HeadLayout& layout, const at::Tensor& rows,
                         const Boxes& truth, double threshold) {
  const c10::NoGradGuard no_grad;
  const at::Tensor best = at::amax(Iou(DecodeAll(layout, rows), truth), -1);
  return at::le(best, threshold).reshape({-1}).to(layout.options().dtype());
}

// What the rows with an object are told.
struct Targets {
  at::Tensor rows;     // indices, (P)
  at::Tensor centres;  // sigmoid(t) of x and y, (P, 2)
  at::Tensor sizes;    // t of width and height, (P, 2)
  at::Tensor scales;   // 2 - width * height, (P, 1)
  at::Tensor classes;  // (P, C)
  Boxes boxes;         // (P)
  at::Tensor columns, lines, anchor_widths, anchor_heights;  // (P)
};

Targets MakeTargets(const HeadLayout& layout,
                    const std::map<int64_t, Assignment>& assignments) {
  const int64_t count = assignments.size();
  const int classes = layout.op().classes();
  const double stretch = layout.op().scale_x_y();
  std::vector<int64_t> rows;
  std::vector<double> centres, sizes, scales, one_hot(count * classes, 0);
  std::vector<double> x, y, width, height, columns, lines, widths, heights;
  // The share of the cell, as the sigmoid that decodes to it.
  const auto sigmoid = [&](double share) {
    return std::clamp((share + (stretch - 1) / 2) / stretch, 0.0, 1.0);
  };
  for (const auto& [row, assignment] : assignments) {
    const TruthBox& truth = assignment.truth;
    one_hot[rows.size() * classes + truth.class_index] = 1;
    rows.push_back(row);
    columns.push_back(assignment.column);
    lines.push_back(assignment.row);
    widths.push_back(layout.AnchorWidth(assignment.anchor));
    heights.push_back(layout.AnchorHeight(assignment.anchor));
    x.push_back(truth.x);
    y.push_back(truth.y);
    width.push_back(truth.width);
    height.push_back(truth.height);
    centres.push_back(
        sigmoid(double{truth.x} * layout.width() - assignment.column));
    centres.push_back(
        sigmoid(double{truth.y} * layout.height() - assignment.row));
    sizes.push_back(std::log(truth.width / widths.back()));
    sizes.push_back(std::log(truth.height / heights.back()));
    scales.push_back(2 - double{truth.width} * truth.height);
  }
  const at::TensorOptions& options = layout.options();
  const auto column = [&](const std::vector<double>& values) {
    return ToTensor(values, {count}, options);
  };
  return {ToTensor(rows, options),
          ToTensor(centres, {count, 2}, options),
          ToTensor(sizes, {count, 2}, options),
          ToTensor(scales, {count, 1}, options),
          ToTensor(one_hot, {count, classes}, options),
          {column(x), column(y), column(width), column(height)},
          column(columns),
          column(lines),
          column(widths),
          column(heights)};
}

at::Tensor CrossEntropy(const at::Tensor& raw, const at::Tensor& target,
                        const at::Tensor& weight) {
  return at::binary_cross_entropy_with_logits(raw, target, weight,
                                              /*pos_weight=*/{},
                                              at::Reduction::Sum);
}

at::Tensor BoxLoss(const HeadLayout& layout, const LossSpec& spec,
                   const at::Tensor& rows, const Targets& targets) {
  if (spec.box() == LossSpec::CIOU) {
    const Boxes boxes = Decode(layout, rows, targets.columns, targets.lines,
                               targets.anchor_widths, targets.anchor_heights);
    return at::sum(1 - CompleteIou(boxes, targets.boxes));
  }
  const at::Tensor centre =
      CrossEntropy(rows.narrow(1, 0, 2), targets.centres, targets.scales);
  const at::Tensor size = at::sum(
      at::square(rows.narrow(1, 2, 2) - targets.sizes) * targets.scales);
  return centre + size / 2;
}

// Adds the head's sums, unweighted but for objectness.
void AddHead(const HeadLayout& layout, const LossSpec& spec,
             const at::Tensor& output, const Truths& truths,
             const Boxes& padded, YoloLoss* loss) {
  const at::Tensor rows = layout.Rows(output);
  const std::map<int64_t, Assignment> assignments =
      layout.Assign(truths, spec.assign_threshold());
  const Targets targets = MakeTargets(layout, assignments);
  at::Tensor weight =
      CountsAsEmpty(layout, rows, padded, IgnoreThreshold(spec, layout.op())) *
      OrOne(spec.no_object_weight());
  at::Tensor objects = at::zeros({rows.size(0)}, layout.options());
  if (!assignments.empty()) {
    weight.index_fill_(0, targets.rows, OrOne(spec.object_weight()));
    objects.index_fill_(0, targets.rows, 1);
    const at::Tensor positive = at::index_select(rows, 0, targets.rows);
    loss->box = loss->box + BoxLoss(layout, spec, positive, targets);
    loss->classes =
        loss->classes +
        CrossEntropy(positive.narrow(1, kFirstClass, layout.op().classes()),
                     targets.classes, {});
  }
  loss->objectness = loss->objectness +
                     CrossEntropy(rows.select(1, kObjectness), objects, weight);
}

}  // namespace

absl::Status CheckLoss(const LossSpec& spec) {
  constexpr double kMost = 1e6;
  if (!LossSpec::Box_IsValid(spec.box())) {
    return absl::InvalidArgumentError("loss.box is unknown");
  }
  YOLOQ_RETURN_IF_ERROR(
      CheckField("loss.box_weight", spec.box_weight(), 0, kMost));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("loss.object_weight", spec.object_weight(), 0, kMost));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("loss.no_object_weight", spec.no_object_weight(), 0, kMost));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("loss.class_weight", spec.class_weight(), 0, kMost));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("loss.assign_threshold", spec.assign_threshold(), 0, 1));
  return CheckField("loss.ignore_threshold", spec.ignore_threshold(), 0, 1);
}

YoloLoss ComputeYoloLoss(const Graph& graph, const LossSpec& spec,
                         const std::vector<at::Tensor>& heads,
                         const Truths& truth) {
  const std::vector<int> nodes = YoloHeads(graph);
  const Boxes padded = PaddedTruth(truth, heads.front().options());
  const at::Tensor zero = at::zeros({}, heads.front().options());
  YoloLoss loss = {zero, zero, zero, zero};
  for (size_t i = 0; i < heads.size(); ++i) {
    AddHead(HeadLayout(graph, nodes[i], heads[i]), spec, heads[i], truth,
            padded, &loss);
  }
  const double images = static_cast<double>(truth.size());
  loss.box = loss.box * (OrOne(spec.box_weight()) / images);
  loss.objectness = loss.objectness / images;
  loss.classes = loss.classes * (OrOne(spec.class_weight()) / images);
  loss.total = loss.box + loss.objectness + loss.classes;
  return loss;
}

}  // namespace yoloq
