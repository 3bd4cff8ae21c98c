#include "hw/runtime/thread_pool.h"

#include <pthreadpool.h>

#include <algorithm>

namespace yoloq {
namespace {

using Round = absl::FunctionRef<void(int64_t)>;

class PThreadPool : public ThreadPool {
 public:
  explicit PThreadPool(int threads)
      : pool_(threads > 1 ? pthreadpool_create(threads) : nullptr) {}
  ~PThreadPool() override { pthreadpool_destroy(pool_); }

  int threads() const override {
    return static_cast<int>(pthreadpool_get_threads_count(pool_));
  }

  void Loop(int64_t count, Round round) override {
    pthreadpool_parallelize_1d(
        pool_,
        [](void* context, size_t i) {
          (*static_cast<Round*>(context))(static_cast<int64_t>(i));
        },
        &round, static_cast<size_t>(count), /*flags=*/0);
  }

 private:
  pthreadpool_t pool_;  // null: the caller's thread alone
};

}  // namespace

std::unique_ptr<ThreadPool> NewThreadPool(int threads) {
  return std::make_unique<PThreadPool>(threads);
}

void LoopOverRanges(ThreadPool& pool, int64_t count, int64_t grain,
                    absl::FunctionRef<void(int64_t, int64_t)> range) {
  pool.Loop((count + grain - 1) / grain, [&](int64_t i) {
    range(i * grain, std::min(count, (i + 1) * grain));
  });
}

}  // namespace yoloq
