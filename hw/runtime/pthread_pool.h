// Threads of pthreadpool, for libraries that want the pool itself.
#ifndef YOLOQ_HW_RUNTIME_PTHREAD_POOL_H_
#define YOLOQ_HW_RUNTIME_PTHREAD_POOL_H_

#include <pthreadpool.h>

#include "hw/runtime/thread_pool.h"

namespace yoloq {

class PThreadPool : public ThreadPool {
 public:
  // `threads` >= 1; with one there is no pool, and get() is null.
  explicit PThreadPool(int threads);
  ~PThreadPool() override;
  PThreadPool(const PThreadPool&) = delete;
  PThreadPool& operator=(const PThreadPool&) = delete;

  int threads() const override;
  void Loop(int64_t count, absl::FunctionRef<void(int64_t)> round) override;

  pthreadpool_t get() const { return pool_; }

 private:
  const pthreadpool_t pool_;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_PTHREAD_POOL_H_
