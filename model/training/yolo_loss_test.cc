#include "model/training/yolo_loss.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "model/graph.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// Input 64 x 64 and one head of 2 x 2 cells with two of three anchors and two
// classes.
Graph OneHead() {
  Graph graph;
  EXPECT_TRUE(ParseTextProto(R"pb(
                               nodes {
                                 name: "input"
                                 input {}
                                 output { channels: 14 height: 2 width: 2 }
                               }
                               nodes {
                                 name: "yolo"
                                 inputs: 0
                                 yolo_head {
                                   anchors { width: 8 height: 8 }
                                   anchors { width: 16 height: 32 }
                                   anchors { width: 60 height: 60 }
                                   mask: 1
                                   mask: 2
                                   classes: 2
                                   scale_x_y: 1
                                   ignore_threshold: 0.7
                                 }
                                 output { channels: 14 height: 2 width: 2 }
                               })pb",
                             "graph", &graph)
                  .ok());
  // The head alone is what the loss reads of the graph, besides the input size.
  Shape* input = graph.mutable_nodes(0)->mutable_output();
  input->set_channels(3);
  input->set_height(64);
  input->set_width(64);
  return graph;
}

TruthBox Truth(float x, float y, float width, float height, int class_index) {
  return {x, y, width, height, class_index, false};
}

at::Tensor Raw(int images = 1) {
  return at::zeros({images, 14, 2, 2}, at::kDouble);
}

// Channels of anchor `place` (of the mask).
at::Tensor Value(const at::Tensor& raw, int image, int place, int value,
                 int row, int column) {
  return raw.select(0, image)
      .select(0, 7 * place + value)
      .select(0, row)
      .select(0, column);
}

const double kLog2 = std::log(2.0);

TEST(YoloLossTest, WithoutObjectsOnlyObjectnessCounts) {
  const YoloLoss loss = ComputeYoloLoss(OneHead(), LossSpec(), {Raw()}, {{}});
  // Eight anchors at sigmoid 1/2.
  EXPECT_NEAR(loss.objectness.item<double>(), 8 * kLog2, 1e-12);
  EXPECT_EQ(loss.box.item<double>(), 0);
  EXPECT_EQ(loss.classes.item<double>(), 0);
  EXPECT_NEAR(loss.total.item<double>(), 8 * kLog2, 1e-12);
}

TEST(YoloLossTest, OneObjectByHand) {
  at::Tensor raw = Raw();
  // Cell (row 1, column 0), anchor 16 x 32 (place 0 of the mask).
  Value(raw, 0, 0, 0, 1, 0).fill_(0.4);   // x
  Value(raw, 0, 0, 1, 1, 0).fill_(-0.3);  // y
  Value(raw, 0, 0, 2, 1, 0).fill_(0.2);   // width
  Value(raw, 0, 0, 3, 1, 0).fill_(0.1);   // height
  Value(raw, 0, 0, 4, 1, 0).fill_(1.5);   // objectness
  Value(raw, 0, 0, 5, 1, 0).fill_(-1.0);  // class 0
  Value(raw, 0, 0, 6, 1, 0).fill_(2.0);   // class 1
  // Centre (20, 45) of 64: cell column 0 (offset 0.625), row 1 (0.40625).
  // 20 x 30 pixels.
  const YoloLoss loss = ComputeYoloLoss(
      OneHead(), LossSpec(), {raw},
      {{Truth(20 / 64.0f, 45 / 64.0f, 20 / 64.0f, 30 / 64.0f, 1)}});
  const auto sigmoid = [](double t) { return 1 / (1 + std::exp(-t)); };
  const auto cross = [&](double t, double target) {
    return -target * std::log(sigmoid(t)) -
           (1 - target) * std::log(1 - sigmoid(t));
  };
  const double scale = 2 - 20.0 * 30 / (64 * 64);
  const double box = scale * (cross(0.4, 0.625) + cross(-0.3, 0.40625) +
                              std::pow(0.2 - std::log(20.0 / 16), 2) / 2 +
                              std::pow(0.1 - std::log(30.0 / 32), 2) / 2);
  EXPECT_NEAR(loss.box.item<double>(), box, 1e-7);
  EXPECT_NEAR(loss.classes.item<double>(), cross(-1, 0) + cross(2, 1), 1e-12);
  EXPECT_NEAR(loss.objectness.item<double>(), cross(1.5, 1) + 7 * kLog2, 1e-12);
}

TEST(YoloLossTest, AnObjectOfAnotherHeadsAnchorIsNotAssigned) {
  // 8 x 8 pixels: anchor 0, which this head does not use.
  const YoloLoss loss =
      ComputeYoloLoss(OneHead(), LossSpec(), {Raw()},
                      {{Truth(0.5f, 0.5f, 8 / 64.0f, 8 / 64.0f, 0)}});
  EXPECT_EQ(loss.box.item<double>(), 0);
  EXPECT_NEAR(loss.objectness.item<double>(), 8 * kLog2, 1e-12);
}

