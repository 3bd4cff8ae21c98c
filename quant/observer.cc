#include "quant/observer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace yoloq {
namespace {

// Independent accumulators: lets the compiler use vectors for the extremes, and
// keeps increments of one bin from waiting for each other.
constexpr int kLanes = 16;
constexpr int kWays = 4;
constexpr int kBlock = 256;
// Values counted at a time: 32-bit counters cannot overflow.
constexpr int64_t kSlice = int64_t{1} << 30;

struct Extremes {
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();
  bool finite = true;
};

Extremes FindExtremes(const float* values, int64_t count) {
  float low[kLanes], high[kLanes], poison[kLanes];
  std::fill_n(low, kLanes, std::numeric_limits<float>::infinity());
  std::fill_n(high, kLanes, -std::numeric_limits<float>::infinity());
  std::fill_n(poison, kLanes, 0.0f);
  const auto take = [&](int lane, float x) {
    low[lane] = x < low[lane] ? x : low[lane];
    high[lane] = x > high[lane] ? x : high[lane];
    // 0 for finite x, else NaN, which stays.
    poison[lane] += x - x;
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) take(lane, values[i + lane]);
  }
  for (; i < count; ++i) take(0, values[i]);
  Extremes result;
  for (int lane = 0; lane < kLanes; ++lane) {
    result.low = std::min(result.low, low[lane]);
    result.high = std::max(result.high, high[lane]);
    result.finite &= poison[lane] == 0;
  }
  return result;
}

// Counts of `bins` equal bins from origin on.
std::vector<uint32_t> CountValues(const float* values, int64_t count,
                                  double origin_real, double bins_per_unit,
                                  int bins) {
  const float origin = static_cast<float>(origin_real);
  const float per_unit = static_cast<float>(bins_per_unit);
  // Float32 rounding may move a value to the next bin, or past the last.
  const float last = static_cast<float>(bins - 1);
  std::vector<uint32_t> interleaved(kWays * bins);
  uint32_t* const counts = interleaved.data();
  int32_t index[kBlock];
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const float* block = values + begin;
    const int size = static_cast<int>(std::min<int64_t>(kBlock, count - begin));
    for (int i = 0; i < size; ++i) {
      const float position = (block[i] - origin) * per_unit;
      const float clamped =
          position > 0 ? (position < last ? position : last) : 0;
      index[i] = static_cast<int32_t>(clamped);
    }
    int i = 0;
    for (; i + kWays <= size; i += kWays) {
      for (int way = 0; way < kWays; ++way) {
        ++counts[way * bins + index[i + way]];
      }
    }
    for (; i < size; ++i) ++counts[index[i]];
  }
  for (int way = 1; way < kWays; ++way) {
    for (int bin = 0; bin < bins; ++bin)
      counts[bin] += counts[way * bins + bin];
  }
  interleaved.resize(bins);
  return interleaved;
}

// Merges pairs of bins into the lower half.
void HalveResolution(std::vector<uint64_t>* bins) {
  const size_t half = bins->size() / 2;
  for (size_t i = 0; i < half; ++i) {
    (*bins)[i] = (*bins)[2 * i] + (*bins)[2 * i + 1];
  }
  std::fill(bins->begin() + half, bins->end(), 0);
}

// Moves the content of each bin `shift` bins up.
void ShiftBins(int shift, std::vector<uint64_t>* bins) {
  const int size = static_cast<int>(bins->size());
  std::vector<uint64_t> shifted(size, 0);
  for (int i = 0; i < size; ++i) {
    shifted[std::min(std::max(i + shift, 0), size - 1)] += (*bins)[i];
  }
  *bins = std::move(shifted);
}

}  // namespace

bool UsesHistogram(ObserverSpec::Kind kind) {
  return kind == ObserverSpec::PERCENTILE ||
         kind == ObserverSpec::HISTOGRAM_MSE || kind == ObserverSpec::ENTROPY;
}

absl::StatusOr<ObserverSpec> ResolveObserver(ObserverSpec spec) {
  if (!ObserverSpec::Kind_IsValid(spec.kind())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "activation_observer.kind: ", static_cast<int>(spec.kind()),
        " is no kind of observer"));
  }
  if (spec.kind() == ObserverSpec::KIND_UNSPECIFIED) {
    spec.set_kind(ObserverSpec::HISTOGRAM_MSE);
  }
  if (spec.averaging_constant() == 0) spec.set_averaging_constant(0.01);
  if (!(spec.averaging_constant() > 0 && spec.averaging_constant() <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "activation_observer.averaging_constant: ", spec.averaging_constant(),
        " is not in (0, 1]"));
  }
  if (spec.percentile() == 0) spec.set_percentile(99.99);
  if (!(spec.percentile() > 50 && spec.percentile() <= 100)) {
    return absl::InvalidArgumentError(
        absl::StrCat("activation_observer.percentile: ", spec.percentile(),
                     " is not in (50, 100]"));
  }
  if (spec.bins() == 0) spec.set_bins(2048);
  if (spec.bins() < 512 || spec.bins() > 65536) {
    return absl::InvalidArgumentError(absl::StrCat(
        "activation_observer.bins: ", spec.bins(), " is not in [512, 65536]"));
  }
  return spec;
}

