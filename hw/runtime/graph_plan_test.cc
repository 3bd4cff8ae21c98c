#include "hw/runtime/graph_plan.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

std::string Convolution(const std::string& name, int input,
                        const std::string& part) {
  return absl::StrCat("nodes { name: '", name, "' part: ", part,
                      " inputs: ", input,
                      " convolution { out_channels: 4 kernel: 1 stride: 1 "
                      "groups: 1 activation: LEAKY } } ");
}

// 0 in, 1 a, 2 b, 3 sum = a + b, 4 c(sum), 5 down(sum, stride 2), 6 up(down),
// 7 concat(up, sum), 8 d(concat), 9 head.
Graph TestGraph() {
  return GraphFromText(absl::StrCat(
      "name: 'g' nodes { name: 'in' part: BACKBONE input {} output { channels: "
      "3 height: 4 width: 4 } } ",
      Convolution("a", 0, "BACKBONE"), Convolution("b", 1, "BACKBONE"),
      "nodes { name: 'sum' part: BACKBONE inputs: [1, 2] add {} } ",
      Convolution("c", 3, "BACKBONE"),
      "nodes { name: 'down' part: NECK inputs: 4 convolution { out_channels: 4 "
      "kernel: 1 stride: 2 groups: 1 } } ",
      "nodes { name: 'up' part: NECK inputs: 5 upsample { factor: 2 } } ",
      "nodes { name: 'concat' part: NECK inputs: [6, 3] concat {} } ",
      "nodes { name: 'd' part: HEAD inputs: 7 convolution { out_channels: 6 "
      "kernel: 1 stride: 1 groups: 1 } } ",
      "nodes { name: 'y' part: HEAD inputs: 8 yolo_head { anchors { width: 5 "
      "height: 5 } mask: 0 classes: 1 scale_x_y: 1 } }"));
}

std::vector<NodePlan> Plan(const Graph& graph, Precision backbone,
                           Precision neck, const ConvolutionFusions& fusions) {
  QuantizationSpec spec;
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_leaky(QuantizationSpec::FUSED);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, backbone, neck, neck), spec, 1));
  return PlanGraph(*Deployable::FromBytes(bytes.view(), "test"), fusions);
}

ConvolutionFusions All() { return {true, true, true, true}; }

TEST(GraphPlanTest, FusesASumIntoTheOperandComputedLast) {
  const auto plan = Plan(TestGraph(), FP32, FP32, All());
  EXPECT_EQ(plan[2].fused_add, 3);
  EXPECT_EQ(plan[3].fused_into, 2);
  // a is read by b as well.
  EXPECT_EQ(plan[1].fused_add, -1);
}

TEST(GraphPlanTest, PlacesAValueInAConcatAndFoldsUpsampling) {
  const auto plan = Plan(TestGraph(), FP32, FP32, All());
  EXPECT_EQ(plan[3].place.concat, 7);
  EXPECT_EQ(plan[3].place.channel, 4);
  EXPECT_EQ(plan[6].folded_into, 7);
  EXPECT_EQ(plan[6].place.concat, -1);
}

TEST(GraphPlanTest, DifferentScalesKeepAValueOutOfAConcat) {
  const auto plan = Plan(TestGraph(), INT8, INT8, All());
  EXPECT_EQ(plan[3].fused_into, 2);
  EXPECT_EQ(plan[3].place.concat, -1);
  EXPECT_EQ(plan[6].folded_into, 7);
}

TEST(GraphPlanTest, NothingThatTheBackendLacks) {
  for (const NodePlan& node : Plan(TestGraph(), FP32, FP32, {})) {
    EXPECT_EQ(node.fused_add, -1);
    EXPECT_EQ(node.fused_into, -1);
    EXPECT_EQ(node.place.concat, -1);
  }
}

TEST(GraphPlanTest, ReadersSayTheForms) {
  // The neck's INT8 nodes read 3 and 4 as bytes; 4 has no other reader.
  const auto plan = Plan(TestGraph(), FP32, INT8, All());
  EXPECT_TRUE(plan[3].read_as_bytes);
  EXPECT_TRUE(plan[3].read_as_reals);
  EXPECT_TRUE(plan[4].read_as_bytes);
  EXPECT_FALSE(plan[4].read_as_reals);
  // A YOLO head reads reals.
  EXPECT_TRUE(plan[8].read_as_reals);
  EXPECT_FALSE(plan[8].read_as_bytes);
}

}  // namespace
}  // namespace yoloq
