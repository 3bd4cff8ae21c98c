#include "hw/runtime/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace yoloq {
namespace {

constexpr int64_t kAlignment = 64;

int64_t AlignUp(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

bool LiveTogether(const BufferLife& a, const BufferLife& b) {
  return a.first_use <= b.last_use && b.first_use <= a.last_use;
}

}  // namespace

MemoryPlan PlanMemory(absl::Span<const BufferLife> buffers) {
  std::vector<int> by_size(buffers.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  std::stable_sort(by_size.begin(), by_size.end(), [&](int a, int b) {
    return buffers[a].size_bytes > buffers[b].size_bytes;
  });

  MemoryPlan plan;
  plan.offsets_bytes.resize(buffers.size());
  std::vector<int> placed;  // by offset
  for (const int buffer : by_size) {
    int64_t offset = 0;
    for (const int other : placed) {
      if (!LiveTogether(buffers[buffer], buffers[other])) continue;
      const int64_t begin = plan.offsets_bytes[other];
      if (offset + buffers[buffer].size_bytes <= begin) break;
      offset = std::max(offset, AlignUp(begin + buffers[other].size_bytes));
    }
    plan.offsets_bytes[buffer] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes,
                                AlignUp(offset + buffers[buffer].size_bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer,
                                   [&](int a, int b) {
                                     return plan.offsets_bytes[a] <
                                            plan.offsets_bytes[b];
                                   }),
                  buffer);
  }
  return plan;
}

}  // namespace yoloq
