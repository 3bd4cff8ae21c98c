// Memory of kernels: aligned, and in huge pages where it is large.
#ifndef YOLOQ_HW_RUNTIME_MEMORY_BLOCK_H_
#define YOLOQ_HW_RUNTIME_MEMORY_BLOCK_H_

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace yoloq {

struct MemoryBlock {
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  std::unique_ptr<void, Free> data;  // null: there is no memory
  int64_t bytes = 0;                 // those asked for, rounded up
};

// At least `bytes` (>= 0) of any content, aligned to 64 bytes. Blocks of 2 MiB
// and more are aligned to that, and the kernel is asked for huge pages: with
// small ones, translating addresses takes a few per cent of a network's time.
MemoryBlock NewMemoryBlock(int64_t bytes);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_MEMORY_BLOCK_H_
