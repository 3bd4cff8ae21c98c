#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "eval/random.h"
#include "tools/base/parallel.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr double kLowQuantile = 0.025;
constexpr double kHighQuantile = 0.975;

// One resample: how often each image was drawn.
std::vector<uint16_t> Draw(int images, uint64_t seed, int64_t resample) {
  std::vector<uint16_t> multiplicity(images, 0);
  Random random(seed, resample);
  for (int i = 0; i < images; ++i) ++multiplicity[random.Below(images)];
  return multiplicity;
}

absl::Status Check(const Matches& matches, const BootstrapOptions& options) {
  if (options.resamples < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "bootstrap_resamples: ", options.resamples, " is not at least 1"));
  }
  if (ComputeMeanAveragePrecision(matches).classes_with_objects == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "mAP of ", matches.images,
        " images without objects is undefined, and so is its interval"));
  }
  return absl::OkStatus();
}

// Between order statistics linearly; `sorted` is not empty.
double Quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = at - std::floor(at);
  return sorted[below] * (1 - weight) + sorted[above] * weight;
}

// Of the samples that are defined, which is at least one in practice: it takes
// resamples that all miss every object for none to be.
ConfidenceInterval Percentiles(std::vector<double> samples) {
  samples.erase(std::remove_if(samples.begin(), samples.end(),
                               [](double s) { return std::isnan(s); }),
                samples.end());
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  return {Quantile(samples, kLowQuantile), Quantile(samples, kHighQuantile)};
}

// statistic(multiplicity) for every resample, as intervals.
template <typename Statistic>
MapIntervals Bootstrap(int images, const BootstrapOptions& options,
                       const Statistic& statistic) {
  std::vector<double> area(options.resamples, std::nan(""));
  std::vector<double> eleven_point(options.resamples, std::nan(""));
  WorkerPool(std::max(1, options.threads))
      .ParallelFor(options.resamples, [&](int64_t r) {
        const MeanAveragePrecision map =
            statistic(Draw(images, options.seed, r));
        if (map.classes_with_objects == 0) return;
        area[r] = map.area;
        eleven_point[r] = map.eleven_point;
      });
  return {Percentiles(std::move(area)), Percentiles(std::move(eleven_point))};
}

absl::Status CheckSameTruth(const Matches& a, const Matches& b) {
  bool same = a.images == b.images && a.classes.size() == b.classes.size();
  for (size_t c = 0; same && c < a.classes.size(); ++c) {
    same = a.classes[c].objects == b.classes[c].objects;
  }
  if (same) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "a paired difference needs two runs over the same images and objects");
}

}  // namespace

absl::StatusOr<MapIntervals> BootstrapMap(const Matches& matches,
                                          const BootstrapOptions& options) {
  YOLOQ_RETURN_IF_ERROR(Check(matches, options));
  return Bootstrap(matches.images, options,
                   [&](absl::Span<const uint16_t> multiplicity) {
                     return ComputeMeanAveragePrecision(matches, multiplicity);
                   });
}

absl::StatusOr<MapIntervals> BootstrapMapDifference(
    const Matches& run, const Matches& baseline,
    const BootstrapOptions& options) {
  YOLOQ_RETURN_IF_ERROR(Check(run, options));
  YOLOQ_RETURN_IF_ERROR(CheckSameTruth(run, baseline));
  return Bootstrap(run.images, options,
                   [&](absl::Span<const uint16_t> multiplicity) {
                     MeanAveragePrecision map =
                         ComputeMeanAveragePrecision(run, multiplicity);
                     const MeanAveragePrecision base =
                         ComputeMeanAveragePrecision(baseline, multiplicity);
                     map.area -= base.area;
                     map.eleven_point -= base.eleven_point;
                     return map;
                   });
}

}  // namespace yoloq
