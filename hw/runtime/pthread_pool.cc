#include "hw/runtime/pthread_pool.h"

namespace yoloq {
namespace {

using Round = absl::FunctionRef<void(int64_t)>;

}  // namespace

PThreadPool::PThreadPool(int threads)
    : pool_(threads > 1 ? pthreadpool_create(threads) : nullptr) {}

PThreadPool::~PThreadPool() { pthreadpool_destroy(pool_); }

int PThreadPool::threads() const {
  return static_cast<int>(pthreadpool_get_threads_count(pool_));
}

void PThreadPool::Loop(int64_t count, Round round) {
  pthreadpool_parallelize_1d(
      pool_,
      [](void* context, size_t i) {
        (*static_cast<Round*>(context))(static_cast<int64_t>(i));
      },
      &round, static_cast<size_t>(count), /*flags=*/0);
}

}  // namespace yoloq
