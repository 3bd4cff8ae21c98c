#include "model/decode.h"

#include <cmath>
#include <limits>

#include "model/graph.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kClasses = 2;
constexpr int kChannels = 2 * (5 + kClasses);
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A head of 2 x 3 cells with anchors 20 x 10 and 8 x 40 on an input of 64 x 96
// (height x width).
Graph TestGraph(float scale_x_y) {
  Graph graph;
  EXPECT_TRUE(
      ParseTextProto(
          R"pb(
            nodes {
              name: "input"
              output { channels: 3 height: 64 width: 96 }
              input {}
            }
            nodes {
              name: "conv"
              inputs: 0
              convolution { out_channels: 14 kernel: 1 stride: 32 groups: 1 }
            }
            nodes {
              name: "head"
              inputs: 1
              yolo_head {
                anchors { width: 1 height: 1 }
                anchors { width: 20 height: 10 }
                anchors { width: 8 height: 40 }
                mask: 1
                mask: 2
                classes: 2
                scale_x_y: 1
              }
            }
          )pb",
          "graph", &graph)
          .ok());
  graph.mutable_nodes(2)->mutable_yolo_head()->set_scale_x_y(scale_x_y);
  EXPECT_TRUE(InferShapes(&graph).ok());
  return graph;
}

// Nothing is there: every objectness is sigmoid(-20).
HeadOutput EmptyHead() {
  HeadOutput head{2, 2, 3, kChannels, {}};
  head.values.assign(2 * 3 * kChannels, 0);
  for (int i = 0; i < 2 * 3 * 2; ++i) head.values[i * 7 + 4] = -20;
  return head;
}

// The 7 values of an anchor at a cell.
float* Cell(HeadOutput* head, int row, int column, int anchor) {
  return &head->values[(row * 3 + column) * kChannels + anchor * 7];
}

void Set(HeadOutput* head, int row, int column, int anchor,
         const std::vector<float>& values) {
  std::copy(values.begin(), values.end(), Cell(head, row, column, anchor));
}

float Logit(float p) { return std::log(p / (1 - p)); }

TEST(DecodeTest, MatchesTheFormulaByHand) {
  HeadOutput head = EmptyHead();
  // Cell (row 1, column 2), second anchor (8 x 40): centre
  // ((2 + 0.25) / 3, (1 + 0.75) / 2) = (0.75, 0.875), size
  // (8 * 2 / 96, 40 / 2 / 64) = (1/6, 5/16).
  Set(&head, 1, 2, 1,
      {Logit(0.25f), Logit(0.75f), std::log(2.0f), std::log(0.5f), Logit(0.8f),
       Logit(0.1f), Logit(0.9f)});
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::vector<Detection> detections,
                             DecodeHeads(TestGraph(1), {head}, 0.1f));
  ASSERT_THAT(detections, SizeIs(1));
  const Detection& detection = detections[0];
  EXPECT_EQ(detection.class_index, 1);
  EXPECT_NEAR(detection.score, 0.72, 1e-6);
  EXPECT_NEAR(detection.box.left, 0.75 - 1.0 / 12, 1e-6);
  EXPECT_NEAR(detection.box.right, 0.75 + 1.0 / 12, 1e-6);
  EXPECT_NEAR(detection.box.top, 0.875 - 5.0 / 32, 1e-6);
  EXPECT_NEAR(detection.box.bottom, 0.875 + 5.0 / 32, 1e-6);
}

// s = 1.1: centre = (0 + 1.1 * 0.5 - 0.05) / grid = 0.5 / grid, as with s = 1,
// but 1.1 * 0.9 - 0.05 = 0.94 where s = 1 has 0.9.
TEST(DecodeTest, ScalesTheCentre) {
  HeadOutput head = EmptyHead();
  Set(&head, 0, 0, 0,
      {0, Logit(0.9f), 0, 0, Logit(0.8f), Logit(0.9f), Logit(0.1f)});
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::vector<Detection> detections,
                             DecodeHeads(TestGraph(1.1f), {head}, 0.1f));
  ASSERT_THAT(detections, SizeIs(1));
  const Box& box = detections[0].box;
  EXPECT_NEAR((box.left + box.right) / 2, 0.5 / 3, 1e-6);
  EXPECT_NEAR((box.top + box.bottom) / 2, 0.94 / 2, 1e-6);
}

