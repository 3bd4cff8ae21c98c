// The kernel sets that tests run.
#ifndef YOLOQ_HW_NATIVE_TESTED_KERNELS_H_
#define YOLOQ_HW_NATIVE_TESTED_KERNELS_H_

#include <vector>

#include "hw/native/kernels.h"

namespace yoloq {
namespace native {

// Those that this processor can run (isa.h), then, where it has AVX2, those
// that it lacks on emulated instructions.
std::vector<const KernelSet*> TestedKernels();

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_TESTED_KERNELS_H_
