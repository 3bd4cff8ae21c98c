#include "hw/latency.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

std::vector<int64_t> Milliseconds(const std::vector<int>& ms) {
  std::vector<int64_t> ns;
  for (const int value : ms) ns.push_back(int64_t{value} * 1000000);
  return ns;
}

TEST(LatencyTest, SummaryOfTenKnownSamples) {
  const LatencySummary summary =
      SummarizeLatency(Milliseconds({10, 20, 30, 40, 50, 60, 70, 80, 90, 100}));
  EXPECT_DOUBLE_EQ(summary.median_ms, 55);
  EXPECT_DOUBLE_EQ(summary.p90_ms, 91);
  EXPECT_DOUBLE_EQ(summary.min_ms, 10);
  // Standard deviation 30.2765, mean 55.
  EXPECT_NEAR(summary.coefficient_of_variation, 0.550482, 1e-6);
  // n = 10: the second smallest and the second largest cover with 97.9 %.
  EXPECT_DOUBLE_EQ(summary.median_low_ms, 20);
  EXPECT_DOUBLE_EQ(summary.median_high_ms, 90);
}

TEST(LatencyTest, IntervalRankOfAHundredSamples) {
  std::vector<int> samples(100);
  for (int i = 0; i < 100; ++i) samples[i] = i + 1;
  const LatencySummary summary = SummarizeLatency(Milliseconds(samples));
  // The tabulated ranks for n = 100 are 40 and 61.
  EXPECT_DOUBLE_EQ(summary.median_low_ms, 40);
  EXPECT_DOUBLE_EQ(summary.median_high_ms, 61);
}

TEST(LatencyTest, OneSample) {
  const LatencySummary summary = SummarizeLatency(Milliseconds({7}));
  EXPECT_DOUBLE_EQ(summary.median_ms, 7);
  EXPECT_DOUBLE_EQ(summary.median_low_ms, 7);
  EXPECT_DOUBLE_EQ(summary.coefficient_of_variation, 0);
}

TEST(LatencyTest, AWideIntervalDoesNotCount) {
  EXPECT_EQ(WideIntervalReason(10, 9, 12, 0.25),
            "the 95 % interval of the median is 30 % of it, above 25 %");
  EXPECT_EQ(WideIntervalReason(10, 9, 12, 0.35), "");
  EXPECT_EQ(WideIntervalReason(10, 9, 12, 0), "");
  EXPECT_EQ(WideIntervalReason(0, 0, 0, 0.25), "");
}

TEST(LatencyTest, RunsWarmUpAndAtLeastTheMinimum) {
  int calls = 0;
  LatencyRules rules;
  rules.warmup_runs = 2;
  rules.min_runs = 5;
  rules.min_seconds = 0;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto samples,
                             SampleLatency(rules, "test", [&] {
                               ++calls;
                               return absl::OkStatus();
                             }));
  EXPECT_EQ(samples.size(), 5u);
  EXPECT_EQ(calls, 7);
}

TEST(LatencyTest, StopsAtTheFirstError) {
  const auto samples = SampleLatency(
      {}, "test", [] { return absl::FailedPreconditionError("too hot"); });
  EXPECT_THAT(samples.status(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         ::testing::HasSubstr("too hot")));
}

}  // namespace
}  // namespace yoloq
