#include "hw/runtime/memory_plan.h"

#include <random>

#include "gtest/gtest.h"

namespace yoloq {
namespace {

TEST(MemoryPlanTest, ChainNeedsTwoBuffers) {
  const std::vector<BufferLife> chain = {
      {640, 0, 1}, {640, 1, 2}, {640, 2, 3}, {640, 3, 4}};
  EXPECT_EQ(PlanMemory(chain).arena_bytes, 1280);
}

TEST(MemoryPlanTest, NothingNeedsNothing) {
  EXPECT_EQ(PlanMemory({}).arena_bytes, 0);
}

TEST(MemoryPlanTest, BuffersThatLiveTogetherNeverOverlap) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<BufferLife> buffers(1 + random() % 30);
    for (BufferLife& buffer : buffers) {
      buffer.size_bytes = 1 + random() % 5000;
      buffer.first_use = random() % 20;
      buffer.last_use = buffer.first_use + random() % 6;
    }
    const MemoryPlan plan = PlanMemory(buffers);
    for (size_t i = 0; i < buffers.size(); ++i) {
      const int64_t begin = plan.offsets_bytes[i];
      const int64_t end = begin + buffers[i].size_bytes;
      EXPECT_EQ(begin % 64, 0);
      EXPECT_LE(end, plan.arena_bytes);
      for (size_t j = 0; j < i; ++j) {
        const bool together = buffers[i].first_use <= buffers[j].last_use &&
                              buffers[j].first_use <= buffers[i].last_use;
        const int64_t other = plan.offsets_bytes[j];
        if (together) {
          EXPECT_TRUE(end <= other || other + buffers[j].size_bytes <= begin);
        }
      }
    }
  }
}

}  // namespace
}  // namespace yoloq
