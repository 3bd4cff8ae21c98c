#include "quant/integer_semantics.h"

#include <limits>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

TensorQuantization Make(float scale, int zero_point) {
  TensorQuantization result;
  result.set_scale(scale);
  result.set_zero_point(zero_point);
  return result;
}

TEST(RoundToUint8Test, RoundsTiesToEvenBeforeTheZeroPointIsAdded) {
  EXPECT_EQ(RoundToUint8(0.5f, 3), 3);
  EXPECT_EQ(RoundToUint8(1.5f, 3), 5);
  EXPECT_EQ(RoundToUint8(-0.5f, 3), 3);
  EXPECT_EQ(RoundToUint8(-1.5f, 3), 1);
}

TEST(RoundToUint8Test, Saturates) {
  EXPECT_EQ(RoundToUint8(1e30f, 10), 255);
  EXPECT_EQ(RoundToUint8(-1e30f, 10), 0);
  EXPECT_EQ(RoundToUint8(std::numeric_limits<float>::infinity(), 10), 255);
  EXPECT_EQ(RoundToUint8(std::numeric_limits<float>::quiet_NaN(), 10), 0);
}

TEST(QuantizeTest, RoundTripsEveryCode) {
  const TensorQuantization q = Make(0.0371f, 77);
  for (int code = 0; code < 256; ++code) {
    EXPECT_EQ(Quantize(Dequantize(code, q), q), code);
  }
  EXPECT_FLOAT_EQ(Dequantize(80, q), 3 * 0.0371f);
}

TEST(RequantizeAccumulatorTest, AppliesTheActivationBeforeTheOnlyRounding) {
  // -30 * 0.25 = -7.5; leaky: -0.75 -> -1; relu: 0; linear: tie to even, -8.
  EXPECT_EQ(RequantizeAccumulator(-30, 0.25f, LEAKY, 20), 19);
  EXPECT_EQ(RequantizeAccumulator(-30, 0.25f, RELU, 20), 20);
  EXPECT_EQ(RequantizeAccumulator(-30, 0.25f, LINEAR, 20), 12);
  EXPECT_EQ(RequantizeAccumulator(30, 0.25f, LEAKY, 20), 28);
}

TEST(RequantizationMultiplierTest, IsRoundedOnce) {
  EXPECT_EQ(RequantizationMultiplier(0.1f, 0.003f, 0.7f),
            static_cast<float>(0.1f * 1.0 * 0.003f / 0.7f));
}

TEST(RequantizeTest, IsTheIdentityForEqualQuantization) {
  const TensorQuantization q = Make(0.013f, 200);
  for (int code = 0; code < 256; ++code)
    EXPECT_EQ(Requantize(code, q, q), code);
}

TEST(RequantizeTest, MovesToAnotherScale) {
  // (50 - 10) * (0.5 / 2) + 3 = 13; (52 - 10) / 4 = 10.5 -> 10; (54 - 10) / 4
  // = 11.
  const TensorQuantization from = Make(0.5f, 10);
  const TensorQuantization to = Make(2.0f, 3);
  EXPECT_EQ(Requantize(50, from, to), 13);
  EXPECT_EQ(Requantize(52, from, to), 13);
  EXPECT_EQ(Requantize(54, from, to), 14);
  EXPECT_EQ(RequantizeTable(from, to)[54], 14);
}

TEST(AddQuantizedTest, ActivatesTheSum) {
  const TensorQuantization a = Make(0.5f, 10);
  const TensorQuantization b = Make(0.25f, 100);
  const TensorQuantization to = Make(1.0f, 50);
  // 0.5 * 20 + 0.25 * -80 = -10.
  EXPECT_EQ(AddQuantized(30, a, 20, b, LINEAR, to), 40);
  EXPECT_EQ(AddQuantized(30, a, 20, b, RELU, to), 50);
  EXPECT_EQ(AddQuantized(30, a, 20, b, LEAKY, to), 49);
}

TEST(LeakyTableTest, KeepsPositivesAndShrinksNegatives) {
  const TensorQuantization from = Make(0.5f, 100);
  const TensorQuantization to = Make(0.25f, 40);
  const std::array<uint8_t, 256> table = LeakyTable(from, to);
  EXPECT_EQ(table[100], 40);
  EXPECT_EQ(table[110], 60);   // 5 / 0.25
  EXPECT_EQ(table[20], 24);    // -40 * 0.1 / 0.25 = -16
  EXPECT_EQ(table[255], 255);  // 77.5 / 0.25 saturates
}

}  // namespace
}  // namespace yoloq
