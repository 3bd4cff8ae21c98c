// AVX-512 with VNNI (F, BW, DQ, VL, VNNI).
#include "hw/native/kernels.h"

#if defined(__x86_64__)

#if !defined(YOLOQ_EMULATED_AVX512)
#include <immintrin.h>
#endif
#include <string.h>

namespace yoloq {
namespace native {
namespace {

#define YOLOQ_VECTOR_BYTES 64
#include "hw/native/gemm_vector.inc"
#include "hw/native/vector_kernels.inc"
// By the vectors of that.
#include "hw/native/finish_blocks.inc"

// Sums of products of 8-bit or 16-bit integers: a group of k has 32 bits.
template <typename Activation, typename Weight>
struct Integers {
  typedef Activation A;
  typedef Weight B;
  typedef int32_t C;
  typedef __m512i Vector;
  static constexpr int kDepth = 4 / sizeof(A);
  static Vector Zero() { return _mm512_setzero_si512(); }
  static Vector LoadB(const B* b) { return _mm512_loadu_si512(b); }
  static Vector LoadC(const C* c) { return _mm512_loadu_si512(c); }
  static void StoreC(C* c, Vector v) { _mm512_storeu_si512(c, v); }
  static Vector Broadcast(const A* a) {
    int32_t group;
    memcpy(&group, a, sizeof(group));
    return _mm512_set1_epi32(group);
  }
};

// By vpdpbusd: exact, four products summed in 32 bits.
struct U8S8 : Integers<uint8_t, int8_t> {
  static Vector MultiplyAdd(Vector sum, Vector a, Vector b) {
    return _mm512_dpbusd_epi32(sum, a, b);
  }
};

// By vpdpwssd: two products, the sum wraps.
struct S16S16 : Integers<int16_t, int16_t> {
  static Vector MultiplyAdd(Vector sum, Vector a, Vector b) {
    return _mm512_dpwssd_epi32(sum, a, b);
  }
};

struct Real {
  typedef float A;
  typedef float B;
  typedef float C;
  typedef __m512 Vector;
  static constexpr int kDepth = 1;
  static Vector Zero() { return _mm512_setzero_ps(); }
  static Vector LoadB(const B* b) { return _mm512_loadu_ps(b); }
  static Vector LoadC(const C* c) { return _mm512_loadu_ps(c); }
  static void StoreC(C* c, Vector v) { _mm512_storeu_ps(c, v); }
  static Vector Broadcast(const A* a) { return _mm512_set1_ps(*a); }
  static Vector MultiplyAdd(Vector sum, Vector a, Vector b) {
    return _mm512_fmadd_ps(a, b, sum);
  }
};

KernelSet MakeKernels() {
  KernelSet set = DescribeAvx512Vnni();
  set.gemm_u8.run = GemmRows<U8S8, 14, 2>;
  set.gemm_s16.run = GemmRows<S16S16, 14, 2>;
  set.gemm_f32.run = GemmRows<Real, 14, 2>;
#if !defined(YOLOQ_EMULATED_AVX512)
  set.peak_int8 = Peak<U8S8>();
  set.peak_f32 = Peak<Real>();
#endif
  SetVectorKernels(&set);
  SetBlockKernels(&set);
  return set;
}

}  // namespace

const KernelSet* Avx512VnniKernels() {
  static const KernelSet set = MakeKernels();
  return &set;
}

}  // namespace native
}  // namespace yoloq

#else

const yoloq::native::KernelSet* yoloq::native::Avx512VnniKernels() {
  return nullptr;
}

#endif
