#include "hw/runtime/thread_pool.h"

#include <algorithm>

namespace yoloq {

void LoopOverRanges(ThreadPool& pool, int64_t count, int64_t grain,
                    absl::FunctionRef<void(int64_t, int64_t)> range) {
  pool.Loop((count + grain - 1) / grain, [&](int64_t i) {
    range(i * grain, std::min(count, (i + 1) * grain));
  });
}

}  // namespace yoloq
