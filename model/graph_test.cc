#include "model/graph.h"

#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One node of each kind: 0 input, 1 conv, 2 pool, 3 slice, 4 upsample, 5
// concat, 6 grouped conv, 7 add, 8 conv, 9 head.
constexpr char kGraph[] = R"pb(
  nodes {
    name: "input"
    output { channels: 3 height: 10 width: 12 }
    input {}
  }
  nodes {
    name: "conv"
    inputs: 0
    convolution {
      out_channels: 8
      kernel: 3
      stride: 2
      padding: 1
      groups: 1
      batch_norm: true
      activation: LEAKY
    }
  }
  nodes {
    name: "pool"
    inputs: 1
    max_pool { size: 2 stride: 2 padding_total: 1 }
  }
  nodes {
    name: "slice"
    inputs: 2
    slice { begin: 4 count: 4 }
  }
  nodes {
    name: "up"
    inputs: 3
    upsample { factor: 2 }
  }
  nodes {
    name: "concat"
    inputs: 2
    inputs: 3
    concat {}
  }
  nodes {
    name: "grouped"
    inputs: 5
    convolution { out_channels: 8 kernel: 1 stride: 1 groups: 4 }
  }
  nodes {
    name: "sum"
    inputs: 6
    inputs: 2
    add { activation: RELU }
  }
  nodes {
    name: "out"
    inputs: 7
    convolution { out_channels: 12 kernel: 1 stride: 1 groups: 1 }
  }
  nodes {
    name: "head"
    inputs: 8
    yolo_head {
      anchors { width: 10 height: 13 }
      anchors { width: 16 height: 30 }
      anchors { width: 33 height: 23 }
      mask: 1
      mask: 2
      classes: 1
      scale_x_y: 1
    }
  }
)pb";

Graph TestGraph() {
  Graph graph;
  const absl::Status status = ParseTextProto(kGraph, "graph", &graph);
  EXPECT_TRUE(status.ok()) << status;
  return graph;
}

std::vector<int> Dimensions(const Graph& graph, int index) {
  const Shape& shape = graph.nodes(index).output();
  return {shape.channels(), shape.height(), shape.width()};
}

TEST(InferShapesTest, FollowsEveryOperation) {
  Graph graph = TestGraph();
  YOLOQ_ASSERT_OK(InferShapes(&graph));
  EXPECT_THAT(Dimensions(graph, 1), ElementsAre(8, 5, 6));
  // Darknet: (5 + 1 - 2) / 2 + 1 = 3, (6 + 1 - 2) / 2 + 1 = 3.
  EXPECT_THAT(Dimensions(graph, 2), ElementsAre(8, 3, 3));
  EXPECT_THAT(Dimensions(graph, 3), ElementsAre(4, 3, 3));
  EXPECT_THAT(Dimensions(graph, 4), ElementsAre(4, 6, 6));
  EXPECT_THAT(Dimensions(graph, 5), ElementsAre(12, 3, 3));
  EXPECT_THAT(Dimensions(graph, 6), ElementsAre(8, 3, 3));
  EXPECT_THAT(Dimensions(graph, 7), ElementsAre(8, 3, 3));
  EXPECT_THAT(Dimensions(graph, 9), ElementsAre(12, 3, 3));
}

TEST(InferShapesTest, CountsByHand) {
  Graph graph = TestGraph();
  YOLOQ_ASSERT_OK(InferShapes(&graph));
  EXPECT_EQ(WeightCount(graph, 1), 8 * 3 * 3 * 3);
  EXPECT_EQ(ParameterCount(graph, 1), 8 * 3 * 3 * 3 + 8 + 8);
  EXPECT_EQ(MultiplyAccumulates(graph, 1), 8 * 3 * 3 * 3 * 5 * 6);
  EXPECT_EQ(WeightCount(graph, 6), 8 * 12 / 4);
  EXPECT_EQ(ParameterCount(graph, 6), 8 * 12 / 4 + 8);
  EXPECT_EQ(ParameterCount(graph, 2), 0);
  EXPECT_EQ(MultiplyAccumulates(graph, 7), 0);
}

TEST(InferShapesTest, SetInputSizeInfersAgain) {
  Graph graph = TestGraph();
  YOLOQ_ASSERT_OK(SetInputSize(32, &graph));
  EXPECT_THAT(Dimensions(graph, 0), ElementsAre(3, 32, 32));
  EXPECT_THAT(Dimensions(graph, 9), ElementsAre(12, 8, 8));
  EXPECT_THAT(SetInputSize(0, &graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("height is 0, it must be from 1 to 16384")));
}

struct BadGraph {
  const char* name;
  int node;
  const char* merge;  // merged into that node
  const char* message;
};

class BadGraphTest : public ::testing::TestWithParam<BadGraph> {};

