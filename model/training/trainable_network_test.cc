#include "model/training/trainable_network.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/graph.h"
#include "model/torch_executor.h"
#include "model/yolov3.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

Graph Slim() {
  Yolov3Options options;
  options.width = 0.0625;
  options.input_size = 64;
  options.classes = 3;
  return *BuildYolov3(options);
}

// Not the ones that batch norm starts with.
Weights WithStatistics(const Graph& graph) {
  Weights weights = RandomWeights(graph, 5);
  for (ConvolutionWeights& node : weights.nodes) {
    for (size_t i = 0; i < node.mean.size(); ++i) {
      node.mean[i] = 0.1f * std::sin(1.0f + i);
      node.variance[i] = 1.2f + 0.5f * std::cos(2.0f + i);
      node.gamma[i] = 0.9f + 0.2f * std::sin(3.0f + i);
      node.bias[i] = 0.1f * std::cos(4.0f + i);
    }
  }
  return weights;
}

std::vector<uint8_t> Picture(int side) {
  std::vector<uint8_t> rgb(3 * side * side);
  for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = (i * 37 + i / 191) % 256;
  return rgb;
}

at::Tensor ToImages(std::vector<uint8_t> rgb, int side) {
  return at::from_blob(rgb.data(), {1, side, side, 3}, at::kByte)
             .to(at::kFloat)
             .permute({0, 3, 1, 2}) *
         (1.0f / 255);
}

std::unique_ptr<TrainableNetwork> Make(const Graph& graph,
                                       const Weights& weights,
                                       const NetworkPlacement& placement = {}) {
  return *TrainableNetwork::Create(graph, weights, placement);
}

TEST(TrainableNetworkTest, EvaluatesAsTheExecutorDoes) {
  const c10::NoGradGuard no_grad;
  const Graph graph = Slim();
  const Weights weights = WithStatistics(graph);
  const auto network = Make(graph, weights);
  network->set_training(false);
  const std::vector<uint8_t> rgb = Picture(64);
  const std::vector<at::Tensor> heads =
      network->Forward(ToImages(rgb, 64), nullptr);
  TorchExecutorOptions options;
  options.fold_batch_norm = false;
  YOLOQ_ASSERT_OK_AND_ASSIGN(auto executor,
                             TorchExecutor::Create(graph, weights, options));
  std::vector<HeadOutput> expected;
  YOLOQ_ASSERT_OK(executor->Run(rgb, &expected));
  ASSERT_EQ(heads.size(), expected.size());
  for (size_t h = 0; h < heads.size(); ++h) {
    const at::Tensor dense = heads[h].permute({0, 2, 3, 1}).contiguous();
    ASSERT_EQ(dense.numel(), expected[h].values.size());
    for (size_t i = 0; i < expected[h].values.size(); ++i) {
      ASSERT_NEAR(dense.data_ptr<float>()[i], expected[h].values[i], 1e-4);
    }
  }
}

TEST(TrainableNetworkTest, GivesItsWeightsBack) {
  const Graph graph = Slim();
  const Weights weights = WithStatistics(graph);
  for (const bool channels_last : {true, false}) {
    NetworkPlacement placement;
    placement.channels_last = channels_last;
    const Weights back = Make(graph, weights, placement)->ToWeights();
    for (int i = 0; i < graph.nodes_size(); ++i) {
      EXPECT_EQ(back.nodes[i].weights, weights.nodes[i].weights);
      EXPECT_EQ(back.nodes[i].bias, weights.nodes[i].bias);
      EXPECT_EQ(back.nodes[i].gamma, weights.nodes[i].gamma);
      EXPECT_EQ(back.nodes[i].mean, weights.nodes[i].mean);
      EXPECT_EQ(back.nodes[i].variance, weights.nodes[i].variance);
    }
  }
}

TEST(TrainableNetworkTest, TrainingMovesTheRunningStatistics) {
  const Graph graph = Slim();
  const Weights weights = WithStatistics(graph);
  const auto network = Make(graph, weights);
  const at::Tensor images = ToImages(Picture(64), 64);
  network->Forward(images, nullptr);
  // The first convolution by hand.
  const int node = 1;
  ASSERT_TRUE(graph.nodes(node).convolution().batch_norm());
  const at::Tensor raw = at::conv2d(
      images, network->convolution(node).weight.detach(), {}, {1, 1}, {1, 1});
  const at::Tensor mean = at::mean(raw, {0, 2, 3});
  const at::Tensor variance = at::var(raw, {0, 2, 3}, /*unbiased=*/true);
  const Weights after = network->ToWeights();
  for (size_t i = 0; i < after.nodes[node].mean.size(); ++i) {
    EXPECT_NEAR(after.nodes[node].mean[i],
                0.9 * weights.nodes[node].mean[i] + 0.1 * mean[i].item<float>(),
                1e-5);
    EXPECT_NEAR(
        after.nodes[node].variance[i],
        0.9 * weights.nodes[node].variance[i] + 0.1 * variance[i].item<float>(),
        1e-5);
  }
  network->set_training(false);
  network->Forward(images, nullptr);
  EXPECT_EQ(network->ToWeights().nodes[node].mean, after.nodes[node].mean);
}

