#include "hw/latency.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "absl/strings/str_format.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Clock = std::chrono::steady_clock;

double QuantileOfSorted(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = at - static_cast<double>(below);
  return sorted[below] + share * (sorted[above] - sorted[below]);
}

// The largest rank r (from 0) such that [x_r, x_(n-1-r)] covers the median with
// at least 95 %: P(Binomial(n, 1/2) <= r) <= 2.5 %, less one.
int IntervalRank(int n) {
  double probability = std::exp2(-n);  // P(X = 0)
  double cumulative = probability;
  int rank = 0;
  while (rank + 1 < n / 2) {
    probability *= static_cast<double>(n - rank) / (rank + 1);
    if (cumulative + probability > 0.025) break;
    cumulative += probability;
    ++rank;
  }
  return rank;
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> SampleLatency(
    const LatencyRules& rules, absl::string_view progress,
    const std::function<absl::Status()>& operation) {
  for (int i = 0; i < rules.warmup_runs; ++i) {
    YOLOQ_RETURN_IF_ERROR(operation());
  }
  std::vector<int64_t> samples_ns;
  const Clock::time_point start = Clock::now();
  Progress line(progress, rules.min_runs, "runs");
  while (true) {
    const Clock::time_point before = Clock::now();
    YOLOQ_RETURN_IF_ERROR(operation());
    const Clock::time_point after = Clock::now();
    samples_ns.push_back(
        std::chrono::duration_cast<std::chrono::nanoseconds>(after - before)
            .count());
    line.Advance(1);
    const double elapsed_s =
        std::chrono::duration<double>(after - start).count();
    if (samples_ns.size() >= static_cast<size_t>(rules.min_runs) &&
        elapsed_s >= rules.min_seconds) {
      return samples_ns;
    }
  }
}

LatencySummary SummarizeLatency(absl::Span<const int64_t> samples_ns) {
  std::vector<double> ms;
  for (const int64_t sample : samples_ns) {
    ms.push_back(static_cast<double>(sample) * 1e-6);
  }
  std::sort(ms.begin(), ms.end());
  const double count = static_cast<double>(ms.size());
  const double mean = std::accumulate(ms.begin(), ms.end(), 0.0) / count;
  double squares = 0;
  for (const double sample : ms) squares += (sample - mean) * (sample - mean);

  LatencySummary summary;
  summary.median_ms = QuantileOfSorted(ms, 0.5);
  summary.p90_ms = QuantileOfSorted(ms, 0.9);
  summary.min_ms = ms.front();
  if (ms.size() > 1 && mean > 0) {
    summary.coefficient_of_variation = std::sqrt(squares / (count - 1)) / mean;
  }
  const int rank = IntervalRank(static_cast<int>(ms.size()));
  summary.median_low_ms = ms[rank];
  summary.median_high_ms = ms[ms.size() - 1 - rank];
  return summary;
}

std::string WideIntervalReason(double median, double low, double high,
                               double max_share) {
  // A median of nothing still has an interval of some share.
  const double share = (high - low) / std::max(median, 1e-9);
  if (max_share <= 0 || share <= max_share) return "";
  return absl::StrFormat(
      "the 95 %% interval of the median is %.3g %% of it, above %.3g %%",
      100 * share, 100 * max_share);
}

}  // namespace yoloq
