#include "reports/verdict.h"

#include <limits>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

Judged Size(double ours) {
  Judged judged;
  judged.published = 241.09;
  judged.decimals = 2;
  judged.tolerance = 7.2327;
  judged.ours = ours;
  return judged;
}

TEST(VerdictTest, MatchIsEqualityAtThePrintedPrecision) {
  EXPECT_EQ(Judge(Size(241.0949)).verdict, Verdict::kMatch);
  EXPECT_EQ(Judge(Size(241.0851)).verdict, Verdict::kMatch);
  EXPECT_EQ(Judge(Size(241.096)).verdict, Verdict::kWithin);
}

TEST(VerdictTest, ToleranceSeparatesWithinFromDeviates) {
  EXPECT_EQ(Judge(Size(248.32)).verdict, Verdict::kWithin);
  EXPECT_EQ(Judge(Size(248.33)).verdict, Verdict::kDeviates);
  EXPECT_EQ(Judge(Size(233.86)).verdict, Verdict::kWithin);
  EXPECT_EQ(Judge(Size(233.85)).verdict, Verdict::kDeviates);
}

TEST(VerdictTest, ReasonGivesTheDifference) {
  EXPECT_EQ(Judge(Size(246.50)).reason, "+5.41 (+2.2 %), tolerance 7.23");
  EXPECT_EQ(Judge(Size(200)).reason, "-41.09 (-17.0 %), tolerance 7.23");
  EXPECT_EQ(Judge(Size(241.0)).reason, "-0.09 (-0.04 %), tolerance 7.23");
  EXPECT_EQ(Judge(Size(241.09)).reason, "");
}

TEST(VerdictTest, NothingIsComparedWithNaN) {
  EXPECT_EQ(Judge(Size(std::numeric_limits<double>::quiet_NaN())).verdict,
            Verdict::kDeviates);
}

TEST(VerdictTest, ZeroHasNoRelativeDifference) {
  Judged judged;
  judged.published = 0;
  judged.tolerance = 1;
  judged.ours = 0.7;
  EXPECT_EQ(Judge(judged).verdict, Verdict::kWithin);
  EXPECT_EQ(Judge(judged).reason, "+0.7, tolerance 1.0");
}

TEST(VerdictTest, WhatCannotBeComparedIsNot) {
  Judged judged = Size(241.09);
  judged.not_comparable = "measured on the host";
  EXPECT_EQ(Judge(judged).verdict, Verdict::kNotComparable);
  EXPECT_EQ(Judge(judged).reason, "measured on the host");
  judged.inconsistent = "47.88 against 48.4";
  EXPECT_EQ(Judge(judged).verdict, Verdict::kInconsistent);
  EXPECT_EQ(Judge(judged).reason,
            "the paper contradicts itself: 47.88 against 48.4");
  judged.ours.reset();
  judged.not_run = "no data";
  EXPECT_EQ(Judge(judged).verdict, Verdict::kNotRun);
  EXPECT_EQ(Judge(judged).reason, "no data");
  judged.published.reset();
  EXPECT_EQ(Judge(judged).verdict, Verdict::kUnpublished);
}

TEST(VerdictTest, NamesAreThoseOfTheReports) {
  EXPECT_EQ(VerdictName(Verdict::kMatch), "MATCH");
  EXPECT_EQ(VerdictName(Verdict::kWithin), "WITHIN");
  EXPECT_EQ(VerdictName(Verdict::kDeviates), "DEVIATES");
  EXPECT_EQ(VerdictName(Verdict::kNotRun), "NOT RUN");
  EXPECT_EQ(VerdictName(Verdict::kInconsistent), "INCONSISTENT");
  EXPECT_EQ(VerdictName(Verdict::kNotComparable), "NOT COMPARABLE");
  EXPECT_EQ(VerdictName(Verdict::kUnpublished), "UNPUBLISHED");
}

}  // namespace
}  // namespace yoloq
