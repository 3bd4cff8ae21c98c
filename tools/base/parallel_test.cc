#include "tools/base/parallel.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace yoloq {
namespace {

using ::testing::Each;

TEST(CoreCountTest, IsAtLeastOne) { EXPECT_GE(CoreCount(), 1); }

TEST(WorkerPoolTest, CallsTheBodyOnceForEachIndex) {
  for (const int threads : {1, 2, 5}) {
    WorkerPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int count : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> calls(count);
      pool.ParallelFor(count, [&](int64_t i) { ++calls[i]; });
      for (int i = 0; i < count; ++i) EXPECT_EQ(calls[i], 1) << i;
    }
  }
}

TEST(WorkerPoolTest, APoolOfOneUsesTheCallersThread) {
  WorkerPool pool(1);
  std::vector<std::thread::id> ids(4);
  pool.ParallelFor(4, [&](int64_t i) { ids[i] = std::this_thread::get_id(); });
  EXPECT_THAT(ids, Each(std::this_thread::get_id()));
}

// Two bodies that wait for each other end only when both run at a time.
TEST(WorkerPoolTest, RunsBodiesAtTheSameTime) {
  WorkerPool pool(2);
  std::atomic<int> waiting{0};
  pool.ParallelFor(2, [&](int64_t) {
    ++waiting;
    while (waiting < 2) std::this_thread::yield();
  });
  EXPECT_EQ(waiting, 2);
}

}  // namespace
}  // namespace yoloq