TEST(DecodeTest, GivesEveryClassAboveTheThreshold) {
  HeadOutput head = EmptyHead();
  Set(&head, 0, 1, 0, {0, 0, 0, 0, Logit(0.5f), Logit(0.9f), Logit(0.8f)});
  Set(&head, 0, 1, 1, {0, 0, 0, 0, Logit(0.9f), Logit(0.3f), Logit(0.6f)});
  const Graph graph = TestGraph(1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(std::vector<Detection> detections,
                             DecodeHeads(graph, {head}, 0.2f));
  ASSERT_THAT(detections, SizeIs(4));
  EXPECT_NEAR(detections[0].score, 0.45, 1e-6);
  EXPECT_NEAR(detections[1].score, 0.40, 1e-6);
  EXPECT_NEAR(detections[2].score, 0.27, 1e-6);
  EXPECT_NEAR(detections[3].score, 0.54, 1e-6);
  EXPECT_EQ(detections[3].class_index, 1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(detections, DecodeHeads(graph, {head}, 0.42f));
  EXPECT_THAT(detections, SizeIs(2));
}

// The fast way out must not lose a score just above the threshold, nor let one
// at it pass.
TEST(DecodeTest, ComparesScoresExactly) {
  const Graph graph = TestGraph(1);
  for (const float objectness : {-4.0f, -1.0f, 0.0f, 3.0f, 12.0f}) {
    HeadOutput head = EmptyHead();
    Set(&head, 0, 0, 0, {0, 0, 0, 0, objectness, 0.7f, -9});
    YOLOQ_ASSERT_OK_AND_ASSIGN(std::vector<Detection> detections,
                               DecodeHeads(graph, {head}, 1e-3f));
    ASSERT_THAT(detections, SizeIs(1));
    const float score = detections[0].score;
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        detections, DecodeHeads(graph, {head}, std::nextafter(score, 0.0f)));
    EXPECT_THAT(detections, SizeIs(1)) << objectness;
    YOLOQ_ASSERT_OK_AND_ASSIGN(detections, DecodeHeads(graph, {head}, score));
    EXPECT_THAT(detections, IsEmpty()) << objectness;
  }
}

TEST(DecodeTest, ZeroKeepsAllAndOneNothing) {
  const Graph graph = TestGraph(1);
  const HeadOutput head = EmptyHead();
  YOLOQ_ASSERT_OK_AND_ASSIGN(std::vector<Detection> detections,
                             DecodeHeads(graph, {head}, 0));
  EXPECT_THAT(detections, SizeIs(2 * 3 * 2 * kClasses));
  YOLOQ_ASSERT_OK_AND_ASSIGN(detections, DecodeHeads(graph, {head}, 1));
  EXPECT_THAT(detections, IsEmpty());
}

TEST(DecodeTest, SurvivesValuesThatAreNotFinite) {
  const Graph graph = TestGraph(1);
  HeadOutput head = EmptyHead();
  Set(&head, 0, 0, 0, {0, 0, 1e30f, 0, 5, 5, 5});
  Set(&head, 0, 1, 0, {0, 0, 0, 0, kNan, 5, 5});
  Set(&head, 0, 2, 0, {kNan, 0, 0, 0, 5, 5, 5});
  Set(&head, 1, 0, 0, {0, 0, 0, kNan, 5, 5, 5});
  Set(&head, 1, 1, 0, {0, 0, 0, 0, 5, kNan, 5});
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::vector<Detection> detections,
                             DecodeHeads(graph, {head}, 0.1f));
  ASSERT_THAT(detections, SizeIs(3));
  EXPECT_NEAR(detections[0].box.right - detections[0].box.left,
              20 * std::exp(16.0) / 96, 1e3);
  EXPECT_EQ(detections[2].class_index, 1);
}

TEST(DecodeTest, RefusesHeadsThatDoNotFit) {
  const Graph graph = TestGraph(1);
  HeadOutput head = EmptyHead();
  head.node = 1;
  EXPECT_THAT(DecodeHeads(graph, {head}, 0.5f),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node 1 of the graph is no YOLO head")));
  head = EmptyHead();
  head.node = 7;
  EXPECT_THAT(
      DecodeHeads(graph, {head}, 0.5f),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("node 7")));
  head = EmptyHead();
  head.width = 2;
  EXPECT_THAT(DecodeHeads(graph, {head}, 0.5f),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'head'"), HasSubstr("2 x 2 x 14"),
                             HasSubstr("the graph says 2 x 3 x 14"))));
  head = EmptyHead();
  head.values.pop_back();
  EXPECT_THAT(DecodeHeads(graph, {head}, 0.5f),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("83 values, expected 84")));
}

}  // namespace
}  // namespace yoloq
