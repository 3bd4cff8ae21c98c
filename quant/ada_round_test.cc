#include "quant/ada_round.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

constexpr int kSteps = 400;

at::Tensor Tensor(std::vector<float> values, std::vector<int64_t> sizes) {
  return at::from_blob(values.data(), sizes, at::kFloat).clone();
}

at::Tensor Normal(std::mt19937* random, std::vector<int64_t> sizes) {
  at::Tensor result = at::empty(sizes);
  std::normal_distribution<float> normal;
  float* values = result.data_ptr<float>();
  for (int64_t i = 0; i < result.numel(); ++i) values[i] = normal(*random);
  return result;
}

std::vector<float> Values(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  return std::vector<float>(dense.data_ptr<float>(),
                            dense.data_ptr<float>() + dense.numel());
}

// One output; the FP32 network feeds the same inputs as the quantized one.
AdaRoundProblem OneOutput(const at::Tensor& inputs, const at::Tensor& weights,
                          float bias, float scale) {
  AdaRoundProblem problem;
  problem.inputs = inputs.unsqueeze(0);
  problem.weights = weights.view({1, -1});
  problem.bias = Tensor({bias}, {1});
  problem.targets = at::matmul(inputs, problem.weights.t()) + bias;
  problem.scales = Tensor({scale}, {1});
  return problem;
}

// Mean squared error of whole-number weights, in plain loops.
double ErrorOf(const AdaRoundProblem& problem, const std::vector<int>& integers,
               float slope_below) {
  const auto activated = [slope_below](double x) {
    return x < 0 ? slope_below * x : x;
  };
  const std::vector<float> inputs = Values(problem.inputs);
  const std::vector<float> targets = Values(problem.targets);
  const double scale = Values(problem.scales)[0];
  double sum = 0;
  for (size_t s = 0; s < targets.size(); ++s) {
    double output = Values(problem.bias)[0];
    for (size_t k = 0; k < integers.size(); ++k) {
      output += inputs[s * integers.size() + k] * integers[k] * scale;
    }
    const double error = activated(output) - activated(targets[s]);
    sum += error * error;
  }
  return sum / targets.size();
}

TEST(AdaRoundTest, RoundsOneOfTwoEqualWeightsUp) {
  // The output is 0.8 everywhere; nearest gives 0, one of both up gives 1.
  const AdaRoundResult result = AdaRound(
      OneOutput(at::ones({64, 2}), Tensor({0.41f, 0.39f}, {2}), 3, 1), kSteps);
  EXPECT_NEAR(result.nearest_error, 0.64, 1e-5);
  EXPECT_NEAR(result.error, 0.04, 1e-5);
  const std::vector<float> integers = Values(result.integers);
  EXPECT_EQ(integers[0] + integers[1], 1);
}

class EveryActivationTest : public ::testing::TestWithParam<Activation> {};

TEST_P(EveryActivationTest, ComesCloseToTheBestOfAllRoundings) {
  const float slope_below =
      GetParam() == LINEAR ? 1.0f : (GetParam() == RELU ? 0.0f : 0.1f);
  std::mt19937 random(7);
  constexpr int kWeights = 8;
  for (int trial = 0; trial < 5; ++trial) {
    // Inputs with much in common: rounding errors add up.
    const at::Tensor inputs =
        Normal(&random, {256, 1}) + 0.3 * Normal(&random, {256, kWeights}) + 1;
    AdaRoundProblem problem =
        OneOutput(inputs, Normal(&random, {kWeights}) * 10, -2, 2.5f);
    problem.activation = GetParam();
    double best = 1e30;
    const std::vector<float> weights = Values(problem.weights);
    for (int bits = 0; bits < 1 << kWeights; ++bits) {
      std::vector<int> integers;
      for (int k = 0; k < kWeights; ++k) {
        integers.push_back(static_cast<int>(std::floor(weights[k] / 2.5f)) +
                           (bits >> k & 1));
      }
      best = std::min(best, ErrorOf(problem, integers, slope_below));
    }
    const AdaRoundResult result = AdaRound(problem, kSteps);
    std::vector<int> integers;
    for (const float q : Values(result.integers)) integers.push_back(q);
    EXPECT_NEAR(result.error, ErrorOf(problem, integers, slope_below),
                1e-4 * result.error);
    EXPECT_LE(result.error, result.nearest_error);
    EXPECT_LE(result.error, 2 * best) << trial;
  }
}

INSTANTIATE_TEST_SUITE_P(Activations, EveryActivationTest,
                         ::testing::Values(LINEAR, RELU, LEAKY));

TEST(AdaRoundTest, GroupsAndChannelScales) {
  std::mt19937 random(3);
  constexpr int kGroups = 3, kSamples = 300, kPerGroup = 9, kOutputs = 6;
  AdaRoundProblem problem;
  problem.inputs = Normal(&random, {kGroups, kSamples, kPerGroup}) + 1;
  problem.weights = Normal(&random, {kOutputs, kPerGroup});
  problem.bias = Normal(&random, {kOutputs});
  problem.scales = at::amax(at::abs(problem.weights), {1}) / 20;
  problem.targets = at::empty({kSamples, kOutputs});
  for (int out = 0; out < kOutputs; ++out) {
    problem.targets.select(1, out).copy_(
        at::matmul(problem.inputs[out / 2], problem.weights[out]) +
        problem.bias[out]);
  }
  const AdaRoundResult result = AdaRound(problem, kSteps);
  EXPECT_LT(result.error, 0.9 * result.nearest_error);
  const at::Tensor ratio = problem.weights / problem.scales.view({-1, 1});
  EXPECT_LT(at::max(at::abs(result.integers - ratio)).item<float>(), 1.001f);
  EXPECT_TRUE(at::equal(result.integers, at::round(result.integers)));
}

TEST(AdaRoundTest, StaysIn127AndOnTheGrid) {
  std::mt19937 random(3);
  const AdaRoundProblem problem =
      OneOutput(Normal(&random, {64, 4}), Tensor({127, -127, 3, 0}, {4}), 0, 1);
  const AdaRoundResult result = AdaRound(problem, kSteps);
  EXPECT_NEAR(result.nearest_error, 0, 1e-9);
  EXPECT_EQ(Values(result.integers), (std::vector<float>{127, -127, 3, 0}));

  // Targets that no rounding can reach pull every weight up.
  AdaRoundProblem unreachable = problem;
  unreachable.inputs = at::ones({1, 64, 4});
  unreachable.targets = at::full({64, 1}, 100.0);
  EXPECT_LE(at::max(AdaRound(unreachable, kSteps).integers).item<float>(), 127);
}

}  // namespace
}  // namespace yoloq
