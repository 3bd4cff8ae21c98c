#include "hw/native/workers.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "tools/base/testing.h"

namespace yoloq {
namespace native {
namespace {

TEST(WorkersTest, RoundsThatRunAtOnceHavePlacesOfTheirOwn) {
  const auto pool = *NewThreadPool(3);
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

TEST(PartsTest, CoverEverythingNearlyEqually) {
  for (int64_t count = 0; count < 40; ++count) {
    for (int64_t size = 1; size < 9; ++size) {
      const Parts parts(count, size);
      EXPECT_EQ(parts.size(), size);
      EXPECT_EQ(parts.begin(0), 0);
      EXPECT_EQ(parts.begin(size), count);
      EXPECT_EQ(parts.most(), CeilDivide(count, size));
      for (int64_t i = 0; i < size; ++i) {
        EXPECT_GE(parts.end(i) - parts.begin(i), count / size);
        EXPECT_LE(parts.end(i) - parts.begin(i), parts.most());
      }
    }
  }
}

TEST(PartsTest, BeginAtMultiplesOfTheStep) {
  for (const int64_t step : {1, 3, 32}) {
    for (int64_t count = 1; count <= 200; count += 3) {
      for (int64_t size = 1; size <= CeilDivide(count, step); ++size) {
        const Parts parts(count, size, step);
        EXPECT_EQ(parts.begin(0), 0);
        for (int64_t i = 0; i < size; ++i) {
          EXPECT_EQ(parts.begin(i) % step, 0);
          EXPECT_LT(parts.begin(i), parts.end(i));
          EXPECT_LE(parts.end(i) - parts.begin(i), parts.most());
        }
        EXPECT_EQ(parts.begin(size), count);
        // Not more than a step above an even share.
        EXPECT_LT(parts.most(), count / size + 2 * step);
      }
    }
  }
  // YOLOv3-416's 13 x 13 pixels in two parts of whole pairs of tiles.
  EXPECT_EQ(Parts(169, 2, 32).begin(1), 96);
}

}  // namespace
}  // namespace native
}  // namespace yoloq
