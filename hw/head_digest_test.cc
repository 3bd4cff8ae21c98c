#include "hw/head_digest.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/digest.h"

namespace yoloq {
namespace {

TEST(HeadDigestTest, CoversShapeAndBitsInLittleEndianOrder) {
  HeadOutput head;
  head.node = 3;
  head.height = 1;
  head.width = 2;
  head.channels = 1;
  head.values = {1.0f, -2.0f};
  const std::string bytes(
      "\x03\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0\0\x80\x3f\0\0\0\xc0", 24);
  EXPECT_EQ(HeadsSha256({head}), Sha256Hex(bytes));
}

TEST(HeadDigestTest, TellsZeroFromMinusZero) {
  HeadOutput zero;
  zero.values = {0.0f};
  HeadOutput minus_zero;
  minus_zero.values = {-0.0f};
  EXPECT_NE(HeadsSha256({zero}), HeadsSha256({minus_zero}));
}

}  // namespace
}  // namespace yoloq
