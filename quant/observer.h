// What calibration remembers of one tensor: extremes, their moving average, or
// a histogram, gathered in one pass over the values as they come.
//
//   TensorObserver observer(spec);
//   for (each image) YOLOQ_RETURN_IF_ERROR(observer.Observe(values, count));
//   ObserverState state = observer.State();
#ifndef YOLOQ_QUANT_OBSERVER_H_
#define YOLOQ_QUANT_OBSERVER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// The spec with defaults in place of zeros (kind HISTOGRAM_MSE, averaging
// constant 0.01, percentile 99.99, 2048 bins). InvalidArgument, naming the
// field, for a value out of range.
absl::StatusOr<ObserverSpec> ResolveObserver(ObserverSpec spec);

// True for the kinds that need a histogram.
bool UsesHistogram(ObserverSpec::Kind kind);

// Not thread-safe; different observers may be used by different threads.
class TensorObserver {
 public:
  // `spec` is resolved.
  explicit TensorObserver(const ObserverSpec& spec);

  // Goes on where `state` was taken. InvalidArgument when the state can't be
  // one of an observer with this spec.
  static absl::StatusOr<TensorObserver> Restore(const ObserverSpec& spec,
                                                const ObserverState& state);

  // Takes in one batch of values (one image). InvalidArgument when a value is
  // not finite; the observer is then unchanged.
  absl::Status Observe(const float* values, int64_t count);

  // All but the fields that name the tensor.
  ObserverState State() const;

 private:
  void UpdateAverage(double low, double high);
  // Makes the histogram hold the extremes and 0.
  void FitHistogram();
  // Makes the histogram reach from low to high: moves its bins, and where that
  // is not enough doubles their width.
  void GrowTo(double low, double high);

  ObserverSpec spec_;
  uint64_t values_ = 0;
  double min_ = 0;
  double max_ = 0;
  double average_min_ = 0;
  double average_max_ = 0;

  // Twice as many bins as asked for: growth may leave nearly half of them
  // empty.
  double histogram_min_ = 0;
  double histogram_max_ = 0;
  std::vector<uint64_t> histogram_;
};

}  // namespace yoloq

#endif  // YOLOQ_QUANT_OBSERVER_H_
