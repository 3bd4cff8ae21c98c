#include "hw/runtime/memory_block.h"

#include <cstring>

#include "gtest/gtest.h"

namespace yoloq {
namespace {

uintptr_t AddressOf(const MemoryBlock& block) {
  return reinterpret_cast<uintptr_t>(block.data.get());
}

TEST(MemoryBlockTest, IsAlignedAndWritable) {
  for (const int64_t bytes : {0, 1, 64, 65, 4096, (2 << 20) - 1}) {
    const MemoryBlock block = NewMemoryBlock(bytes);
    ASSERT_NE(block.data, nullptr);
    EXPECT_GE(block.bytes, bytes);
    EXPECT_GT(block.bytes, 0);
    EXPECT_EQ(AddressOf(block) % 64, 0);
    std::memset(block.data.get(), 1, block.bytes);
  }
}

TEST(MemoryBlockTest, LargeOnesAreOfWholeHugePages) {
  constexpr int64_t kHugePage = 2 << 20;
  for (const int64_t bytes : {kHugePage, kHugePage + 1, 5 * kHugePage - 1}) {
    const MemoryBlock block = NewMemoryBlock(bytes);
    ASSERT_NE(block.data, nullptr);
    EXPECT_GE(block.bytes, bytes);
    EXPECT_EQ(block.bytes % kHugePage, 0);
    EXPECT_EQ(AddressOf(block) % kHugePage, 0);
    std::memset(block.data.get(), 1, block.bytes);
  }
}

TEST(MemoryBlockTest, WithoutMemoryThereIsNone) {
  EXPECT_EQ(NewMemoryBlock(int64_t{1} << 60).data, nullptr);
}

}  // namespace
}  // namespace yoloq
