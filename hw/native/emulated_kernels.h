// Kernels for processors that are not here, on emulated instructions: for
// tests.
#ifndef YOLOQ_HW_NATIVE_EMULATED_KERNELS_H_
#define YOLOQ_HW_NATIVE_EMULATED_KERNELS_H_

#include "hw/native/kernels.h"

namespace yoloq {
namespace native {

// The set of Avx512VnniKernels() without its peaks, the same text. Takes AVX2
// and FMA. Null where the compiler does not build for x86-64.
const KernelSet* EmulatedAvx512VnniKernels();

// The set of Avx512AmxKernels(), with the peak of its tiles alone: the text of
// those on emulated_amx.h, the rest as above.
const KernelSet* EmulatedAvx512AmxKernels();

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_EMULATED_KERNELS_H_
