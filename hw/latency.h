// Timing one operation by the rules: warm-up, then until both a minimum time
// and a minimum count are met; every sample is kept. Knows nothing of models.
#ifndef YOLOQ_HW_LATENCY_H_
#define YOLOQ_HW_LATENCY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace yoloq {

struct LatencyRules {
  int warmup_runs = 3;     // >= 0, not recorded
  int min_runs = 10;       // >= 1
  double min_seconds = 2;  // >= 0
};

// Runs and times `operation` on the monotonic clock; nanoseconds, in order.
// Stops at the operation's first error. `progress` labels the progress line.
absl::StatusOr<std::vector<int64_t>> SampleLatency(
    const LatencyRules& rules, absl::string_view progress,
    const std::function<absl::Status()>& operation);

struct LatencySummary {
  double median_ms = 0;
  double p90_ms = 0;
  double min_ms = 0;
  double coefficient_of_variation = 0;  // standard deviation / mean
  // 95 % interval of the median by order statistics (binomial; Conover 1999,
  // section 3.2): no assumption about the distribution.
  double median_low_ms = 0;
  double median_high_ms = 0;
};

// `samples_ns` is not empty. Quantiles interpolate linearly between order
// statistics (R's type 7).
LatencySummary SummarizeLatency(absl::Span<const int64_t> samples_ns);

// Why a median of such a 95 % interval does not count: the interval is a wider
// share of it than `max_share`. "": it counts. max_share 0: it always does.
std::string WideIntervalReason(double median, double low, double high,
                               double max_share);

}  // namespace yoloq

#endif  // YOLOQ_HW_LATENCY_H_