TEST(YoloLossTest, AThresholdAddsAnchors) {
  // 16 x 30: IoU 480 / 512 with anchor 1, 480 / 3600 with anchor 2.
  const TruthBox truth = Truth(0.25f, 0.25f, 16 / 64.0f, 30 / 64.0f, 0);
  LossSpec spec;
  spec.set_ignore_threshold(1);
  const auto classes = [&] {
    return ComputeYoloLoss(OneHead(), spec, {Raw()}, {{truth}})
        .classes.item<double>();
  };
  EXPECT_NEAR(classes(), 2 * kLog2, 1e-12);
  spec.set_assign_threshold(0.14);
  EXPECT_NEAR(classes(), 2 * kLog2, 1e-12);
  spec.set_assign_threshold(0.13);
  EXPECT_NEAR(classes(), 4 * kLog2, 1e-12);
}

TEST(YoloLossTest, PredictionsThatOverlapATruthAreNotToldToBeEmpty) {
  // All raw zeros: boxes of the anchors' sizes at the cells' middles. The truth
  // is the 16 x 32 box of cell (0, 0), but difficult.
  TruthBox truth = Truth(0.25f, 0.25f, 16 / 64.0f, 32 / 64.0f, 0);
  truth.ignored = true;
  LossSpec spec;
  EXPECT_NEAR(ComputeYoloLoss(OneHead(), spec, {Raw()}, {{truth}})
                  .objectness.item<double>(),
              7 * kLog2, 1e-12);
  // A truth of three quarters of that box: IoU 0.75.
  truth.height = 24 / 64.0f;
  EXPECT_NEAR(ComputeYoloLoss(OneHead(), spec, {Raw()}, {{truth}})
                  .objectness.item<double>(),
              7 * kLog2, 1e-12);
  spec.set_ignore_threshold(0.76);
  EXPECT_NEAR(ComputeYoloLoss(OneHead(), spec, {Raw()}, {{truth}})
                  .objectness.item<double>(),
              8 * kLog2, 1e-12);
  EXPECT_EQ(
      ComputeYoloLoss(OneHead(), spec, {Raw()}, {{truth}}).box.item<double>(),
      0);
}

TEST(YoloLossTest, OfTwoTruthsAtOneAnchorTheLaterCounts) {
  const TruthBox first = Truth(0.2f, 0.2f, 0.25f, 0.5f, 0);
  const TruthBox second = Truth(0.3f, 0.3f, 0.25f, 0.5f, 1);
  const Graph graph = OneHead();
  const LossSpec spec;
  const double both = ComputeYoloLoss(graph, spec, {Raw()}, {{first, second}})
                          .box.item<double>();
  EXPECT_EQ(
      both,
      ComputeYoloLoss(graph, spec, {Raw()}, {{second}}).box.item<double>());
  EXPECT_GT(both, 0);
}

TEST(YoloLossTest, IsTheMeanOverImages) {
  const TruthBox truth = Truth(0.2f, 0.2f, 0.25f, 0.5f, 0);
  const Graph graph = OneHead();
  const LossSpec spec;
  const double one =
      ComputeYoloLoss(graph, spec, {Raw()}, {{truth}}).total.item<double>();
  const double none =
      ComputeYoloLoss(graph, spec, {Raw()}, {{}}).total.item<double>();
  EXPECT_NEAR(ComputeYoloLoss(graph, spec, {Raw(2)}, {{}, {truth}})
                  .total.item<double>(),
              (one + none) / 2, 1e-12);
}

TEST(YoloLossTest, WeightsMultiplyTheTerms) {
  const TruthBox truth = Truth(0.2f, 0.2f, 0.25f, 0.5f, 0);
  LossSpec spec;
  const YoloLoss plain = ComputeYoloLoss(OneHead(), spec, {Raw()}, {{truth}});
  spec.set_box_weight(2);
  spec.set_class_weight(3);
  spec.set_object_weight(5);
  spec.set_no_object_weight(0.5);
  const YoloLoss loss = ComputeYoloLoss(OneHead(), spec, {Raw()}, {{truth}});
  EXPECT_NEAR(loss.box.item<double>(), 2 * plain.box.item<double>(), 1e-12);
  EXPECT_NEAR(loss.classes.item<double>(), 3 * plain.classes.item<double>(),
              1e-12);
  EXPECT_NEAR(loss.objectness.item<double>(), (5 + 7 * 0.5) * kLog2, 1e-12);
}

