// Backend `onednn` (x86-64): convolutions by oneDNN, INT8 and FP32, with the
// activation and the requantization as oneDNN's own post-operations.
#ifndef YOLOQ_HW_RUNTIME_ONEDNN_BACKEND_H_
#define YOLOQ_HW_RUNTIME_ONEDNN_BACKEND_H_

#include <memory>
#include <string>

#include "hw/runtime/convolution.h"

namespace yoloq {

// Convolutions on `threads` threads of OpenMP. FailedPrecondition for an INT8
// convolution on a processor without VNNI, where oneDNN is inexact.
//
// The bytes are those of quant/integer_semantics.h. oneDNN adds the bias in
// float32 after converting the sum; that rounds once, like the definition's
// conversion, as long as both fit 24 bits. A layer where a sum might not, and
// where such a sum would not saturate either, is run to int32 and requantized
// by RequantizeAccumulators.
std::unique_ptr<ConvolutionBackend> NewOneDnnBackend(int threads);

// FailedPrecondition on a processor without VNNI: see NewOneDnnBackend.
absl::Status CheckOneDnnInt8();

// "2.6.3".
std::string OneDnnVersion();

// True when the sums of the INT8 convolution may be requantized by oneDNN
// itself: see NewOneDnnBackend. Exposed for tests.
bool FusedRequantizationIsExact(const ConvolutionTask& task);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_ONEDNN_BACKEND_H_
