#include "quant/weight_quantizer.h"

#include <cmath>
#include <limits>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ConvolutionWeights Make(std::vector<float> weights, std::vector<float> bias) {
  ConvolutionWeights result;
  result.weights = std::move(weights);
  result.bias = std::move(bias);
  return result;
}

TEST(QuantizeConvolutionTest, PerTensorByHand) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const QuantizedConvolution q,
      QuantizeConvolution(Make({-12.7f, 0.04f, 6.3f, 0.26f}, {1, -2}),
                          QuantizationSpec::PER_TENSOR, 0.5f));
  ASSERT_EQ(q.scales.size(), 1);
  EXPECT_FLOAT_EQ(q.scales[0], 0.1f);
  EXPECT_THAT(q.weights, ElementsAre(-127, 0, 63, 3));
  EXPECT_THAT(q.bias, ElementsAre(20, -40));
}

TEST(QuantizeConvolutionTest, PerChannelByHand) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const QuantizedConvolution q,
      QuantizeConvolution(Make({-12.7f, 0.04f, 1.27f, -0.26f}, {1, -2}),
                          QuantizationSpec::PER_CHANNEL, 0.5f));
  ASSERT_EQ(q.scales.size(), 2);
  EXPECT_FLOAT_EQ(q.scales[0], 0.1f);
  EXPECT_FLOAT_EQ(q.scales[1], 0.01f);
  EXPECT_THAT(q.weights, ElementsAre(-127, 0, 127, -26));
  EXPECT_THAT(q.bias, ElementsAre(20, -400));
}

TEST(QuantizeConvolutionTest, RoundsTiesToEven) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const QuantizedConvolution q,
      QuantizeConvolution(Make({127, 0.5f, 1.5f, -2.5f}, {2.5f}),
                          QuantizationSpec::PER_TENSOR, 1));
  EXPECT_EQ(q.scales[0], 1);
  EXPECT_THAT(q.weights, ElementsAre(127, 0, 2, -2));
  EXPECT_THAT(q.bias, ElementsAre(2));
}

TEST(QuantizeConvolutionTest, ZeroChannelsGetATinyScale) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const QuantizedConvolution q,
      QuantizeConvolution(Make({0, 0, 1, 2}, {0, 0}),
                          QuantizationSpec::PER_CHANNEL, 1));
  EXPECT_EQ(q.scales[0], std::numeric_limits<float>::epsilon());
  EXPECT_THAT(q.weights, ElementsAre(0, 0, 64, 127));
}

TEST(QuantizeConvolutionTest, LargeBiasOnSmallWeightsRaisesTheScale) {
  // 3 / (0.01 * 1e-7) would be 3e9 steps.
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const QuantizedConvolution q,
      QuantizeConvolution(Make({1.27e-5f, -1e-6f}, {3}),
                          QuantizationSpec::PER_CHANNEL, 0.01f));
  EXPECT_NEAR(q.bias[0], 1 << 30, 1 << 7);
  EXPECT_NEAR(q.bias[0] * 0.01 * q.scales[0], 3, 1e-6);
  EXPECT_NEAR(q.weights[0] * q.scales[0], 1.27e-5, q.scales[0] / 2);
}

TEST(QuantizeConvolutionTest, RefusesAccumulatorsBeyondInt32) {
  EXPECT_THAT(
      QuantizeConvolution(Make(std::vector<float>(34000, 1.0f), {0}),
                          QuantizationSpec::PER_TENSOR, 1),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("34000 weights an output channel are too many")));
}

TEST(QuantizeConvolutionTest, RefusesAbsurdValues) {
  EXPECT_THAT(
      QuantizeConvolution(Make({1e30f}, {0}), QuantizationSpec::PER_TENSOR, 1),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("too large to be quantized")));
}

TEST(QuantizeConvolutionTest, FixedScalesAreTakenAndClamp) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const QuantizedConvolution q,
      QuantizeConvolution(Make({-12.7f, 0.04f, 1.27f, -0.26f}, {1, -2}),
                          QuantizationSpec::PER_CHANNEL, 0.5f, {0.05f, 0.02f}));
  EXPECT_THAT(q.scales, ElementsAre(0.05f, 0.02f));
  EXPECT_THAT(q.weights, ElementsAre(-127, 1, 64, -13));
  EXPECT_THAT(q.bias, ElementsAre(40, -200));
}

TEST(QuantizeConvolutionTest, RefusesFixedScalesThatDoNotFit) {
  const ConvolutionWeights weights = Make({1, 2}, {0, 0});
  EXPECT_THAT(QuantizeConvolution(weights, QuantizationSpec::PER_TENSOR, 1,
                                  {0.1f, 0.2f}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("weight_scales: 2 values, expected 1")));
  EXPECT_THAT(QuantizeConvolution(weights, QuantizationSpec::PER_CHANNEL, 1,
                                  {0.1f, 0.0f}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("weight_scales: 0 is not in (0, 2^60]")));
}

}  // namespace
}  // namespace yoloq
