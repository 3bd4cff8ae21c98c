#include "quant/straight_through.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <cmath>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

at::Tensor Leaf(const at::Tensor& values) {
  return values.detach().clone().set_requires_grad(true);
}

void ExpectAsLibTorch(const at::Tensor& values, double scale, int zero_point,
                      int low, int high) {
  const at::Tensor own = Leaf(values), theirs = Leaf(values);
  const at::Tensor output = StraightThrough(own, scale, zero_point, low, high);
  const at::Tensor expected =
      at::fake_quantize_per_tensor_affine(theirs, scale, zero_point, low, high);
  EXPECT_TRUE(at::equal(output, expected));
  const at::Tensor direction =
      at::cos(at::arange(values.numel()).view(values.sizes()));
  at::sum(output * direction).backward();
  at::sum(expected * direction).backward();
  EXPECT_TRUE(at::equal(own.grad(), theirs.grad()));
}

TEST(StraightThroughTest, AgreesWithLibTorchToTheBit) {
  // Both ends, far beyond them, and ties.
  const at::Tensor values =
      at::cat({at::linspace(-400, 400, 40001), at::arange(-300, 300) + 0.5,
               at::full({1}, 1e6), at::full({1}, -1e6), at::zeros({1})});
  for (const double scale : {1.0, 0.0371, 3.3e-5, 17.0}) {
    ExpectAsLibTorch(values * scale, scale, 0, -127, 127);
    ExpectAsLibTorch(values * scale, scale, 0, 0, 255);
    ExpectAsLibTorch(values * scale, scale, 93, 0, 255);
    ExpectAsLibTorch(values * scale, scale, 255, 0, 255);
  }
}

TEST(StraightThroughTest, TakesAnyLayout) {
  const at::Tensor values = at::sin(at::arange(2 * 6 * 5 * 4)) * 2;
  const at::Tensor shaped = values.view({2, 6, 5, 4});
  ExpectAsLibTorch(shaped.contiguous(at::MemoryFormat::ChannelsLast), 0.01, 100,
                   0, 255);
  const at::Tensor own = Leaf(shaped), theirs = Leaf(shaped);
  const at::Tensor output =
      StraightThrough(own.narrow(1, 2, 3), 0.01, 100, 0, 255);
  const at::Tensor expected = at::fake_quantize_per_tensor_affine(
      theirs.narrow(1, 2, 3), 0.01, 100, 0, 255);
  EXPECT_TRUE(at::equal(output, expected));
  // A gradient without memory of its own.
  at::sum(output).backward();
  at::sum(expected).backward();
  EXPECT_TRUE(at::equal(own.grad(), theirs.grad()));
}

TEST(StraightThroughTest, ClampsWhatNoIntegerHolds) {
  EXPECT_EQ(StraightThrough(at::full({1}, 1e30), 0.5, 3, 0, 255).item<float>(),
            126);
  EXPECT_EQ(StraightThrough(at::full({1}, -1e30), 0.5, 3, 0, 255).item<float>(),
            -1.5);
}

TEST(StraightThroughTest, NanStays) {
  const at::Tensor values = at::full({3}, std::nan(""));
  EXPECT_TRUE(
      at::isnan(StraightThrough(values, 0.1, 0, -127, 127)).all().item<bool>());
}

}  // namespace
}  // namespace yoloq
