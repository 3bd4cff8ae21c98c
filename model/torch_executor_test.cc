#include "model/torch_executor.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/graph.h"
#include "model/weights.h"
#include "model/yolov3.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

Graph SlimYolov3() {
  Yolov3Options options;
  options.width = 0.25;
  options.input_size = 96;
  return *BuildYolov3(options);
}

std::vector<uint8_t> Picture(const Graph& graph) {
  std::vector<uint8_t> rgb(ElementCount(graph.nodes(0).output()));
  for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = i * 2654435761u >> 24;
  return rgb;
}

std::vector<HeadOutput> Heads(const Graph& graph, const Weights& weights,
                              TorchExecutorOptions options) {
  auto executor = TorchExecutor::Create(graph, weights, std::move(options));
  EXPECT_TRUE(executor.ok()) << executor.status();
  std::vector<HeadOutput> heads;
  EXPECT_TRUE((*executor)->Run(Picture(graph), &heads).ok());
  return heads;
}

// Batch norm statistics that are not the identity.
Weights WeightsWithStatistics(const Graph& graph) {
  Weights weights = RandomWeights(graph, 1);
  for (ConvolutionWeights& node : weights.nodes) {
    for (size_t c = 0; c < node.gamma.size(); ++c) {
      node.gamma[c] = 0.5f + 0.1f * (c % 9);
      node.bias[c] = 0.05f * (static_cast<int>(c % 7) - 3);
      node.mean[c] = 0.02f * (static_cast<int>(c % 5) - 2);
      node.variance[c] = 0.3f + 0.2f * (c % 6);
    }
  }
  return weights;
}

TEST(TorchExecutorTest, FoldedAndUnfoldedBatchNormAgree) {
  const Graph graph = SlimYolov3();
  const Weights weights = WeightsWithStatistics(graph);
  TorchExecutorOptions unfolded;
  unfolded.fold_batch_norm = false;
  const auto a = Heads(graph, weights, {});
  const auto b = Heads(graph, weights, unfolded);
  ASSERT_EQ(a.size(), 3u);
  for (size_t h = 0; h < a.size(); ++h) {
    float largest = 0;
    float difference = 0;
    for (size_t i = 0; i < a[h].values.size(); ++i) {
      largest = std::max(largest, std::abs(a[h].values[i]));
      difference =
          std::max(difference, std::abs(a[h].values[i] - b[h].values[i]));
    }
    EXPECT_GT(largest, 1e-3f);
    EXPECT_LT(difference / largest, 1e-4f);
  }
}

TEST(TorchExecutorTest, HeadsHaveTheirShapesInGraphOrder) {
  const Graph graph = SlimYolov3();
  const auto heads = Heads(graph, RandomWeights(graph, 1), {});
  ASSERT_EQ(heads.size(), 3u);
  for (int h = 0; h < 3; ++h) {
    EXPECT_EQ(heads[h].node, YoloHeads(graph)[h]);
    EXPECT_EQ(heads[h].height, 3 << h);
    EXPECT_EQ(heads[h].channels, 75);
    EXPECT_EQ(heads[h].values.size(), 75u * (3 << h) * (3 << h));
  }
}

// in (1 x 1 picture): 1x1 convolution with known weights, leaky, to one head.
Graph OnePixelGraph() {
  Graph graph;
  graph.set_name("pixel");
  Node* input = graph.add_nodes();
  input->set_name("in");
  input->mutable_input();
  input->mutable_output()->set_channels(3);
  input->mutable_output()->set_height(1);
  input->mutable_output()->set_width(1);
  Node* convolution = graph.add_nodes();
  convolution->set_name("conv");
  convolution->set_part(HEAD);
  convolution->add_inputs(0);
  convolution->mutable_convolution()->set_out_channels(6);
  convolution->mutable_convolution()->set_kernel(1);
  convolution->mutable_convolution()->set_stride(1);
  convolution->mutable_convolution()->set_groups(1);
  convolution->mutable_convolution()->set_activation(LEAKY);
  Node* head = graph.add_nodes();
  head->set_name("yolo");
  head->set_part(HEAD);
  head->add_inputs(1);
  head->mutable_yolo_head()->add_mask(0);
  head->mutable_yolo_head()->set_classes(1);
  head->mutable_yolo_head()->set_scale_x_y(1);
  auto* anchor = head->mutable_yolo_head()->add_anchors();
  anchor->set_width(1);
  anchor->set_height(1);
  EXPECT_TRUE(InferShapes(&graph).ok());
  return graph;
}

TEST(TorchExecutorTest, ComputesLeakyConvolutionOfPixelsOver255) {
  const Graph graph = OnePixelGraph();
  Weights weights;
  weights.nodes.resize(3);
  weights.nodes[1].weights.assign(18, 0.0f);
  weights.nodes[1].weights[0] = 2;    // output 0 = 2 * red + 1
  weights.nodes[1].weights[4] = -10;  // output 1 = leaky(-10 * green)
  weights.nodes[1].bias = {1, 0, 0, 0, 0, 0};
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto executor,
                             TorchExecutor::Create(graph, weights, {}));
  std::vector<HeadOutput> heads;
  const std::vector<uint8_t> rgb = {51, 255, 0};
  YOLOQ_ASSERT_OK(executor->Run(rgb, &heads));
  EXPECT_FLOAT_EQ(heads[0].values[0], 1.4f);
  EXPECT_FLOAT_EQ(heads[0].values[1], -1.0f);
  EXPECT_FLOAT_EQ(heads[0].values[2], 0.0f);
}

TEST(TorchExecutorTest, HookSeesAndChangesEachTensor) {
  const Graph graph = SlimYolov3();
  std::map<std::pair<int, bool>, int64_t> seen;
  TorchExecutorOptions options;
  options.hook_before_activation = true;
  options.hook = [&](int node, bool before, float* values, int64_t count) {
    seen[{node, before}] = count;
    // Everything the heads read becomes 7.
    if (graph.nodes(node + 1).has_yolo_head()) {
      std::fill(values, values + count, 7.0f);
    }
  };
  const auto heads = Heads(graph, RandomWeights(graph, 1), options);
  for (const HeadOutput& head : heads) {
    EXPECT_THAT(head.values, ::testing::Each(7.0f));
  }
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    const bool activated = node.convolution().activation() != LINEAR;
    EXPECT_EQ(seen.count({i, true}), node.has_convolution() && activated);
    EXPECT_EQ(seen.count({i, false}), !node.has_yolo_head());
  }
}

TEST(TorchExecutorTest, WrongPictureSizeIsInvalidArgument) {
  const Graph graph = OnePixelGraph();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto executor,
      TorchExecutor::Create(graph, RandomWeights(graph, 1), {}));
  std::vector<HeadOutput> heads;
  EXPECT_THAT(
      executor->Run(std::vector<uint8_t>(4), &heads),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("3 bytes")));
}

TEST(TorchExecutorTest, WeightsThatDoNotFitAreInvalidArgument) {
  const Graph graph = OnePixelGraph();
  Weights weights = RandomWeights(graph, 1);
  weights.nodes[1].bias.pop_back();
  EXPECT_THAT(TorchExecutor::Create(graph, weights, {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("conv")));
}

}  // namespace
}  // namespace yoloq
