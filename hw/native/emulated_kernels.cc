#include "hw/native/emulated_kernels.h"

#if defined(__x86_64__)
#include "hw/native/emulated_avx512.h"
#endif

// The definition, under the emulated name.
#define Avx512VnniKernels EmulatedAvx512VnniKernels
#include "hw/native/kernels_avx512vnni.cc"