TEST_P(BadGraphTest, NamesTheNode) {
  Graph graph = TestGraph();
  Node* node = graph.mutable_nodes(GetParam().node);
  YOLOQ_ASSERT_OK(MergeTextProto(GetParam().merge, "merge", node));
  EXPECT_THAT(InferShapes(&graph), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadGraphTest,
    ::testing::Values(
        BadGraph{"LaterInput", 2, "inputs: 5",
                 "node 'pool': input 5 is not an earlier node"},
        BadGraph{"ItsOwnInput", 2, "inputs: 2", "input 2 is not an earlier"},
        BadGraph{"NegativeInput", 2, "inputs: -1", "input -1 is not an"},
        BadGraph{"NoOperation", 4, "input {}",
                 "node 'up': the number of inputs is 1, it must be from 0"},
        BadGraph{"FirstIsNoInput", 0, "add {}", "node 0 must be the input"},
        BadGraph{"BadName", 1, "name: 'a/b'", "'a/b' must be of letters"},
        BadGraph{"TakenName", 2, "name: 'conv'", "the name 'conv' is taken"},
        BadGraph{"NoInputChannels", 0, "output { channels: -1 }",
                 "node 'input': channels is -1"},
        BadGraph{"HugeInput", 0, "output { height: 16384 width: 16384 }",
                 "has more than 268435456 elements"},
        BadGraph{"NoOutputChannels", 1, "convolution { out_channels: -1 }",
                 "out_channels is -1"},
        BadGraph{"HugeKernel", 1, "convolution { kernel: 1000 }",
                 "kernel is 1000"},
        BadGraph{"NoStride", 1, "convolution { stride: -1 }", "stride is -1"},
        BadGraph{"WidePadding", 1, "convolution { padding: 3 }",
                 "padding is 3, it must be from 0 to 2"},
        BadGraph{"GroupsThatDoNotDivide", 6, "convolution { groups: 3 }",
                 "groups = 3 does not divide both the 12 input channels and "
                 "the 8 output"},
        BadGraph{"KernelLargerThanInput", 6, "convolution { kernel: 9 }",
                 "node 'grouped': height is 0"},
        BadGraph{"UnknownActivation", 7, "add { activation: 9 }",
                 "unknown activation 9"},
        BadGraph{"AddOfThree", 7, "inputs: [ 6, 2, 2 ]",
                 "the number of inputs is 3, it must be from 2 to 2"},
        BadGraph{"AddOfDifferentShapes", 7, "inputs: [ 6, 3 ]",
                 "inputs of different shapes: (8, 3, 3) and (4, 3, 3)"},
        BadGraph{"ConcatOfDifferentShapes", 5, "inputs: [ 2, 4 ]",
                 "inputs of different height or width"},
        BadGraph{"WidePoolPadding", 2, "max_pool { padding_total: 2 }",
                 "padding_total is 2, it must be from 0 to 1"},
        BadGraph{"SliceBehindTheEnd", 3, "slice { count: 5 }",
                 "count is 5, it must be from 1 to 4"},
        BadGraph{"NoUpsampling", 4, "upsample { factor: -1 }", "factor is -1"},
        BadGraph{"ChannelsThatDoNotFitTheHead", 9, "yolo_head { classes: 2 }",
                 "the input has 12 channels, but 2 anchors * (5 + 2 classes) = "
                 "14"},
        BadGraph{"MaskWithoutAnchor", 9, "yolo_head { mask: [ 0, 3 ] }",
                 "the mask names anchor 3, but there are 3 anchors"},
        BadGraph{"MaskTwice", 9, "yolo_head { mask: [ 1, 1 ] }",
                 "the mask names anchor 1 twice"},
        BadGraph{"NoScale", 9, "yolo_head { scale_x_y: -1 }",
                 "scale_x_y is -1"},
        BadGraph{"NoAnchor", 9,
                 "yolo_head { anchors { width: 1 height: -2 } mask: 0 }",
                 "anchor 0 is 1 x -2"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(InferShapesTest, RefusesANodeWithoutName) {
  Graph graph = TestGraph();
  graph.mutable_nodes(1)->clear_name();
  EXPECT_THAT(InferShapes(&graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node 1: the name '' must be of letters")));
}

TEST(InferShapesTest, RefusesEmptyAndHugeGraphs) {
  Graph graph;
  EXPECT_THAT(InferShapes(&graph), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("no nodes")));
  for (int i = 0; i <= kMaxNodes; ++i) graph.add_nodes();
  EXPECT_THAT(InferShapes(&graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("4097 nodes, at most 4096")));
}

TEST(InferShapesTest, RefusesMoreWeightsThanFitInMemory) {
  Graph graph = TestGraph();
  graph.mutable_nodes()->DeleteSubrange(2, graph.nodes_size() - 2);
  graph.mutable_nodes(1)->mutable_convolution()->set_out_channels(60000);
  Node* big = graph.add_nodes();
  *big = graph.nodes(1);
  big->set_name("big");
  big->set_inputs(0, 1);
  EXPECT_THAT(InferShapes(&graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'big'"),
                             HasSubstr("more than 536870912 weights"))));
}

TEST(GraphTest, ListsConsumersAndHeads) {
  const Graph graph = TestGraph();
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  EXPECT_THAT(consumers[2], ElementsAre(3, 5, 7));
  EXPECT_THAT(consumers[4], IsEmpty());
  EXPECT_THAT(YoloHeads(graph), ElementsAre(9));
}

TEST(GraphTest, ClassCountIsThatOfAllHeads) {
  Graph graph = TestGraph();
  EXPECT_EQ(*ClassCount(graph), 1);
  Node* other = graph.add_nodes();
  *other = graph.nodes(9);
  other->set_name("other");
  other->mutable_yolo_head()->set_classes(2);
  EXPECT_THAT(ClassCount(graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node 'other' has 2 classes, but node 'head' "
                                 "has 1")));
  graph.mutable_nodes()->DeleteSubrange(9, 2);
  EXPECT_THAT(ClassCount(graph), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("no YOLO head")));
}

TEST(GraphTest, WithoutBatchNormKeepsTheRest) {
  const Graph graph = WithoutBatchNorm(TestGraph());
  EXPECT_FALSE(graph.nodes(1).convolution().batch_norm());
  EXPECT_EQ(graph.nodes(1).convolution().activation(), LEAKY);
}

}  // namespace
}  // namespace yoloq
