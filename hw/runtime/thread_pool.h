// The threads of an engine: a loop whose rounds are spread over them.
#ifndef YOLOQ_HW_RUNTIME_THREAD_POOL_H_
#define YOLOQ_HW_RUNTIME_THREAD_POOL_H_

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"

namespace yoloq {

class ThreadPool {
 public:
  virtual ~ThreadPool() = default;

  // Threads that work on a loop, the caller's included; >= 1.
  virtual int threads() const = 0;

  // Calls round(i) once for each i in [0, count), count < 2^31, in any order,
  // on all threads, and returns when all are done. Rounds are taken one by one
  // by whichever thread is free: make each worth some microseconds. Not
  // reentrant.
  virtual void Loop(int64_t count, absl::FunctionRef<void(int64_t)> round) = 0;
};

// Threads made once and kept; `threads` >= 1. Each begins with its own part of
// the rounds, the same in each loop of as many, and then helps the others. A
// thread that the system does not run delays a loop only while it has a round:
// pthreadpool waits for it in any case, and spins meanwhile.
std::unique_ptr<ThreadPool> NewThreadPool(int threads);

// Splits [0, count) into ranges of about `grain` (>= 1) and loops over them:
// for element-wise work.
void LoopOverRanges(ThreadPool& pool, int64_t count, int64_t grain,
                    absl::FunctionRef<void(int64_t begin, int64_t end)> range);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_THREAD_POOL_H_
