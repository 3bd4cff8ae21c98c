#include "quant/cross_layer_equalization.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "model/torch_executor.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

// 1x1, depthwise 3x3 and grouped 3x3 in a row, with all activations and a pool
// between them; "fork" is read twice.
constexpr char kChain[] = R"pb(
  nodes {
    name: "input"
    part: BACKBONE
    output { channels: 3 height: 12 width: 12 }
    input {}
  }
  nodes {
    name: "expand"
    part: BACKBONE
    inputs: 0
    convolution {
      out_channels: 8
      kernel: 1
      stride: 1
      groups: 1
      activation: RELU
    }
  }
  nodes {
    name: "depthwise"
    part: BACKBONE
    inputs: 1
    convolution {
      out_channels: 8
      kernel: 3
      stride: 1
      padding: 1
      groups: 8
      activation: LEAKY
    }
  }
  nodes {
    name: "pool"
    part: BACKBONE
    inputs: 2
    max_pool { size: 2 stride: 2 }
  }
  nodes {
    name: "grouped"
    part: BACKBONE
    inputs: 3
    convolution { out_channels: 6 kernel: 3 stride: 1 padding: 1 groups: 2 }
  }
  nodes {
    name: "fork"
    part: BACKBONE
    inputs: 4
    convolution {
      out_channels: 5
      kernel: 1
      stride: 1
      groups: 1
      activation: LEAKY
    }
  }
  nodes {
    name: "left"
    part: HEAD
    inputs: 5
    convolution { out_channels: 7 kernel: 1 stride: 1 groups: 1 }
  }
  nodes {
    name: "right"
    part: HEAD
    inputs: 5
    convolution { out_channels: 7 kernel: 1 stride: 1 groups: 1 }
  }
  nodes {
    name: "sum"
    part: HEAD
    inputs: 6
    inputs: 7
    add {}
  }
  nodes {
    name: "yolo"
    part: HEAD
    inputs: 8
    yolo_head {
      anchors { width: 3 height: 4 }
      mask: 0
      classes: 2
      scale_x_y: 1
    }
  }
)pb";

constexpr int kExpand = 1, kDepthwise = 2, kGrouped = 4, kFork = 5, kLeft = 6;

// Weights whose channels differ in range by up to a thousand.
Weights UnevenWeights(const Graph& graph) {
  Weights weights = RandomWeights(graph, 5);
  for (ConvolutionWeights& node : weights.nodes) {
    const size_t outputs = node.bias.size();
    for (size_t c = 0; c < outputs; ++c) {
      const float factor = std::pow(10.0f, static_cast<float>(c % 4) - 2);
      const size_t per_output = node.weights.size() / outputs;
      for (size_t i = 0; i < per_output; ++i) {
        node.weights[c * per_output + i] *= factor;
      }
      node.bias[c] = 0.1f * factor * (static_cast<float>(c % 3) - 1);
    }
  }
  return weights;
}

std::vector<float> HeadValues(const Graph& graph, const Weights& weights) {
  auto executor = TorchExecutor::Create(graph, weights, {});
  EXPECT_TRUE(executor.ok()) << executor.status();
  std::vector<HeadOutput> heads;
  EXPECT_TRUE((*executor)->Run(RandomPicture(graph, 1), &heads).ok());
  return heads.front().values;
}

float LargestOf(const std::vector<float>& values, size_t begin, size_t count) {
  float largest = 0;
  for (size_t i = begin; i < begin + count; ++i) {
    largest = std::max(largest, std::fabs(values[i]));
  }
  return largest;
}

TEST(EqualizeCrossLayerTest, KeepsTheFunction) {
  const Graph graph = GraphFromText(kChain);
  const Weights weights = UnevenWeights(graph);
  const Weights equalized = EqualizeCrossLayer(graph, weights);
  EXPECT_NE(equalized.nodes[kExpand].weights, weights.nodes[kExpand].weights);
  const std::vector<float> expected = HeadValues(graph, weights);
  const std::vector<float> actual = HeadValues(graph, equalized);
  const float largest = LargestOf(expected, 0, expected.size());
  ASSERT_GT(largest, 0);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], 1e-5f * largest);
  }
}

