#include "eval/postprocess.h"

#include <cmath>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// An input of 32 x 32, one head of 2 x 1 cells with an anchor of 16 x 16.
Graph TwoCells() {
  Graph graph;
  Shape* input = graph.add_nodes()->mutable_output();
  input->set_channels(3);
  input->set_height(32);
  input->set_width(32);
  Node* head = graph.add_nodes();
  head->mutable_output()->set_channels(6);
  head->mutable_output()->set_height(2);
  head->mutable_output()->set_width(1);
  YoloHeadOp* op = head->mutable_yolo_head();
  op->set_classes(1);
  op->set_scale_x_y(1);
  op->add_mask(0);
  op->add_anchors()->set_width(16);
  op->mutable_anchors(0)->set_height(16);
  return graph;
}

// Both cells' boxes are centred on their cell: the input's (1/2, 1/4), (1/2,
// 3/4).
std::vector<HeadOutput> Heads(float first_class, float second_class) {
  return {{1,
           2,
           1,
           6,
           {0, 0, 0, 0, 100, first_class, 0, 0, 0, 0, 100, second_class}}};
}

EvaluationSpec Spec() {
  EvaluationSpec spec;
  spec.set_score_threshold(0.1);
  spec.set_nms_iou_threshold(0.45);
  return spec;
}

TEST(PostprocessTest, GivesPixelsOfThePicture) {
  const Placement stretched{0, 0, 32, 32, 32, 200, 100};
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto detections,
      Postprocess(TwoCells(), Heads(0, 100), stretched, Spec()));
  ASSERT_EQ(detections.size(), 2);
  // By falling score: the second cell comes first.
  EXPECT_FLOAT_EQ(detections[0].score, 1);
  EXPECT_FLOAT_EQ(detections[0].box.left, 50);
  EXPECT_FLOAT_EQ(detections[0].box.top, 50);
  EXPECT_FLOAT_EQ(detections[0].box.right, 150);
  EXPECT_FLOAT_EQ(detections[0].box.bottom, 100);
  EXPECT_FLOAT_EQ(detections[1].score, 0.5);
  EXPECT_FLOAT_EQ(detections[1].box.top, 0);
}

TEST(PostprocessTest, DropsWhatIsNotInThePicture) {
  // The picture is the lower half of the input.
  const Placement letterboxed{0, 16, 32, 16, 32, 200, 100};
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto detections,
      Postprocess(TwoCells(), Heads(100, 0), letterboxed, Spec()));
  ASSERT_EQ(detections.size(), 1);
  EXPECT_FLOAT_EQ(detections[0].score, 0.5);
}

TEST(PostprocessTest, FollowsTheSpec) {
  const Placement placement{0, 0, 32, 32, 32, 32, 32};
  EvaluationSpec spec = Spec();
  spec.set_max_detections_per_class(1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      auto detections, Postprocess(TwoCells(), Heads(0, 100), placement, spec));
  EXPECT_EQ(detections.size(), 1);
  spec = Spec();
  spec.set_score_threshold(0.6);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      detections, Postprocess(TwoCells(), Heads(0, 100), placement, spec));
  EXPECT_EQ(detections.size(), 1);
}

TEST(PostprocessTest, RefusesAnotherShape) {
  std::vector<HeadOutput> heads = Heads(0, 0);
  heads[0].width = 2;
  EXPECT_THAT(
      Postprocess(TwoCells(), heads, {0, 0, 32, 32, 32, 32, 32}, Spec()),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("head")));
}

}  // namespace
}  // namespace yoloq
