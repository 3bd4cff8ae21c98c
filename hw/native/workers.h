// Loops over a thread pool whose rounds need memory of their own.
#ifndef YOLOQ_HW_NATIVE_WORKERS_H_
#define YOLOQ_HW_NATIVE_WORKERS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "hw/runtime/thread_pool.h"

namespace yoloq {
namespace native {

// Numbered places for rounds that run at once, as many as the pool has threads.
// A thread returns to the place that it had, whose memory its caches hold.
class Workers {
 public:
  explicit Workers(ThreadPool& pool) : pool_(pool), taken_(pool.threads()) {}

  ThreadPool& pool() { return pool_; }
  int places() const { return static_cast<int>(taken_.size()); }

  // Calls round(i, place) once for each i in [0, count); no two rounds that
  // run at the same time have the same place.
  void Loop(int64_t count, absl::FunctionRef<void(int64_t, int)> round);

 private:
  int Take();

  ThreadPool& pool_;
  std::vector<std::atomic<bool>> taken_;
};

// The i-th of `parts` nearly equal parts of [0, count).
inline int64_t PartBegin(int64_t count, int64_t parts, int64_t i) {
  return count * i / parts;
}

inline int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t RoundUp(int64_t a, int64_t b) { return CeilDivide(a, b) * b; }

// The same where parts begin at multiples of `step`. None is empty when there
// are no more parts than such multiples in [0, count).
inline int64_t PartBegin(int64_t count, int64_t step, int64_t parts,
                         int64_t i) {
  return std::min(count, PartBegin(CeilDivide(count, step), parts, i) * step);
}

// The most that one of those parts has.
inline int64_t MostInPart(int64_t count, int64_t step, int64_t parts) {
  return std::min(count, CeilDivide(CeilDivide(count, step), parts) * step);
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WORKERS_H_
