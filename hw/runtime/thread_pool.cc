#include "hw/runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Round = absl::FunctionRef<void(int64_t)>;

// For so long a thread waits without sleeping: loops of a network follow one
// another within microseconds. Longer would keep a processor from a thread that
// is waited for.
constexpr std::chrono::microseconds kSpinTime(200);

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Whether `done` became true within kSpinTime.
template <typename Done>
bool Spin(Done done) {
  constexpr int kPausesBetweenClocks = 32;
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < kPausesBetweenClocks; ++i) {
      if (done()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

// Rounds [begin, end) that a thread has before it: it takes them from the
// front, others who have none left from the back. The order of memory is that
// of Pool's state: Set comes before its loop opens, and after all have left the
// one before.
class alignas(64) Rounds {
 public:
  void Set(int64_t begin, int64_t end) {
    packed_.store(
        static_cast<uint64_t>(begin) << 32 | static_cast<uint64_t>(end),
        std::memory_order_relaxed);
  }
  bool TakeFirst(int64_t* i) {
    return Take([i](int64_t begin, int64_t /*end*/) { *i = begin; },
                uint64_t{1} << 32);
  }
  bool TakeLast(int64_t* i) {
    return Take([i](int64_t /*begin*/, int64_t end) { *i = end - 1; },
                ~uint64_t{0});
  }

 private:
  template <typename Name>
  bool Take(Name name, uint64_t step) {
    uint64_t packed = packed_.load(std::memory_order_relaxed);
    int64_t begin = 0;
    int64_t end = 0;
    do {
      begin = static_cast<int64_t>(packed >> 32);
      end = static_cast<int64_t>(packed & 0xffffffff);
      if (begin >= end) return false;
    } while (!packed_.compare_exchange_weak(packed, packed + step,
                                            std::memory_order_relaxed));
    name(begin, end);
    return true;
  }

  std::atomic<uint64_t> packed_{0};  // begin in the high half
};

// A loop is open while the caller works on it. Threads join it as they notice
// it, and it does not wait for one that did not: the others take its rounds.
// The caller closes the loop when no round is left to take, and waits until
// those who joined have left.
//
// Who is about to sleep says so and then looks at the state; who changes the
// state then looks whether anyone sleeps. So one of them sees the other, as all
// of these accesses are sequentially consistent. Taking the lock before a
// notification waits until the other is inside its wait.
class Pool : public ThreadPool {
 public:
  explicit Pool(int threads) : rounds_(threads) {}

  ~Pool() override {
    state_.fetch_or(kStop);
    WakeThreads();
    for (std::thread& thread : threads_) thread.join();
  }

  // Before the first loop.
  absl::Status Start() {
    try {
      for (int i = 1; i < threads(); ++i) {
        threads_.emplace_back([this, i] { Work(i); });
      }
    } catch (const std::system_error& error) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "the system grants ", threads_.size() + 1, " of ", threads(),
          " threads (", error.what(),
          "); ask for fewer, or raise the limit that `ulimit -u` shows"));
    }
    return absl::OkStatus();
  }

  int threads() const override { return static_cast<int>(rounds_.size()); }

  void Loop(int64_t count, Round round) override {
    if (threads_.empty() || count <= 1) {
      for (int64_t i = 0; i < count; ++i) round(i);
      return;
    }
    round_ = &round;
    for (int64_t i = 0; i < threads(); ++i) {
      rounds_[i].Set(i * count / threads(), (i + 1) * count / threads());
    }
    state_.store(NextNumber(state_.load()) | kOpen);
    WakeThreads();
    TakeRounds(0);
    state_.fetch_and(~kOpen);
    WaitForJoined();
  }

 private:
  // state_: the number of the last loop, which may wrap, in the high half; how
  // many threads have joined it and not left; kStop and kOpen. The caller alone
  // opens, when nobody has joined.
  static constexpr uint64_t kOpen = 1;
  static constexpr uint64_t kStop = 2;
  static constexpr uint64_t kJoined = 4;
  static uint64_t Number(uint64_t state) { return state >> 32; }
  static uint64_t NextNumber(uint64_t state) {
    return (Number(state) + 1) << 32;
  }
  static bool HasJoined(uint64_t state) {
    return (state & 0xffffffff) >= kJoined;
  }

  void TakeRounds(int self) {
    const Round round = *round_;
    int64_t i = 0;
    while (rounds_[self].TakeFirst(&i)) round(i);
    for (int other = 1; other < threads(); ++other) {
      Rounds& rounds = rounds_[(self + other) % threads()];
      while (rounds.TakeLast(&i)) round(i);
    }
  }

  // A thread's life.
  void Work(int self) {
    uint64_t seen = 0;  // number of the last loop that was joined
    while (true) {
      uint64_t state = WaitForLoop(seen);
      if ((state & kStop) != 0) return;
      if (!state_.compare_exchange_strong(state, state + kJoined)) continue;
      seen = Number(state);
      TakeRounds(self);
      const uint64_t left = state_.fetch_sub(kJoined) - kJoined;
      if ((left & kOpen) == 0 && !HasJoined(left) && caller_sleeps_) {
        { const std::lock_guard<std::mutex> lock(mutex_); }
        all_left_.notify_one();
      }
    }
  }

  // The state with a loop open that is not `seen`, or with kStop.
  uint64_t WaitForLoop(uint64_t seen) {
    uint64_t state = 0;
    const auto is_there = [&] {
      state = state_.load();
      return (state & kStop) != 0 ||
             ((state & kOpen) != 0 && Number(state) != seen);
    };
    while (!Spin(is_there)) {
      // Until there was one at least: where it is closed again, as its rounds
      // were short, another may follow.
      const uint64_t last = Number(state);
      std::unique_lock<std::mutex> lock(mutex_);
      ++sleeping_;
      opened_.wait(lock, [&] {
        state = state_.load();
        return (state & kStop) != 0 || Number(state) != last;
      });
      --sleeping_;
    }
    return state;
  }

  // After a change of state_.
  void WakeThreads() {
    if (sleeping_ == 0) return;
    { const std::lock_guard<std::mutex> lock(mutex_); }
    opened_.notify_all();
  }

  void WaitForJoined() {
    const auto all_left = [this] { return !HasJoined(state_.load()); };
    if (Spin(all_left)) return;
    std::unique_lock<std::mutex> lock(mutex_);
    caller_sleeps_ = true;
    all_left_.wait(lock, all_left);
    caller_sleeps_ = false;
  }

  std::vector<Rounds> rounds_;  // by thread; 0 is the caller
  const Round* round_ = nullptr;
  std::atomic<uint64_t> state_{0};
  std::atomic<int> sleeping_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::mutex mutex_;
  std::condition_variable opened_;
  std::condition_variable all_left_;
  std::vector<std::thread> threads_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ThreadPool>> NewThreadPool(int threads) {
  auto pool = std::make_unique<Pool>(threads);
  YOLOQ_RETURN_IF_ERROR(pool->Start());
  return pool;
}

void LoopOverRanges(ThreadPool& pool, int64_t count, int64_t grain,
                    absl::FunctionRef<void(int64_t, int64_t)> range) {
  pool.Loop((count + grain - 1) / grain, [&](int64_t i) {
    range(i * grain, std::min(count, (i + 1) * grain));
  });
}

}  // namespace yoloq
