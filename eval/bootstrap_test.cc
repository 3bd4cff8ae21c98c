#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "eval/random.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

// One object an image; the share `found` of them is found, nothing is false.
Matches Found(int images, int found) {
  Matches matches;
  matches.images = images;
  matches.classes.resize(1);
  matches.classes[0].objects.assign(images, 1);
  for (int i = 0; i < found; ++i) {
    matches.classes[0].ranking.push_back({static_cast<uint32_t>(i), true});
  }
  return matches;
}

// Several classes with random outcomes.
Matches RandomMatches(int images, int classes, int detections, uint64_t seed) {
  Random random(seed);
  Matches matches;
  matches.images = images;
  matches.classes.resize(classes);
  for (ClassMatches& c : matches.classes) {
    c.objects.assign(images, 0);
    for (int i = 0; i < detections; ++i) {
      const uint32_t image = random.Below(images);
      const bool correct = random.Below(4) == 0;
      c.ranking.push_back({image, correct});
      c.objects[image] += correct;
    }
  }
  return matches;
}

// Without false detections the area is the share found: a binomial proportion,
// whose 95 % interval is 0.6 +- 1.96 * sqrt(0.6 * 0.4 / 400).
TEST(BootstrapMapTest, AgreesWithTheBinomialInterval) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const MapIntervals intervals,
      BootstrapMap(Found(400, 240), {/*resamples=*/4000, /*seed=*/1}));
  const double half = 1.96 * std::sqrt(0.6 * 0.4 / 400);
  EXPECT_NEAR(intervals.area.low, 0.6 - half, 0.006);
  EXPECT_NEAR(intervals.area.high, 0.6 + half, 0.006);
}

TEST(BootstrapMapTest, IsTheSameOnAnyNumberOfThreads) {
  const Matches matches = RandomMatches(50, 5, 100, 3);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const MapIntervals one,
                             BootstrapMap(matches, {200, 7, 1}));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const MapIntervals four,
                             BootstrapMap(matches, {200, 7, 4}));
  EXPECT_EQ(one.area.low, four.area.low);
  EXPECT_EQ(one.eleven_point.high, four.eleven_point.high);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const MapIntervals other,
                             BootstrapMap(matches, {200, 8, 1}));
  EXPECT_NE(one.area.low, other.area.low);
}

// The numbers a reader on another platform must get as well.
TEST(BootstrapMapTest, OneResampleIsTheMapOfThatResample) {
  const Matches matches = RandomMatches(20, 3, 30, 5);
  std::vector<uint16_t> multiplicity(20, 0);
  Random random(9, 0);
  for (int i = 0; i < 20; ++i) ++multiplicity[random.Below(20)];
  const double expected =
      ComputeMeanAveragePrecision(matches, multiplicity).area;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const MapIntervals intervals,
                             BootstrapMap(matches, {1, 9, 1}));
  EXPECT_EQ(intervals.area.low, expected);
  EXPECT_EQ(intervals.area.high, expected);
}

TEST(BootstrapMapTest, CoversTheEstimate) {
  const Matches matches = RandomMatches(100, 5, 200, 4);
  const MeanAveragePrecision map = ComputeMeanAveragePrecision(matches);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const MapIntervals intervals,
                             BootstrapMap(matches, {1000, 1, 2}));
  EXPECT_LT(intervals.area.low, map.area);
  EXPECT_GT(intervals.area.high, map.area);
  EXPECT_LT(intervals.eleven_point.low, map.eleven_point);
  EXPECT_GT(intervals.eleven_point.high, map.eleven_point);
}

TEST(BootstrapMapDifferenceTest, EqualRunsDifferByNothing) {
  const Matches matches = RandomMatches(50, 5, 100, 3);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const MapIntervals intervals,
      BootstrapMapDifference(matches, matches, {200, 1, 2}));
  EXPECT_EQ(intervals.area.low, 0);
  EXPECT_EQ(intervals.area.high, 0);
}

// Pairing: a run that finds five more of 400 has a difference far better known
// than either mAP: about 5 / 400 +- 1.96 * sqrt(5) / 400.
TEST(BootstrapMapDifferenceTest, IsPaired) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const MapIntervals intervals,
      BootstrapMapDifference(Found(400, 205), Found(400, 200), {4000, 1, 2}));
  EXPECT_NEAR(intervals.area.low, (5 - 1.96 * std::sqrt(5.0)) / 400, 0.0026);
  EXPECT_NEAR(intervals.area.high, (5 + 1.96 * std::sqrt(5.0)) / 400, 0.0026);
}

TEST(BootstrapTest, RefusesBadInput) {
  EXPECT_THAT(BootstrapMap(Found(5, 1), {0, 1, 1}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("bootstrap_resamples: 0")));
  EXPECT_THAT(BootstrapMap(Matches(), {10, 1, 1}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("0 images without objects")));
  EXPECT_THAT(BootstrapMapDifference(Found(5, 1), Found(6, 1), {10, 1, 1}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("same images and objects")));
}

}  // namespace
}  // namespace yoloq
