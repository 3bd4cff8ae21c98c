#include "hw/runtime/thread_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <numeric>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace yoloq {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, EachRoundRunsOnce) {
  const auto pool = *NewThreadPool(GetParam());
  EXPECT_EQ(pool->threads(), GetParam());
  for (const int64_t count : {0, 1, 2, 3, 1000}) {
    std::vector<std::atomic<int>> runs(count);
    pool->Loop(count, [&](int64_t i) { ++runs[i]; });
    for (const auto& run : runs) EXPECT_EQ(run, 1);
  }
}

TEST_P(ThreadPoolTest, RangesCoverEachElementOnce) {
  const auto pool = *NewThreadPool(GetParam());
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

// Loops that follow at once, and after the threads fell asleep.
TEST_P(ThreadPoolTest, ManyLoops) {
  const auto pool = *NewThreadPool(GetParam());
  int64_t sum = 0;
  std::vector<int64_t> sums(64);
  for (int loop = 0; loop < 20000; ++loop) {
    if (loop % 4000 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const int64_t count = loop % 64 + 1;
    pool->Loop(count, [&](int64_t i) { sums[i] += loop; });
    sum += count * loop;
  }
  EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), int64_t{0}), sum);
}

// More threads than processors: none of them may be waited for that sleeps.
TEST_P(ThreadPoolTest, BesideOtherLoops) {
  std::vector<std::thread> others;
  for (int other = 0; other < 3; ++other) {
    others.emplace_back([] {
      const auto pool = *NewThreadPool(GetParam());
      std::vector<int> runs(9);
      for (int loop = 0; loop < 1000; ++loop) {
        pool->Loop(9, [&](int64_t i) { ++runs[i]; });
      }
      for (const int run : runs) EXPECT_EQ(run, 1000);
    });
  }
  for (std::thread& other : others) other.join();
}

// As many rounds as threads, of which none ends before all have begun, so that
// each thread has one: after the threads fell asleep, and at once.
TEST_P(ThreadPoolTest, RoundsRunAtTheSameTime) {
  const int threads = GetParam();
  const auto pool = *NewThreadPool(threads);
  for (int loop = 0; loop < 8; ++loop) {
    if (loop % 2 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
    std::atomic<int> arrived = 0;
    pool->Loop(threads, [&](int64_t) {
      ++arrived;
      while (arrived < threads) std::this_thread::yield();
    });
    EXPECT_EQ(arrived, threads);
  }
}

// The caller is done long before another thread, and sleeps.
TEST_P(ThreadPoolTest, WaitsForLongRounds) {
  const int threads = GetParam();
  const auto pool = *NewThreadPool(threads);
  const auto caller = std::this_thread::get_id();
  for (int loop = 0; loop < 5; ++loop) {
    std::atomic<int> arrived = 0;
    std::atomic<int> done = 0;
    pool->Loop(threads, [&](int64_t) {
      ++arrived;
      while (arrived < threads) std::this_thread::yield();
      if (std::this_thread::get_id() != caller) {
        std::this_thread::sleep_for(std::chrono::milliseconds(3));
      }
      ++done;
    });
    EXPECT_EQ(done, threads);
  }
}

TEST_P(ThreadPoolTest, EndsWhileItsThreadsSleep) {
  const auto pool = *NewThreadPool(GetParam());
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
}

// Bytes of address space that this process has taken.
int64_t AddressSpace() {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

// Stacks are refused, as a limit on the number of threads does not bind root.
TEST(NewThreadPoolTest, SaysThatTheSystemGrantsFewerThreads) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &limit), 0);
  const rlim_t old = limit.rlim_cur;
  limit.rlim_cur = AddressSpace() + (int64_t{20} << 20);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  const auto pool = NewThreadPool(200);
  limit.rlim_cur = old;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(pool.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(pool.status().message(), testing::HasSubstr("of 200 threads"));
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 4));

}  // namespace
}  // namespace yoloq
