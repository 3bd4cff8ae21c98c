#include "hw/runtime/memory_block.h"

#include <sys/mman.h>

#include <algorithm>

namespace yoloq {

MemoryBlock NewMemoryBlock(int64_t bytes) {
  constexpr int64_t kLine = 64;
  constexpr int64_t kHugePage = int64_t{2} << 20;
  const int64_t alignment = bytes >= kHugePage ? kHugePage : kLine;
  MemoryBlock block;
  block.bytes =
      std::max((bytes + alignment - 1) / alignment * alignment, alignment);
  block.data.reset(std::aligned_alloc(alignment, block.bytes));
  if (block.data != nullptr && alignment == kHugePage) {
    madvise(block.data.get(), block.bytes, MADV_HUGEPAGE);
  }
  return block;
}

}  // namespace yoloq
