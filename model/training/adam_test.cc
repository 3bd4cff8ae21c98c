#include "model/training/adam.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>
#include <torch/optim/adamw.h>

#include <cmath>

namespace yoloq {
namespace {

// Several steps on a quadratic beside LibTorch's own optimizer.
TEST(AdamTest, AgreesWithLibTorchsAdamW) {
  const at::Tensor start = at::arange(1, 40, at::kFloat) * 0.1f - 1.7f;
  const at::Tensor target = at::sin(at::arange(1, 40, at::kFloat));
  at::Tensor theirs = start.clone().set_requires_grad(true);
  torch::optim::AdamW reference({theirs}, torch::optim::AdamWOptions(0.01)
                                              .betas({0.8, 0.95})
                                              .eps(1e-6)
                                              .weight_decay(0.05));
  const at::Tensor ours = start.clone();
  const at::Tensor gradient = at::zeros_like(ours);
  Adam adam({{ours, gradient, 0.05}}, {0.8, 0.95, 1e-6});
  for (int t = 1; t <= 20; ++t) {
    theirs.mutable_grad() = 2 * (theirs.detach() - target);
    reference.step();
    gradient.copy_(2 * (ours - target));
    adam.Step(t, 0.01, /*gradient_scale=*/1);
  }
  EXPECT_LT(at::max(at::abs(ours - theirs.detach())).item<float>(), 1e-6);
  EXPECT_GT(at::max(at::abs(ours - start)).item<float>(), 0.1);
}

TEST(AdamTest, FirstStepMovesByTheRate) {
  const at::Tensor values = at::zeros({3}, at::kFloat);
  const at::Tensor gradient = at::full({3}, 5, at::kFloat);
  Adam adam({{values, gradient, 0}}, {});
  adam.Step(1, 0.1, /*gradient_scale=*/0.01);
  EXPECT_NEAR(values[0].item<float>(), -0.1, 1e-6);
}

TEST(AdamTest, GradientNormIsOfAllParametersTogether) {
  const at::Tensor a = at::zeros({2}, at::kFloat);
  const at::Tensor b = at::zeros({1}, at::kFloat);
  Adam adam({{a, at::full({2}, 2, at::kFloat), 0},
             {b, at::full({1}, 1, at::kFloat), 0}},
            {});
  EXPECT_FLOAT_EQ(adam.GradientNorm().item<float>(), 3);
}

}  // namespace
}  // namespace yoloq
