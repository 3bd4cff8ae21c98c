// Weights and biases of one convolution in integers.
#ifndef YOLOQ_QUANT_WEIGHT_QUANTIZER_H_
#define YOLOQ_QUANT_WEIGHT_QUANTIZER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/weights.h"
#include "quant/quantization.pb.h"

namespace yoloq {

struct QuantizedConvolution {
  std::vector<int8_t> weights;  // in [-127, 127], in the order of the floats
  std::vector<float> scales;    // s_w: one, or one an output channel
  std::vector<int32_t> bias;    // at scale s_x * s_w
};

// Symmetric: s_w = max |w| / 127, at least the float32 epsilon (for a channel
// that is all zeros), weight = round_half_even(w / s_w), bias =
// round_half_even(b / (s_x * s_w)). Where a bias would pass 2^30 steps (a
// channel of next to no weight), s_w is raised until it does not: so the
// accumulator, 255 * 127 * weights-per-output + |bias|, stays in int32.
// `weights` has no batch norm; `input_scale`: s_x. InvalidArgument when one
// output has so many weights (above 33,000) that the accumulator could leave
// int32 anyway, or a value is so large that s_w would pass 2^60.
//
// fixed_scales: s_w, as many as the granularity has, in place of those by the
// largest magnitude; what they cannot reach is clamped. InvalidArgument when
// their number is another, or one is not in (0, 2^60].
absl::StatusOr<QuantizedConvolution> QuantizeConvolution(
    const ConvolutionWeights& weights,
    QuantizationSpec::WeightGranularity granularity, float input_scale,
    absl::Span<const float> fixed_scales = {});

}  // namespace yoloq

#endif  // YOLOQ_QUANT_WEIGHT_QUANTIZER_H_
