// Fake quantization that autograd follows, for training. Shows LibTorch's
// tensors: include it in .cc files only.
#ifndef YOLOQ_QUANT_STRAIGHT_THROUGH_H_
#define YOLOQ_QUANT_STRAIGHT_THROUGH_H_

#include <ATen/core/Tensor.h>

namespace yoloq {

// at::fake_quantize_per_tensor_affine(values, scale, zero_point, low, high),
// bit for bit, in one pass over memory each way where LibTorch makes several.
// But NaN stays, and what is beyond 2^63 steps, where LibTorch's integers
// overflow, is clamped to the end that it is beyond. values: float32, any
// shape; scale > 0; low <= zero_point <= high, all of at most 16 bits.
at::Tensor StraightThrough(const at::Tensor& values, double scale,
                           int zero_point, int low, int high);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_STRAIGHT_THROUGH_H_
