#include "model/nms.h"

#include <algorithm>
#include <random>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What identifies a detection in these tests.
std::vector<float> Lefts(const std::vector<Detection>& detections) {
  std::vector<float> lefts;
  for (const Detection& detection : detections) {
    lefts.push_back(detection.box.left);
  }
  return lefts;
}

Detection At(float left, float width, int class_index, float score) {
  return {{left, 0, left + width, 10}, class_index, score};
}

TEST(IntersectionOverUnionTest, ByHand) {
  const Box unit{0, 0, 10, 10};
  EXPECT_FLOAT_EQ(IntersectionOverUnion(unit, unit), 1);
  // 5 * 10 over 100 + 100 - 50.
  EXPECT_FLOAT_EQ(IntersectionOverUnion(unit, {5, 0, 15, 10}), 1.0f / 3);
  // 4 * 4 over 100 + 16 - 16.
  EXPECT_FLOAT_EQ(IntersectionOverUnion({2, 3, 6, 7}, unit), 0.16f);
  EXPECT_EQ(IntersectionOverUnion(unit, {10, 0, 20, 10}), 0) << "they touch";
  EXPECT_EQ(IntersectionOverUnion(unit, {20, 20, 30, 30}), 0);
  EXPECT_EQ(IntersectionOverUnion({1, 1, 1, 1}, {1, 1, 1, 1}), 0) << "empty";
}

// Boxes of width 10 at 0, 3 and 6: IoU of neighbours 7/13 = 0.54, of the outer
// two 4/16 = 0.25. The middle one, second best, is suppressed by the best, and
// so cannot suppress the third.
TEST(SuppressNonMaximaTest, IsGreedy) {
  const std::vector<Detection> kept = SuppressNonMaxima(
      {At(6, 10, 0, 0.7f), At(3, 10, 0, 0.8f), At(0, 10, 0, 0.9f)}, 0.45f, 0);
  EXPECT_THAT(Lefts(kept), ElementsAre(0, 6));
}

TEST(SuppressNonMaximaTest, KeepsAnOverlapAtTheThreshold) {
  // IoU exactly 0.5: 10 x 10 inside 20 x 10.
  const std::vector<Detection> detections = {At(0, 20, 0, 0.9f),
                                             At(1, 10, 0, 0.8f)};
  EXPECT_THAT(Lefts(SuppressNonMaxima(detections, 0.5f, 0)), ElementsAre(0, 1));
  EXPECT_THAT(Lefts(SuppressNonMaxima(detections, 0.49f, 0)), ElementsAre(0));
}

TEST(SuppressNonMaximaTest, ClassesDoNotSuppressEachOther) {
  const std::vector<Detection> kept = SuppressNonMaxima(
      {At(1, 10, 1, 0.9f), At(2, 10, 0, 0.5f), At(3, 10, 1, 0.8f)}, 0.45f, 0);
  EXPECT_THAT(Lefts(kept), ElementsAre(2, 1));
}

TEST(SuppressNonMaximaTest, EqualScoresKeepTheInputOrder) {
  EXPECT_THAT(Lefts(SuppressNonMaxima(
                  {At(2, 10, 0, 0.5f), At(0, 10, 0, 0.5f), At(1, 10, 0, 0.5f)},
                  0.3f, 0)),
              ElementsAre(2));
  EXPECT_THAT(Lefts(SuppressNonMaxima({At(40, 10, 0, 0.5f), At(0, 10, 0, 0.5f),
                                       At(20, 10, 0, 0.5f)},
                                      0.3f, 0)),
              ElementsAre(40, 0, 20));
}

TEST(SuppressNonMaximaTest, KeepsTheBestOfEachClass) {
  const std::vector<Detection> kept = SuppressNonMaxima(
      {At(0, 10, 0, 0.1f), At(20, 10, 0, 0.3f), At(40, 10, 0, 0.2f),
       At(60, 10, 1, 0.1f), At(80, 10, 1, 0.4f)},
      0.45f, 2);
  EXPECT_THAT(Lefts(kept), ElementsAre(20, 40, 80, 60));
}

// The definition, box by box.
std::vector<Detection> SuppressByDefinition(
    const std::vector<Detection>& by_score, float iou_threshold) {
  std::vector<Detection> kept;
  for (const Detection& detection : by_score) {
    const bool overlaps =
        std::any_of(kept.begin(), kept.end(), [&](const Detection& other) {
          return IntersectionOverUnion(detection.box, other.box) >
                 iou_threshold;
        });
    if (!overlaps) kept.push_back(detection);
  }
  return kept;
}

TEST(SuppressNonMaximaTest, IsTheDefinitionOfManyBoxes) {
  std::mt19937 random(1);
  for (const int count : {1, 15, 16, 17, 33, 2000}) {
    std::vector<Detection> detections;
    for (int i = 0; i < count; ++i) {
      const float left = random() % 400;
      const float top = random() % 400;
      const float width = random() % 60;  // also none
      detections.push_back(
          {{left, top, left + width, top + random() % 60}, 0, 1 - i / 2000.0f});
    }
    for (const float threshold : {0.1f, 0.45f, 1.0f}) {
      const auto kept = SuppressNonMaxima(detections, threshold, 0);
      const auto expected = SuppressByDefinition(detections, threshold);
      ASSERT_EQ(Lefts(kept), Lefts(expected)) << count << ", " << threshold;
      if (count == 2000 && threshold < 1) {
        EXPECT_LT(kept.size(), 1900);
      }
    }
  }
}

TEST(SuppressNonMaximaTest, TakesNothing) {
  EXPECT_THAT(SuppressNonMaxima({}, 0.5f, 10), IsEmpty());
}

}  // namespace
}  // namespace yoloq
