// Backend `xnnpack` (x86-64 and aarch64): convolutions by XNNPACK of February
// 2022, which has kernels for Cortex-A53.
#ifndef YOLOQ_HW_RUNTIME_XNNPACK_BACKEND_H_
#define YOLOQ_HW_RUNTIME_XNNPACK_BACKEND_H_

#include <memory>

#include "absl/status/statusor.h"
#include "hw/runtime/convolution.h"

namespace yoloq {

// Convolutions on `threads` threads of pthreadpool.
//
// FP32: XNNPACK's convolution; leaky ReLU, which it cannot fuse, follows in
// place. INT8: its per-channel convolution, whose fp32 requantization is that
// of quant/integer_semantics.h; values are shifted to signed and back. It has
// no leaky ReLU on the accumulators, so mode FUSED is Unimplemented; mode
// TWO_STEP's table acts as the values are shifted back.
//
// FailedPrecondition when XNNPACK does not run on the processor.
absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewXnnpackBackend(
    int threads);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_XNNPACK_BACKEND_H_
