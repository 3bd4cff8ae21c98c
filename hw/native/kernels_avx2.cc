// AVX2 with FMA. INT8 convolutions multiply 16-bit values (vpmaddwd):
// vpmaddubsw, the 8-bit form, saturates.
#include "hw/native/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

namespace yoloq {
namespace native {
namespace {

#define YOLOQ_VECTOR_BYTES 32
#include "hw/native/gemm_vector.inc"
#include "hw/native/vector_kernels.inc"
// By the vectors of that.
#include "hw/native/finish_blocks.inc"

struct S16S16 {
  typedef int16_t A;
  typedef int16_t B;
  typedef int32_t C;
  typedef __m256i Vector;
  static constexpr int kDepth = 2;
  static Vector Zero() { return _mm256_setzero_si256(); }
  static Vector LoadB(const B* b) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b));
  }
  static Vector LoadC(const C* c) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(c));
  }
  static void StoreC(C* c, Vector v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(c), v);
  }
  static Vector Broadcast(const A* a) {
    int32_t group;
    memcpy(&group, a, sizeof(group));
    return _mm256_set1_epi32(group);
  }
  static Vector MultiplyAdd(Vector sum, Vector a, Vector b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
  }
};

struct Real {
  typedef float A;
  typedef float B;
  typedef float C;
  typedef __m256 Vector;
  static constexpr int kDepth = 1;
  static Vector Zero() { return _mm256_setzero_ps(); }
  static Vector LoadB(const B* b) { return _mm256_loadu_ps(b); }
  static Vector LoadC(const C* c) { return _mm256_loadu_ps(c); }
  static void StoreC(C* c, Vector v) { _mm256_storeu_ps(c, v); }
  static Vector Broadcast(const A* a) { return _mm256_set1_ps(*a); }
  static Vector MultiplyAdd(Vector sum, Vector a, Vector b) {
    return _mm256_fmadd_ps(a, b, sum);
  }
};

KernelSet MakeKernels() {
  KernelSet set = DescribeAvx2();
  set.gemm_s16.run = GemmRows<S16S16, 5, 2>;
  set.gemm_f32.run = GemmRows<Real, 6, 2>;
  set.peak_int8 = Peak<S16S16>();
  set.peak_f32 = Peak<Real>();
  SetVectorKernels(&set);
  SetBlockKernels(&set);
  return set;
}

}  // namespace

const KernelSet* Avx2Kernels() {
  static const KernelSet set = MakeKernels();
  return &set;
}

}  // namespace native
}  // namespace yoloq

#else

const yoloq::native::KernelSet* yoloq::native::Avx2Kernels() { return nullptr; }

#endif
