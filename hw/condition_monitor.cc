#include "hw/condition_monitor.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace yoloq {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kInterval(1);

// Processor time of this process and of the children it has waited for.
double OwnSeconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    struct rusage usage;
    if (getrusage(who, &usage) != 0) continue;
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      sum += static_cast<double>(time.tv_sec) +
             static_cast<double>(time.tv_usec) * 1e-6;
    }
  }
  return sum;
}

}  // namespace

struct ConditionMonitor::State {
  ConditionSources sources;
  Clock::time_point start = Clock::now();
  double busy_s = 0;
  double own_s = 0;
  std::vector<DeviceCondition> during;

  std::mutex mutex;
  std::condition_variable stop_changed;
  bool stop = false;
  std::thread thread;

  void Watch() {
    std::unique_lock<std::mutex> lock(mutex);
    while (!stop_changed.wait_for(lock, kInterval, [this] { return stop; })) {
      during.push_back(ReadCondition(sources, /*with_throttle=*/false));
    }
  }

  void Stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stop = true;
    }
    stop_changed.notify_all();
    if (thread.joinable()) thread.join();
  }
};

ConditionMonitor::ConditionMonitor(const ConditionSources& sources)
    : state_(std::make_unique<State>()) {
  state_->sources = sources;
  state_->busy_s = BusySeconds(sources.root);
  state_->own_s = OwnSeconds();
  state_->thread = std::thread([state = state_.get()] { state->Watch(); });
}

ConditionMonitor::~ConditionMonitor() { state_->Stop(); }

WatchedPeriod ConditionMonitor::Finish() {
  state_->Stop();
  WatchedPeriod period;
  period.during = std::move(state_->during);
  if (period.during.empty()) {
    period.during.push_back(
        ReadCondition(state_->sources, /*with_throttle=*/false));
  }
  period.seconds =
      std::chrono::duration<double>(Clock::now() - state_->start).count();
  const double busy_s = BusySeconds(state_->sources.root);
  if (state_->busy_s >= 0 && busy_s >= 0 && period.seconds > 0) {
    const double others_s =
        (busy_s - state_->busy_s) - (OwnSeconds() - state_->own_s);
    period.other_load_cores = std::max(0.0, others_s / period.seconds);
  }
  return period;
}

}  // namespace yoloq
