// From what an observer saw to scale and zero point.
//
// Every range includes 0, so that padding and ReLU's zeros are exact.
#ifndef YOLOQ_QUANT_ACTIVATION_RANGE_H_
#define YOLOQ_QUANT_ACTIVATION_RANGE_H_

#include "absl/status/statusor.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// Real values from low to high.
struct Range {
  double low = 0;
  double high = 0;
};

// scale = (high - low) / 255 after the range is widened to include 0, at least
// the float32 epsilon; zero_point = round_half_even(-low / scale). The formulas
// of PyTorch's observers. InvalidArgument for a range that is not finite or
// gives a scale above 2^60.
absl::StatusOr<TensorQuantization> QuantizationOfRange(const Range& range);

// The range that the observer's kind chooses:
// - MIN_MAX: the extremes.
// - MOVING_AVERAGE: the averaged extremes.
// - PERCENTILE: without (100 - percentile) / 2 percent of the values on each
//   side, linear inside a bin.
// - HISTOGRAM_MSE: minimal squared error of quantizing the histogram, values
//   spread evenly inside a bin (the error of PyTorch's HistogramObserver), but
//   those in the bin of 0 taken as 0. PyTorch narrows the range greedily; here
//   all ranges on a grid of 1/32 of the extremes are compared and the best is
//   refined to a bin.
// - ENTROPY: minimal Kullback-Leibler divergence between the clipped histogram
//   and its 256-level version (Migacz, "8-bit inference with TensorRT", 2017),
//   over the ranges [max(min, -t), min(max, t)]; the bin of 0 is left out,
//   since 0 is always exact.
// `spec` is resolved. InvalidArgument when the state has seen no values, or
// lacks what the kind needs.
absl::StatusOr<Range> ChooseRange(const ObserverSpec& spec,
                                  const ObserverState& state);

// QuantizationOfRange(ChooseRange(spec, state)).
absl::StatusOr<TensorQuantization> ComputeTensorQuantization(
    const ObserverSpec& spec, const ObserverState& state);

// Mean squared error of quantizing the histogram of `state`, as HISTOGRAM_MSE
// defines it.
double HistogramSquaredError(const ObserverState& state,
                             const TensorQuantization& quantization);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_ACTIVATION_RANGE_H_
