#include "quant/activation_range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "quant/deployable_check.h"
#include "quant/observer.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kLevels = 256;
constexpr double kMinActivationScale = std::numeric_limits<float>::epsilon();

// Scale and zero point of a range that includes 0 and is not too wide.
TensorQuantization FromRange(const Range& range) {
  TensorQuantization result;
  result.set_scale(static_cast<float>(
      std::max((range.high - range.low) / (kLevels - 1), kMinActivationScale)));
  const double zero = std::nearbyint(-range.low / result.scale());
  result.set_zero_point(
      static_cast<int>(std::min(std::max(zero, 0.0), kLevels - 1.0)));
  return result;
}

// Bins of a state in double.
class Histogram {
 public:
  explicit Histogram(const ObserverState& state)
      : min_(state.histogram_min()),
        width_((state.histogram_max() - state.histogram_min()) /
               state.histogram_size()),
        counts_(state.histogram().begin(), state.histogram().end()) {
    zero_bin_ = std::min(static_cast<int>(-min_ / width_), size() - 1);
    for (const double count : counts_) total_ += count;
  }

  int size() const { return static_cast<int>(counts_.size()); }
  double edge(int bin) const { return min_ + bin * width_; }
  double width() const { return width_; }
  double total() const { return total_; }
  int zero_bin() const { return zero_bin_; }
  const std::vector<double>& counts() const { return counts_; }

  // The value below which `share` of all values lie.
  double Quantile(double share) const {
    double left = share * total_;
    for (int bin = 0; bin < size(); ++bin) {
      if (left <= counts_[bin]) {
        return counts_[bin] == 0 ? edge(bin)
                                 : edge(bin) + width_ * left / counts_[bin];
      }
      left -= counts_[bin];
    }
    return edge(size());
  }

 private:
  const double min_;
  const double width_;
  const std::vector<double> counts_;
  double total_ = 0;
  int zero_bin_ = 0;
};

// Integral over x from 0 to u, in units of the scale, of the squared distance
// of x to the nearest of the integers in [lowest, lowest + 255], up to a
// constant. -255 <= lowest <= 0.
double ErrorIntegral(double u, double lowest) {
  const double highest = lowest + (kLevels - 1);
  const double clamped = u > lowest ? (u < highest ? u : highest) : lowest;
  // Rounds by truncation of a positive number, which needs no call.
  const double level = static_cast<int>(clamped + (kLevels + 0.5)) - kLevels;
  const double rest = u - level;
  return level / 12 + rest * rest * rest / 3;
}

double SquaredError(const Histogram& histogram,
                    const TensorQuantization& quantization) {
  const double scale = quantization.scale();
  const double lowest = -quantization.zero_point();
  const double step = histogram.width() / scale;
  const double start = histogram.edge(0) / scale;
  const int size = histogram.size();
  std::vector<double> integrals(size + 1);
  for (int bin = 0; bin <= size; ++bin) {
    integrals[bin] = ErrorIntegral(start + bin * step, lowest);
  }
  double sum = 0;
  for (int bin = 0; bin < size; ++bin) {
    const double error = integrals[bin + 1] - integrals[bin];
    sum += bin == histogram.zero_bin() ? 0 : histogram.counts()[bin] * error;
  }
  return sum / step * scale * scale / std::max(histogram.total(), 1.0);
}

// The best range by squared error; see ChooseRange.
Range MinimizeSquaredError(const Histogram& histogram, const Range& full) {
  constexpr int kGrid = 32;
  Range best = full;
  double least = SquaredError(histogram, FromRange(full));
  const auto consider = [&](const Range& range) {
    const double error = SquaredError(histogram, FromRange(range));
    if (error >= least) return false;
    least = error;
    best = range;
    return true;
  };
  const int low_steps = full.low < 0 ? kGrid : 0;
  const int high_steps = full.high > 0 ? kGrid : 0;
  for (int i = 0; i <= low_steps; ++i) {
    for (int j = 0; j <= high_steps; ++j) {
      if (i == low_steps && j == high_steps) continue;  // an empty range
      consider(
          {full.low * (kGrid - i) / kGrid, full.high * (kGrid - j) / kGrid});
    }
  }
  // Pattern search around the best, with steps down to a bin.
  double low_step = full.low / kGrid / 2;
  double high_step = full.high / kGrid / 2;
  while (std::max(-low_step, high_step) >= histogram.width() / 2) {
    bool better = false;
    for (const int i : {-1, 0, 1}) {
      for (const int j : {-1, 0, 1}) {
        const Range range = {
            std::min(std::max(best.low + i * low_step, full.low), 0.0),
            std::max(std::min(best.high + j * high_step, full.high), 0.0)};
        if (range.low < range.high) better |= consider(range);
      }
    }
    if (!better) {
      low_step /= 2;
      high_step /= 2;
    }
  }
  return best;
}