TEST(EqualizeCrossLayerTest, KeepsTheFunctionOfEveryKindOfNode) {
  const Graph graph = SmallGraph();
  const Weights weights = UnevenWeights(graph);
  const std::vector<float> expected = HeadValues(graph, weights);
  const std::vector<float> actual =
      HeadValues(graph, EqualizeCrossLayer(graph, weights));
  const float largest = LargestOf(expected, 0, expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], 1e-5f * largest);
  }
}

TEST(EqualizeCrossLayerTest, MakesTheRangesOfAChannelEqual) {
  const Graph graph = GraphFromText(kChain);
  Weights weights = UnevenWeights(graph);
  for (ConvolutionWeights& node : weights.nodes) {
    std::fill(node.bias.begin(), node.bias.end(), 0.0f);
  }
  const Weights equalized = EqualizeCrossLayer(graph, weights);
  for (int c = 0; c < 8; ++c) {
    const float made = LargestOf(equalized.nodes[kExpand].weights, c * 3, 3);
    const float between =
        LargestOf(equalized.nodes[kDepthwise].weights, c * 9, 9);
    // Input channel c of "grouped": 4 a group, read by 3 outputs of the group.
    float read = 0;
    for (int out = c / 4 * 3; out < c / 4 * 3 + 3; ++out) {
      read = std::max(read, LargestOf(equalized.nodes[kGrouped].weights,
                                      out * 36 + c % 4 * 9, 9));
    }
    EXPECT_NEAR(between / made, 1, 1e-2) << c;
    EXPECT_NEAR(read / between, 1, 1e-2) << c;
  }
}

TEST(EqualizeCrossLayerTest, LeavesWhatIsReadTwice) {
  const Graph graph = GraphFromText(kChain);
  const Weights weights = UnevenWeights(graph);
  const Weights equalized = EqualizeCrossLayer(graph, weights);
  EXPECT_EQ(equalized.nodes[kLeft].weights, weights.nodes[kLeft].weights);
  // "fork" is scaled as a reader of "grouped", its own channels are not.
  EXPECT_EQ(equalized.nodes[kFork].bias, weights.nodes[kFork].bias);
}

TEST(EqualizeCrossLayerTest, NoBiasGrowsAboveTheLargest) {
  const Graph graph = GraphFromText(kChain);
  Weights weights = RandomWeights(graph, 5);
  ConvolutionWeights& expand = weights.nodes[kExpand];
  expand.bias = {0.5f, -1, 0.25f, 0, 0, 0, 0, 0};
  // Channels of next to no weight, one with a bias and one without.
  for (int i = 0; i < 3; ++i) expand.weights[i] = 1e-8f;
  for (int i = 9; i < 12; ++i) expand.weights[i] = 1e-8f;
  const Weights equalized = EqualizeCrossLayer(graph, weights);
  EXPECT_NEAR(equalized.nodes[kExpand].bias[0], 1, 1e-3);
  for (const float bias : equalized.nodes[kExpand].bias) {
    EXPECT_LE(std::fabs(bias), 1.001f);
  }
  EXPECT_GT(LargestOf(equalized.nodes[kExpand].weights, 9, 3), 1e-5f);
}

TEST(EqualizeCrossLayerTest, LeavesDeadChannels) {
  const Graph graph = GraphFromText(kChain);
  Weights weights = UnevenWeights(graph);
  std::fill(weights.nodes[kExpand].weights.begin(),
            weights.nodes[kExpand].weights.begin() + 3, 0.0f);
  const Weights equalized = EqualizeCrossLayer(graph, weights);
  EXPECT_EQ(equalized.nodes[kExpand].bias[0], weights.nodes[kExpand].bias[0]);
  for (const ConvolutionWeights& node : equalized.nodes) {
    for (const float w : node.weights) ASSERT_TRUE(std::isfinite(w));
  }
}

}  // namespace
}  // namespace yoloq
