// AVX-512 with VNNI (F, BW, DQ, VL, VNNI).
#include "hw/native/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

namespace yoloq {
namespace native {
namespace {

#define YOLOQ_VECTOR_BYTES 64
#include "hw/native/gemm_vector.inc"
#include "hw/native/vector_kernels.inc"

// u8 x s8 by vpdpbusd: exact, four products summed in 32 bits.
struct U8S8 {
  typedef uint8_t A;
  typedef int8_t B;
  typedef int32_t C;
  typedef __m512i Vector;
  static constexpr int kDepth = 4;
  static Vector Zero() { return _mm512_setzero_si512(); }
  static Vector LoadB(const B* b) { return _mm512_loadu_si512(b); }
  static Vector LoadC(const C* c) { return _mm512_loadu_si512(c); }
  static void StoreC(C* c, Vector v) { _mm512_storeu_si512(c, v); }
  static Vector Broadcast(const A* a) {
    int32_t group;
    memcpy(&group, a, sizeof(group));
    return _mm512_set1_epi32(group);
  }
  static Vector MultiplyAdd(Vector sum, Vector a, Vector b) {
    return _mm512_dpbusd_epi32(sum, a, b);
  }
};

// s16 x s16 by vpdpwssd: two products, the sum wraps.
struct S16S16 {
  typedef int16_t A;
  typedef int16_t B;
  typedef int32_t C;
  typedef __m512i Vector;
  static constexpr int kDepth = 2;
  static Vector Zero() { return _mm512_setzero_si512(); }
  static Vector LoadB(const B* b) { return _mm512_loadu_si512(b); }
  static Vector LoadC(const C* c) { return _mm512_loadu_si512(c); }
  static void StoreC(C* c, Vector v) { _mm512_storeu_si512(c, v); }
  static Vector Broadcast(const A* a) {
    int32_t group;
    memcpy(&group, a, sizeof(group));
    return _mm512_set1_epi32(group);
  }
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
  KernelSet set;
  set.name = "avx512vnni";
  set.gemm_u8 = {"gemm_u8s8_14x32c4_avx512vnni", 14, 32, 4, 128,
                 GemmRows<U8S8, 14, 2>};
  set.gemm_s16 = {"gemm_s16s16_14x32c2_avx512vnni", 14, 32, 2, 64,
                  GemmRows<S16S16, 14, 2>};
  set.gemm_f32 = {"gemm_f32_14x32c1_avx512", 14, 32, 1, 32,
                  GemmRows<Real, 14, 2>};
  SetVectorKernels(&set);
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
