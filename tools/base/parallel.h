// A fixed pool of threads that runs one loop at a time.
#ifndef YOLOQ_TOOLS_BASE_PARALLEL_H_
#define YOLOQ_TOOLS_BASE_PARALLEL_H_

#include <cstdint>
#include <functional>
#include <memory>

namespace yoloq {

// Processors of this machine, at least 1.
int CoreCount();

// Not an engine's threads (hw/runtime/thread_pool.h).
class WorkerPool {
 public:
  // threads >= 1, the caller's own included: a pool of one starts none.
  explicit WorkerPool(int threads);
  ~WorkerPool();

  int threads() const;

  // Calls body(i) once for each i in [0, count), in any order, on the pool's
  // threads and the caller's; returns when all have. Not reentrant.
  void ParallelFor(int64_t count, const std::function<void(int64_t)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_PARALLEL_H_
