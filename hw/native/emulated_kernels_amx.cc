#include "hw/native/emulated_amx.h"
#include "hw/native/emulated_kernels.h"

// The definition, under the emulated name, on the emulated rest.
#define Avx512AmxKernels EmulatedAvx512AmxKernels
#define Avx512VnniKernels EmulatedAvx512VnniKernels
#include "hw/native/kernels_avx512amx.cc"
