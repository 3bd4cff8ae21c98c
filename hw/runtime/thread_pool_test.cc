#include "hw/runtime/thread_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace yoloq {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, EachRoundRunsOnce) {
  const auto pool = NewThreadPool(GetParam());
  EXPECT_EQ(pool->threads(), GetParam());
  for (const int64_t count : {0, 1, 2, 3, 1000}) {
    std::vector<std::atomic<int>> runs(count);
    pool->Loop(count, [&](int64_t i) { ++runs[i]; });
    for (const auto& run : runs) EXPECT_EQ(run, 1);
  }
}

TEST_P(ThreadPoolTest, RangesCoverEachElementOnce) {
  const auto pool = NewThreadPool(GetParam());
  for (const int64_t count : {0, 1, 7, 8, 100}) {
    std::vector<std::atomic<int>> runs(count);
    LoopOverRanges(*pool, count, 8, [&](int64_t begin, int64_t end) {
      EXPECT_LT(begin, end);
      EXPECT_LE(end - begin, 8);
      for (int64_t i = begin; i < end; ++i) ++runs[i];
    });
    for (const auto& run : runs) EXPECT_EQ(run, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 4));

TEST(ThreadPoolTest, RoundsRunAtTheSameTime) {
  const auto pool = NewThreadPool(2);
  std::atomic<int> arrived = 0;
  // Neither round ends before both have begun.
  pool->Loop(2, [&](int64_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

}  // namespace
}  // namespace yoloq