// A parameter of every kind, near the input and near the output.
TEST(TrainableNetworkTest, GradientsAgreeWithDifferences) {
  const Graph graph = Slim();
  const auto network = Make(graph, WithStatistics(graph));
  network->set_training(false);
  const at::Tensor images = ToImages(Picture(64), 64);
  const auto loss = [&] {
    at::Tensor sum = at::zeros({}, at::kFloat);
    for (const at::Tensor& head : network->Forward(images, nullptr)) {
      sum = sum + at::sum(at::square(head));
    }
    return sum;
  };
  torch::autograd::backward({loss()}, {});
  const c10::NoGradGuard no_grad;
  const auto check = [&](const at::Tensor& memory,
                         const at::Tensor& gradients) {
    // Along the gradient itself: the slope is its squared norm.
    const double expected = at::sum(at::square(gradients)).item<double>();
    const double step = 1e-3 / std::sqrt(expected);
    const at::Tensor before = memory.clone();
    memory.add_(gradients, step);
    const double high = loss().item<double>();
    memory.copy_(before).sub_(gradients, step);
    const double low = loss().item<double>();
    memory.copy_(before);
    EXPECT_GT(expected, 1);
    EXPECT_NEAR((high - low) / (2 * step) / expected, 1, 0.02);
  };
  check(network->weights(), network->weight_gradients());
  check(network->biases(), network->bias_gradients());
}

TEST(TrainableNetworkTest, MemoryFormatsAgree) {
  const Graph graph = Slim();
  const Weights weights = WithStatistics(graph);
  const at::Tensor images =
      at::cat({ToImages(Picture(64), 64), ToImages(Picture(64), 64).flip({2})});
  std::vector<Weights> gradients;
  for (const bool channels_last : {true, false}) {
    NetworkPlacement placement;
    placement.channels_last = channels_last;
    const auto network = Make(graph, weights, placement);
    std::vector<at::Tensor> heads = network->Forward(images, nullptr);
    torch::autograd::backward({at::sum(heads[0]) + at::sum(heads[2])}, {});
    const c10::NoGradGuard no_grad;
    network->weights().copy_(network->weight_gradients());
    gradients.push_back(network->ToWeights());
  }
  double largest = 0;
  double difference = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    for (size_t k = 0; k < gradients[0].nodes[i].weights.size(); ++k) {
      const double a = gradients[0].nodes[i].weights[k];
      const double b = gradients[1].nodes[i].weights[k];
      largest = std::max(largest, std::abs(a));
      difference = std::max(difference, std::abs(a - b));
    }
  }
  EXPECT_GT(largest, 0);
  EXPECT_LT(difference, 1e-3 * largest);
}

// Doubles the weights of one node and negates what another puts out.
class TestHooks : public TrainingHooks {
 public:
  at::Tensor Weight(int node, const at::Tensor& weight) override {
    return node == 1 ? weight * 2 : weight;
  }
  at::Tensor Activation(int node, bool before_activation,
                        const at::Tensor& values) override {
    ++(before_activation ? before : after);
    if (node == 0 && !before_activation) return -values;
    return values;
  }
  int before = 0;
  int after = 0;
};

TEST(TrainableNetworkTest, HooksChangeWeightsAndActivations) {
  const c10::NoGradGuard no_grad;
  const Graph graph = Slim();
  Weights weights = WithStatistics(graph);
  const auto hooked = Make(graph, weights);
  for (float& value : weights.nodes[1].weights) value *= 2;
  const auto doubled = Make(graph, weights);
  hooked->set_training(false);
  doubled->set_training(false);
  const at::Tensor images = ToImages(Picture(64), 64);
  TestHooks hooks;
  const std::vector<at::Tensor> a = hooked->Forward(images, &hooks);
  const std::vector<at::Tensor> b = doubled->Forward(-images, nullptr);
  for (size_t h = 0; h < a.size(); ++h) {
    EXPECT_LT(at::max(at::abs(a[h] - b[h])).item<float>(), 1e-5);
  }
  // 75 convolutions, 72 of them with an activation; all nodes but the heads.
  EXPECT_EQ(hooks.before, 72);
  EXPECT_EQ(hooks.after, graph.nodes_size() - 3);
}

// Negates what node 1 reads, and keeps who read what.
class InputHooks : public TrainingHooks {
 public:
  at::Tensor Input(int node, int producer, const at::Tensor& values) override {
    seen.emplace_back(node, producer);
    return node == 1 ? -values : values;
  }
  std::vector<std::pair<int, int>> seen;
};

TEST(TrainableNetworkTest, HooksChangeWhatOneNodeReads) {
  const c10::NoGradGuard no_grad;
  const Graph graph = Slim();
  const auto network = Make(graph, WithStatistics(graph));
  network->set_training(false);
  const at::Tensor images = ToImages(Picture(64), 64);
  InputHooks hooks;
  const std::vector<at::Tensor> a = network->Forward(images, &hooks);
  const std::vector<at::Tensor> b = network->Forward(-images, nullptr);
  for (size_t h = 0; h < a.size(); ++h) {
    EXPECT_LT(at::max(at::abs(a[h] - b[h])).item<float>(), 1e-5);
  }
  std::vector<std::pair<int, int>> edges;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    for (const int input : graph.nodes(i).inputs())
      edges.emplace_back(i, input);
  }
  // Operands of a sum are taken in any order.
  std::sort(edges.begin(), edges.end());
  std::sort(hooks.seen.begin(), hooks.seen.end());
  EXPECT_EQ(hooks.seen, edges);
}

TEST(TrainableNetworkTest, WeightsThatDoNotFitAreAnError) {
  const Graph graph = Slim();
  Weights weights = RandomWeights(graph, 1);
  weights.nodes[1].weights.pop_back();
  EXPECT_THAT(TrainableNetwork::Create(graph, weights, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(graph.nodes(1).name())));
}

}  // namespace
}  // namespace yoloq
