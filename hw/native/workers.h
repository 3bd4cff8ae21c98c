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

inline int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t RoundUp(int64_t a, int64_t b) { return CeilDivide(a, b) * b; }

// [0, count) in `parts` nearly equal parts that begin at multiples of `step`.
// None is empty when there are no more parts than such multiples.
class Parts {
 public:
  Parts(int64_t count, int64_t parts, int64_t step = 1)
      : count_(count),
        parts_(parts),
        step_(step),
        steps_(CeilDivide(count, step) / parts),
        longer_(CeilDivide(count, step) % parts) {}

  int64_t size() const { return parts_; }
  int64_t begin(int64_t i) const {
    return std::min(count_, (i * steps_ + std::min(i, longer_)) * step_);
  }
  int64_t end(int64_t i) const { return begin(i + 1); }

  // The most that one of them has.
  int64_t most() const { return end(0); }

 private:
  int64_t count_;
  int64_t parts_;
  int64_t step_;
  int64_t steps_;   // that each part has
  int64_t longer_;  // so many parts, the first ones, have one more
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WORKERS_H_
