// Kernels in plain C++ and the compiler's own vectors: any processor.
#include "hw/native/kernels.h"

namespace yoloq {
namespace native {
namespace {

#define YOLOQ_VECTOR_BYTES 16
#include "hw/native/vector_kernels.inc"

constexpr int kColumns = 8;

// 16-bit products summed modulo 2^32.
void GemmS16Portable(int64_t rows, int64_t groups, const int16_t* a,
                     int64_t a_stride, const int16_t* panel, int32_t* c,
                     int64_t c_stride, bool accumulate, const Prefetch&) {
  for (int64_t i = 0; i < rows; ++i) {
    uint32_t sum[kColumns];
    for (int j = 0; j < kColumns; ++j) {
      sum[j] = accumulate ? static_cast<uint32_t>(c[i * c_stride + j]) : 0;
    }
    for (int64_t k = 0; k < groups; ++k) {
      const int32_t value = a[i * a_stride + k];
      for (int j = 0; j < kColumns; ++j) {
        sum[j] += static_cast<uint32_t>(value * panel[k * kColumns + j]);
      }
    }
    for (int j = 0; j < kColumns; ++j) {
      c[i * c_stride + j] = static_cast<int32_t>(sum[j]);
    }
  }
}

void GemmF32Portable(int64_t rows, int64_t groups, const float* a,
                     int64_t a_stride, const float* panel, float* c,
                     int64_t c_stride, bool accumulate, const Prefetch&) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum[kColumns];
    for (int j = 0; j < kColumns; ++j) {
      sum[j] = accumulate ? c[i * c_stride + j] : 0;
    }
    for (int64_t k = 0; k < groups; ++k) {
      for (int j = 0; j < kColumns; ++j) {
        sum[j] += a[i * a_stride + k] * panel[k * kColumns + j];
      }
    }
    for (int j = 0; j < kColumns; ++j) c[i * c_stride + j] = sum[j];
  }
}

KernelSet MakeKernels() {
  KernelSet set = DescribePortable();
  set.gemm_s16.run = GemmS16Portable;
  set.gemm_f32.run = GemmF32Portable;
  SetVectorKernels(&set);
  return set;
}

}  // namespace

const KernelSet* PortableKernels() {
  static const KernelSet set = MakeKernels();
  return &set;
}

}  // namespace native
}  // namespace yoloq
