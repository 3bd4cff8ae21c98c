#include "hw/native/workers.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "tools/base/testing.h"

namespace yoloq {
namespace native {
namespace {

TEST(WorkersTest, RoundsThatRunAtOnceHavePlacesOfTheirOwn) {
  const auto pool = NewThreadPool(3);
  Workers workers(*pool);
  EXPECT_EQ(workers.places(), 3);
  std::vector<std::atomic<int>> inside(3);
  std::vector<std::atomic<int>> done(500);
  std::atomic<bool> shared{false};
  workers.Loop(500, [&](int64_t i, int place) {
    if (inside[place].fetch_add(1) != 0) shared = true;
    ++done[i];
    inside[place].fetch_sub(1);
  });
  EXPECT_FALSE(shared);
  for (const std::atomic<int>& count : done) EXPECT_EQ(count, 1);
}

TEST(WorkersTest, PartsCoverEverythingNearlyEqually) {
  for (int64_t count = 0; count < 40; ++count) {
    for (int64_t parts = 1; parts < 9; ++parts) {
      EXPECT_EQ(PartBegin(count, parts, 0), 0);
      EXPECT_EQ(PartBegin(count, parts, parts), count);
      for (int64_t i = 0; i < parts; ++i) {
        const int64_t size =
            PartBegin(count, parts, i + 1) - PartBegin(count, parts, i);
        EXPECT_GE(size, count / parts);
        EXPECT_LE(size, CeilDivide(count, parts));
      }
    }
  }
}

TEST(WorkersTest, PartsBeginAtMultiplesOfTheStep) {
  for (const int64_t step : {1, 3, 32}) {
    for (int64_t count = 1; count <= 200; count += 3) {
      for (int64_t parts = 1; parts <= CeilDivide(count, step); ++parts) {
        int64_t most = 0;
        EXPECT_EQ(PartBegin(count, step, parts, 0), 0);
        for (int64_t i = 0; i < parts; ++i) {
          const int64_t begin = PartBegin(count, step, parts, i);
          const int64_t end = PartBegin(count, step, parts, i + 1);
          EXPECT_EQ(begin % step, 0);
          EXPECT_LT(begin, end);
          most = std::max(most, end - begin);
        }
        EXPECT_EQ(PartBegin(count, step, parts, parts), count);
        EXPECT_LE(most, MostInPart(count, step, parts));
        // Not more than a step above an even share.
        EXPECT_LT(MostInPart(count, step, parts), count / parts + 2 * step);
      }
    }
  }
  // YOLOv3-416's 13 x 13 pixels in two parts of whole pairs of tiles.
  EXPECT_EQ(PartBegin(169, 32, 2, 1), 96);
}

}  // namespace
}  // namespace native
}  // namespace yoloq
