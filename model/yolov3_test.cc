#include "model/yolov3.h"

#include <cmath>
#include <map>

#include "model/graph.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct PartCount {
  int convolutions = 0;
  int64_t parameters = 0;
  int64_t multiply_accumulates = 0;
};

std::map<Part, PartCount> Count(const Graph& graph) {
  std::map<Part, PartCount> parts;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    PartCount& count = parts[graph.nodes(i).part()];
    count.convolutions += graph.nodes(i).has_convolution();
    count.parameters += ParameterCount(graph, i);
    count.multiply_accumulates += MultiplyAccumulates(graph, i);
  }
  return parts;
}

TEST(Yolov3Test, HasThePapersParts) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3({}));
  std::map<Part, PartCount> parts = Count(graph);
  EXPECT_EQ(parts.size(), 3);
  EXPECT_EQ(parts[BACKBONE].convolutions, 52);
  EXPECT_EQ(parts[NECK].convolutions, 17);
  EXPECT_EQ(parts[HEAD].convolutions, 6);
  const int64_t parameters = parts[BACKBONE].parameters +
                             parts[NECK].parameters + parts[HEAD].parameters;
  EXPECT_EQ(parameters, 61'626'049);
  // Darknet-53's published backbone and what facts.md derives for the others.
  EXPECT_EQ(parts[BACKBONE].parameters, 40'584'928);
  EXPECT_NEAR(parts[NECK].parameters, 14.7e6, 0.05e6);
  EXPECT_NEAR(parts[HEAD].parameters, 6.3e6, 0.05e6);
  const int64_t multiply_accumulates = parts[BACKBONE].multiply_accumulates +
                                       parts[NECK].multiply_accumulates +
                                       parts[HEAD].multiply_accumulates;
  EXPECT_EQ(multiply_accumulates, 32'713'987'072);
  EXPECT_NEAR(parts[HEAD].multiply_accumulates, 0.076 * multiply_accumulates,
              0.001 * multiply_accumulates);
}

std::vector<int> Dimensions(const Node& node) {
  return {node.output().channels(), node.output().height(),
          node.output().width()};
}

const Node& Named(const Graph& graph, absl::string_view name) {
  for (const Node& node : graph.nodes()) {
    if (node.name() == name) return node;
  }
  ADD_FAILURE() << "no node " << name;
  return graph.nodes(0);
}

// Layer numbers and shapes as darknet prints them for yolov3.cfg.
TEST(Yolov3Test, FollowsDarknetsLayers) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3({}));
  EXPECT_THAT(Dimensions(Named(graph, "conv_0")), ElementsAre(32, 416, 416));
  EXPECT_THAT(Dimensions(Named(graph, "add_36")), ElementsAre(256, 52, 52));
  EXPECT_THAT(Dimensions(Named(graph, "add_61")), ElementsAre(512, 26, 26));
  EXPECT_THAT(Dimensions(Named(graph, "add_74")), ElementsAre(1024, 13, 13));
  EXPECT_THAT(Dimensions(Named(graph, "yolo_82")), ElementsAre(75, 13, 13));
  EXPECT_THAT(Dimensions(Named(graph, "concat_86")), ElementsAre(768, 26, 26));
  EXPECT_THAT(Dimensions(Named(graph, "yolo_94")), ElementsAre(75, 26, 26));
  EXPECT_THAT(Dimensions(Named(graph, "concat_98")), ElementsAre(384, 52, 52));
  EXPECT_THAT(Dimensions(Named(graph, "yolo_106")), ElementsAre(75, 52, 52));
  const Node& concat = Named(graph, "concat_86");
  EXPECT_EQ(graph.nodes(concat.inputs(0)).name(), "upsample_85");
  EXPECT_EQ(graph.nodes(concat.inputs(1)).name(), "add_61");
  const Node& lateral = Named(graph, "conv_84");
  EXPECT_EQ(graph.nodes(lateral.inputs(0)).name(), "conv_79");
  EXPECT_EQ(lateral.part(), NECK);
  EXPECT_THAT(Named(graph, "yolo_82").yolo_head().mask(), ElementsAre(6, 7, 8));
  EXPECT_THAT(Named(graph, "yolo_106").yolo_head().mask(),
              ElementsAre(0, 1, 2));
  EXPECT_EQ(Named(graph, "yolo_106").yolo_head().anchors(8).width(), 373);
  EXPECT_FALSE(Named(graph, "conv_81").convolution().batch_norm());
  EXPECT_EQ(Named(graph, "conv_81").convolution().activation(), LINEAR);
}

// Published of COCO's YOLOv3: 61,949,149 parameters, and 65.86 billion
// operations (darknet's count, two a multiply-accumulate).
TEST(Yolov3Test, TakesAnyClassCount) {
  Yolov3Options options;
  options.classes = 80;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3(options));
  int64_t parameters = 0;
  int64_t multiply_accumulates = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    parameters += ParameterCount(graph, i);
    multiply_accumulates += MultiplyAccumulates(graph, i);
  }
  EXPECT_NEAR(2 * multiply_accumulates, 65.86e9, 0.005e9);
  EXPECT_EQ(parameters, 61'949'149);
  EXPECT_EQ(*ClassCount(graph), 80);
}

TEST(Yolov3Test, WidthScalesAllButTheOutputs) {
  Yolov3Options options;
  options.width = 0.3;
  options.input_size = 96;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3(options));
  // 32 * 0.3 = 9.6, 64 * 0.3 = 19.2, 1024 * 0.3 = 307.2, to multiples of 8.
  EXPECT_THAT(Dimensions(Named(graph, "conv_0")), ElementsAre(8, 96, 96));
  EXPECT_THAT(Dimensions(Named(graph, "conv_1")), ElementsAre(16, 48, 48));
  EXPECT_THAT(Dimensions(Named(graph, "add_74")), ElementsAre(304, 3, 3));
  EXPECT_THAT(Dimensions(Named(graph, "yolo_82")), ElementsAre(75, 3, 3));
  options.width = 0.01;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph slim, BuildYolov3(options));
  EXPECT_EQ(Named(slim, "add_74").output().channels(), 8);
}

TEST(Yolov3Test, NamesTheOptionAtFault) {
  Yolov3Options options;
  options.classes = 0;
  EXPECT_THAT(BuildYolov3(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("classes is 0")));
  options = {};
  options.width = std::nan("");
  EXPECT_THAT(BuildYolov3(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("width is nan")));
  options = {};
  options.input_size = 400;
  EXPECT_THAT(BuildYolov3(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("input_size is 400"),
                             HasSubstr("multiple of 32"))));
  options.input_size = 1 << 20;
  EXPECT_THAT(BuildYolov3(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("height is 1048576")));
}

TEST(Yolov3Test, AnchorsAreInProportionToTheInput) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3({20, 1, 832}));
  const YoloHeadOp& head = graph.nodes(YoloHeads(graph)[0]).yolo_head();
  EXPECT_EQ(head.anchors(0).width(), 20);
  EXPECT_EQ(head.anchors(0).height(), 26);
  EXPECT_EQ(head.anchors(8).width(), 746);
  EXPECT_EQ(head.anchors(8).height(), 652);
}

}  // namespace
}  // namespace yoloq
