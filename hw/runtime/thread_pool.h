// The threads of an engine: a loop whose rounds are spread over them.
#ifndef YOLOQ_HW_RUNTIME_THREAD_POOL_H_
#define YOLOQ_HW_RUNTIME_THREAD_POOL_H_

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace yoloq {

class ThreadPool {
 public:
  virtual ~ThreadPool() = default;

  // Threads that work on a loop, the caller's included; >= 1.
  virtual int threads() const = 0;

  // Calls round(i) once for each i in [0, count), count < 2^31, in any order,
  // on all threads, and returns when all are done. Rounds are taken one by one
  // by whichever thread is free: make each worth some microseconds. One loop at
  // a time: not from a round, nor from two threads. Rounds must not throw.
  virtual void Loop(int64_t count, absl::FunctionRef<void(int64_t)> round) = 0;
};

// Threads made once and kept; `threads` >= 1. Each begins with its own part of
// the rounds, the same in each loop of as many, if others have not taken it by
// then, and helps the others afterwards. A loop does not wait for a thread that
// has not begun with it, unlike pthreadpool's, which spins until each has.
// ResourceExhausted when the system grants fewer threads.
absl::StatusOr<std::unique_ptr<ThreadPool>> NewThreadPool(int threads);

// Splits [0, count) into ranges of about `grain` (>= 1) and loops over them:
// for element-wise work.
void LoopOverRanges(ThreadPool& pool, int64_t count, int64_t grain,
                    absl::FunctionRef<void(int64_t begin, int64_t end)> range);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_THREAD_POOL_H_
