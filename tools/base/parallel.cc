#include "tools/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace yoloq {

int CoreCount() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

struct WorkerPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable idle;
  const std::function<void(int64_t)>* body = nullptr;
  int64_t count = 0;
  std::atomic<int64_t> next{0};
  uint64_t generation = 0;
  int busy = 0;
  bool stop = false;
  std::vector<std::thread> workers;

  void TakeAll() {
    for (int64_t i; (i = next.fetch_add(1)) < count;) (*body)(i);
  }

  void Work() {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return stop || generation != seen; });
      if (stop) return;
      seen = generation;
      lock.unlock();
      TakeAll();
      lock.lock();
      if (--busy == 0) idle.notify_one();
    }
  }
};

WorkerPool::WorkerPool(int threads) : state_(std::make_unique<State>()) {
  for (int i = 1; i < threads; ++i) {
    state_->workers.emplace_back([this] { state_->Work(); });
  }
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int WorkerPool::threads() const {
  return static_cast<int>(state_->workers.size()) + 1;
}

void WorkerPool::ParallelFor(int64_t count,
                             const std::function<void(int64_t)>& body) {
  if (state_->workers.empty() || count <= 1) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->body = &body;
  state_->count = count;
  state_->next = 0;
  state_->busy = static_cast<int>(state_->workers.size());
  ++state_->generation;
  lock.unlock();
  state_->wake.notify_all();
  state_->TakeAll();
  lock.lock();
  state_->idle.wait(lock, [&] { return state_->busy == 0; });
}

}  // namespace yoloq
