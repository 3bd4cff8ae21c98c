#include "hw/native/workers.h"

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

}  // namespace
}  // namespace native
}  // namespace yoloq