TensorObserver::TensorObserver(const ObserverSpec& spec) : spec_(spec) {
  if (UsesHistogram(spec.kind())) {
    histogram_.resize(2 * spec.bins());
  }
}

absl::StatusOr<TensorObserver> TensorObserver::Restore(
    const ObserverSpec& spec, const ObserverState& state) {
  TensorObserver result(spec);
  result.values_ = state.values();
  result.min_ = state.min();
  result.max_ = state.max();
  result.average_min_ = state.average_min();
  result.average_max_ = state.average_max();
  if (!std::isfinite(state.min()) || !std::isfinite(state.max()) ||
      state.min() > state.max()) {
    return absl::InvalidArgumentError("observer state: min and max");
  }
  if (!UsesHistogram(spec.kind()) || state.values() == 0) return result;
  if (state.histogram_size() != static_cast<int>(result.histogram_.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("observer state: ", state.histogram_size(),
                     " bins, the observer has ", result.histogram_.size()));
  }
  if (!(state.histogram_min() <= std::min(0.0, state.min()) &&
        state.histogram_max() >= std::max(0.0, state.max()) &&
        state.histogram_max() > state.histogram_min())) {
    return absl::InvalidArgumentError("observer state: histogram range");
  }
  result.histogram_min_ = state.histogram_min();
  result.histogram_max_ = state.histogram_max();
  result.histogram_.assign(state.histogram().begin(), state.histogram().end());
  return result;
}

ObserverState TensorObserver::State() const {
  ObserverState state;
  state.set_values(values_);
  state.set_min(min_);
  state.set_max(max_);
  if (spec_.kind() == ObserverSpec::MOVING_AVERAGE) {
    state.set_average_min(average_min_);
    state.set_average_max(average_max_);
  }
  if (UsesHistogram(spec_.kind()) && values_ > 0) {
    state.set_histogram_min(histogram_min_);
    state.set_histogram_max(histogram_max_);
    state.mutable_histogram()->Add(histogram_.begin(), histogram_.end());
  }
  return state;
}

absl::Status TensorObserver::Observe(const float* values, int64_t count) {
  if (count == 0) return absl::OkStatus();
  const Extremes batch = FindExtremes(values, count);
  if (!batch.finite) {
    return absl::InvalidArgumentError("holds a value that is not finite");
  }
  if (spec_.kind() == ObserverSpec::MOVING_AVERAGE) {
    UpdateAverage(batch.low, batch.high);
  }
  min_ = values_ == 0 ? batch.low : std::min<double>(min_, batch.low);
  max_ = values_ == 0 ? batch.high : std::max<double>(max_, batch.high);
  if (UsesHistogram(spec_.kind())) {
    FitHistogram();
    const int bins = static_cast<int>(histogram_.size());
    for (int64_t begin = 0; begin < count; begin += kSlice) {
      const std::vector<uint32_t> counts = CountValues(
          values + begin, std::min(kSlice, count - begin), histogram_min_,
          bins / (histogram_max_ - histogram_min_), bins);
      for (int bin = 0; bin < bins; ++bin) histogram_[bin] += counts[bin];
    }
  }
  values_ += count;
  return absl::OkStatus();
}

void TensorObserver::FitHistogram() {
  const double low = std::min(0.0, min_);
  const double high = std::max(0.0, max_);
  if (values_ == 0) {
    // All values 0 so far: begin with a tiny range, which grows.
    constexpr double kLeastSpan = std::numeric_limits<float>::epsilon();
    histogram_min_ = low;
    histogram_max_ = std::max(high, low + kLeastSpan);
  }
  if (low < histogram_min_ || high > histogram_max_) GrowTo(low, high);
}

void TensorObserver::UpdateAverage(double low, double high) {
  if (values_ == 0) {
    average_min_ = low;
    average_max_ = high;
    return;
  }
  average_min_ += spec_.averaging_constant() * (low - average_min_);
  average_max_ += spec_.averaging_constant() * (high - average_max_);
}

void TensorObserver::GrowTo(double low, double high) {
  const int bins = static_cast<int>(histogram_.size());
  double span = histogram_max_ - histogram_min_;
  double first, next;  // the bins from low to high, counted from histogram_min_
  while (true) {
    first = std::floor((low - histogram_min_) / span * bins);
    next = std::ceil((high - histogram_min_) / span * bins);
    if (next - first <= bins) break;
    HalveResolution(&histogram_);
    span *= 2;
  }
  const int shift = first < 0 ? -static_cast<int>(first)
                              : std::min(bins - static_cast<int>(next), 0);
  ShiftBins(shift, &histogram_);
  histogram_min_ -= shift * (span / bins);
  // Rounding of the line above must not leave an extreme outside.
  histogram_min_ = std::min(histogram_min_, low);
  histogram_max_ = std::max(histogram_min_ + span, high);
}

}  // namespace yoloq
