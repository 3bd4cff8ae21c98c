#include "reports/format_number.h"

#include <limits>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(FormatNumberTest, FixedNeverShowsANegativeZero) {
  EXPECT_EQ(FormatFixed(12.346, 2), "12.35");
  EXPECT_EQ(FormatFixed(-0.001, 2), "0.00");
  EXPECT_EQ(FormatFixed(-0.01, 2), "-0.01");
  EXPECT_EQ(FormatFixed(5, 0), "5");
  EXPECT_EQ(FormatFixed(std::numeric_limits<double>::quiet_NaN(), 2), "-");
}

TEST(FormatNumberTest, SignedAlwaysShowsASign) {
  EXPECT_EQ(FormatSigned(0.1, 2), "+0.10");
  EXPECT_EQ(FormatSigned(-0.1, 2), "-0.10");
  EXPECT_EQ(FormatSigned(-0.001, 2), "+0.00");
  EXPECT_EQ(FormatSigned(std::numeric_limits<double>::infinity(), 2), "-");
}

TEST(FormatNumberTest, DecimalsShowThreeDigits) {
  EXPECT_EQ(DecimalsFor(0.0502, 2), 4);
  EXPECT_EQ(DecimalsFor(0.188, 2), 3);
  EXPECT_EQ(DecimalsFor(12.49, 2), 2);
  EXPECT_EQ(DecimalsFor(1234, 0), 0);
  EXPECT_EQ(DecimalsFor(0, 2), 2);
  EXPECT_EQ(DecimalsFor(1e-30, 2), 9);
}

TEST(FormatNumberTest, IntervalIsScaled) {
  Interval interval;
  interval.set_low(0.5);
  interval.set_high(0.625);
  EXPECT_EQ(FormatInterval(interval, 100, 1), "[50.0, 62.5]");
}

TEST(FormatNumberTest, ThousandsAreGrouped) {
  EXPECT_EQ(FormatThousands(0), "0");
  EXPECT_EQ(FormatThousands(999), "999");
  EXPECT_EQ(FormatThousands(1000), "1,000");
  EXPECT_EQ(FormatThousands(61626049), "61,626,049");
  EXPECT_EQ(FormatThousands(-100), "-100");
  EXPECT_EQ(FormatThousands(-1000), "-1,000");
}

TEST(FormatNumberTest, RoundsAsPrinted) {
  EXPECT_DOUBLE_EQ(RoundTo(47.878, 1), 47.9);
  EXPECT_DOUBLE_EQ(RoundTo(241.09, 2), 241.09);
}

}  // namespace
}  // namespace yoloq
