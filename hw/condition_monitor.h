// Looks at a device once a second while something runs on it, and measures what
// other programs do meanwhile.
#ifndef YOLOQ_HW_CONDITION_MONITOR_H_
#define YOLOQ_HW_CONDITION_MONITOR_H_

#include <memory>
#include <vector>

#include "hw/conditions.h"
#include "hw/measurement.pb.h"

namespace yoloq {

struct WatchedPeriod {
  std::vector<DeviceCondition> during;  // at least one; without throttled
  double seconds = 0;
  // Cores that other programs kept busy, on average; 0 when it is unknown.
  double other_load_cores = 0;
};

// Watches from its creation to Finish().
class ConditionMonitor {
 public:
  explicit ConditionMonitor(const ConditionSources& sources);
  ~ConditionMonitor();

  // Use it once.
  WatchedPeriod Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_CONDITION_MONITOR_H_