// Kullback-Leibler divergence of the histogram clipped to the bins [begin, end)
// from its version with 256 levels.
double Divergence(const Histogram& histogram, int begin, int end) {
  const std::vector<double>& counts = histogram.counts();
  const auto count = [&](int bin) {
    return bin == histogram.zero_bin() ? 0.0 : counts[bin];
  };
  double below = 0, above = 0, inside = 0;
  for (int bin = 0; bin < histogram.size(); ++bin) {
    (bin < begin ? below : bin >= end ? above : inside) += count(bin);
  }
  const double total = below + inside + above;
  if (inside == 0) return std::numeric_limits<double>::infinity();

  // Where the reference has mass (clipped values, put into the outermost bins)
  // but the quantized version has none, a small probability keeps the sum
  // finite.
  const double tiny = 1e-4 / (end - begin);
  double divergence = 0;
  const int bins = end - begin;
  for (int level = 0; level < kLevels; ++level) {
    const int first = begin + static_cast<int>(int64_t{level} * bins / kLevels);
    const int next =
        begin + static_cast<int>(int64_t{level + 1} * bins / kLevels);
    double mass = 0;
    int occupied = 0;
    for (int bin = first; bin < next; ++bin) {
      mass += count(bin);
      occupied += count(bin) > 0;
    }
    const double spread = occupied == 0 ? 0 : mass / occupied / inside;
    for (int bin = first; bin < next; ++bin) {
      double reference = count(bin);
      const double quantized = reference > 0 ? spread : 0;
      if (bin == begin) reference += below;
      if (bin == end - 1) reference += above;
      if (reference == 0) continue;
      reference /= total;
      divergence += reference * std::log(reference / std::max(quantized, tiny));
    }
  }
  return divergence;
}

Range MinimizeDivergence(const Histogram& histogram, const Range& full) {
  const double reach = std::max(-full.low, full.high);
  const int steps = static_cast<int>(std::ceil(reach / histogram.width()));
  const int stride = std::max(1, histogram.size() / kLevels / 2);
  const auto bin_of = [&](double value) {
    return static_cast<int>(
        std::lround((value - histogram.edge(0)) / histogram.width()));
  };
  Range best = full;
  double least = std::numeric_limits<double>::infinity();
  for (int step = steps; step > 0; step -= stride) {
    const double threshold = step * histogram.width();
    const Range range = {std::max(full.low, -threshold),
                         std::min(full.high, threshold)};
    const int begin = std::max(bin_of(range.low), 0);
    const int end =
        std::min(std::max(bin_of(range.high), begin + 1), histogram.size());
    // Fewer bins than levels: nothing left to measure.
    if (end - begin < kLevels) break;
    const double divergence = Divergence(histogram, begin, end);
    if (divergence < least) {
      least = divergence;
      best = range;
    }
  }
  return best;
}

Range Percentile(const Histogram& histogram, const Range& full,
                 double percentile) {
  const double cut = (100 - percentile) / 2 / 100;
  return {std::max(full.low, std::min(histogram.Quantile(cut), 0.0)),
          std::min(full.high, std::max(histogram.Quantile(1 - cut), 0.0))};
}

}  // namespace

absl::StatusOr<TensorQuantization> QuantizationOfRange(const Range& range) {
  const Range widened = {std::min(range.low, 0.0), std::max(range.high, 0.0)};
  // Written so that NaN fails.
  if (!((widened.high - widened.low) / (kLevels - 1) <= kMaxScale)) {
    return absl::InvalidArgumentError(
        absl::StrCat("range [", range.low, ", ", range.high,
                     "] is too wide to be quantized"));
  }
  return FromRange(widened);
}

absl::StatusOr<Range> ChooseRange(const ObserverSpec& spec,
                                  const ObserverState& state) {
  if (state.values() == 0) {
    return absl::InvalidArgumentError(
        "the observer has seen no values; calibrate with at least one image");
  }
  if (spec.kind() == ObserverSpec::MOVING_AVERAGE) {
    return Range{state.average_min(), state.average_max()};
  }
  const Range full = {std::min(state.min(), 0.0), std::max(state.max(), 0.0)};
  if (!UsesHistogram(spec.kind())) return full;
  if (state.histogram_size() < kLevels ||
      !(state.histogram_max() > state.histogram_min()) ||
      !(state.histogram_min() <= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the observer has no histogram, which ",
                     ObserverSpec::Kind_Name(spec.kind()),
                     " needs; calibrate again with this observer"));
  }
  if (full.low == full.high) return full;
  const Histogram histogram(state);
  switch (spec.kind()) {
    case ObserverSpec::PERCENTILE:
      return Percentile(histogram, full, spec.percentile());
    case ObserverSpec::ENTROPY:
      return MinimizeDivergence(histogram, full);
    default:
      return MinimizeSquaredError(histogram, full);
  }
}

absl::StatusOr<TensorQuantization> ComputeTensorQuantization(
    const ObserverSpec& spec, const ObserverState& state) {
  YOLOQ_ASSIGN_OR_RETURN(const Range range, ChooseRange(spec, state));
  return QuantizationOfRange(range);
}

double HistogramSquaredError(const ObserverState& state,
                             const TensorQuantization& quantization) {
  return SquaredError(Histogram(state), quantization);
}

}  // namespace yoloq
