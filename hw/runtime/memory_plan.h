// Where each buffer lies in one arena, so that buffers whose lives do not
// overlap share memory.
#ifndef YOLOQ_HW_RUNTIME_MEMORY_PLAN_H_
#define YOLOQ_HW_RUNTIME_MEMORY_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace yoloq {

// A buffer that is written at step `first_use` and read for the last time at
// step `last_use` (both inclusive, first_use <= last_use).
struct BufferLife {
  int64_t size_bytes = 0;
  int first_use = 0;
  int last_use = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets_bytes;  // of each buffer, multiples of 64
  int64_t arena_bytes = 0;
};

// Greedy by size: the largest buffer first, each at the lowest offset where it
// overlaps no placed buffer that lives at the same time.
// (Pisarchyk and Lee 2020, "Efficient memory management for deep neural net
// inference", greedy by size for offset calculation.)
MemoryPlan PlanMemory(absl::Span<const BufferLife> buffers);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_MEMORY_PLAN_H_