TEST(YoloLossTest, CompleteIouByHand) {
  LossSpec spec;
  spec.set_box(LossSpec::CIOU);
  // Predicted: 16 x 32 around (16, 16). Truth: 16 x 24 around (18, 16).
  const YoloLoss loss = ComputeYoloLoss(
      OneHead(), spec, {Raw()},
      {{Truth(18 / 64.0f, 16 / 64.0f, 16 / 64.0f, 24 / 64.0f, 0)}});
  const double both = 14.0 * 24;
  const double iou = both / (16 * 32 + 16 * 24 - both);
  const double distance = 4.0 / (18 * 18 + 32 * 32);
  const double v = 4 / (M_PI * M_PI) *
                   std::pow(std::atan(16.0 / 24) - std::atan(16.0 / 32), 2);
  const double alpha = v / (1 - iou + v);
  EXPECT_NEAR(loss.box.item<double>(), 1 - iou + distance + alpha * v, 1e-6);
}

TEST(YoloLossTest, CompleteIouOfTheSameBoxIsNoLoss) {
  LossSpec spec;
  spec.set_box(LossSpec::CIOU);
  const YoloLoss loss = ComputeYoloLoss(
      OneHead(), spec, {Raw()}, {{Truth(0.25f, 0.25f, 0.25f, 0.5f, 0)}});
  EXPECT_NEAR(loss.box.item<double>(), 0, 1e-6);
}

TEST(YoloLossTest, StretchedCentresReachTheCellsEdge) {
  Graph graph = OneHead();
  graph.mutable_nodes(1)->mutable_yolo_head()->set_scale_x_y(2);
  // x at the left edge of the picture: 2 s - 1/2 = 0, so s = 1/4.
  at::Tensor raw = Raw();
  Value(raw, 0, 0, 0, 0, 0).fill_(std::log(1 / 3.0));
  const auto gradient_of_x = [&] {
    at::Tensor leaf = raw.clone().set_requires_grad(true);
    const YoloLoss loss = ComputeYoloLoss(graph, LossSpec(), {leaf},
                                          {{Truth(0, 0.25f, 0.25f, 0.5f, 0)}});
    torch::autograd::backward({loss.box}, {});
    return Value(leaf.grad(), 0, 0, 0, 0, 0).item<double>();
  };
  EXPECT_NEAR(gradient_of_x(), 0, 1e-12);
}

struct GradientCase {
  LossSpec::Box box;
  double scale_x_y;
};

class YoloLossGradientTest : public ::testing::TestWithParam<GradientCase> {};

// Central differences in double precision at every value of the heads.
TEST_P(YoloLossGradientTest, AgreesWithDifferences) {
  Graph graph = OneHead();
  graph.mutable_nodes(1)->mutable_yolo_head()->set_scale_x_y(
      GetParam().scale_x_y);
  LossSpec spec;
  spec.set_box(GetParam().box);
  spec.set_box_weight(1.5);
  spec.set_no_object_weight(0.7);
  const std::vector<std::vector<TruthBox>> truth = {
      {Truth(0.31f, 0.7f, 0.3f, 0.45f, 1), Truth(0.8f, 0.2f, 0.9f, 0.8f, 0)},
      {},
      {Truth(0.6f, 0.6f, 0.2f, 0.4f, 0)}};
  at::Tensor values = at::zeros({3, 14, 2, 2}, at::kDouble);
  double* raw = values.data_ptr<double>();
  for (int i = 0; i < values.numel(); ++i) raw[i] = std::sin(12.9898 * i + 1);
  at::Tensor leaf = values.clone().set_requires_grad(true);
  torch::autograd::backward({ComputeYoloLoss(graph, spec, {leaf}, truth).total},
                            {});
  const at::Tensor gradient = leaf.grad().contiguous();
  // 1 - CIoU treats alpha as a constant, so differences hold it only where the
  // shapes agree; the tolerance there is that of the missing term.
  constexpr double kStep = 1e-6;
  double largest = 0;
  for (int i = 0; i < values.numel(); ++i) {
    const auto at_offset = [&](double offset) {
      at::Tensor moved = values.clone();
      moved.data_ptr<double>()[i] += offset;
      return ComputeYoloLoss(graph, spec, {moved}, truth).total.item<double>();
    };
    const double expected =
        (at_offset(kStep) - at_offset(-kStep)) / (2 * kStep);
    const double actual = gradient.data_ptr<double>()[i];
    EXPECT_NEAR(actual, expected,
                GetParam().box == LossSpec::CIOU ? 0.02 : 1e-7)
        << i;
    largest = std::max(largest, std::abs(actual));
  }
  EXPECT_GT(largest, 0.1);
}

INSTANTIATE_TEST_SUITE_P(
    Boxes, YoloLossGradientTest,
    ::testing::Values(GradientCase{LossSpec::SIGMOID_XY, 1},
                      GradientCase{LossSpec::SIGMOID_XY, 1.2},
                      GradientCase{LossSpec::CIOU, 1},
                      GradientCase{LossSpec::CIOU, 1.05}));

TEST(YoloLossTest, ErrorsNameTheField) {
  LossSpec spec;
  spec.set_ignore_threshold(1.5);
  EXPECT_THAT(CheckLoss(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("loss.ignore_threshold is 1.5")));
}

}  // namespace
}  // namespace yoloq
