#include "hw/native/tested_kernels.h"

#include "hw/native/emulated_kernels.h"
#include "hw/native/isa.h"

namespace yoloq {
namespace native {

std::vector<const KernelSet*> TestedKernels() {
  std::vector<const KernelSet*> sets = AvailableKernels();
  if (!FindKernels("avx2").ok()) return sets;
  if (!FindKernels("avx512vnni").ok()) {
    sets.push_back(EmulatedAvx512VnniKernels());
  }
  if (!FindKernels("avx512amx").ok()) {
    sets.push_back(EmulatedAvx512AmxKernels());
  }
  return sets;
}

}  // namespace native
}  // namespace yoloq
