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

// FinishBytes for the common case: bytes alone, no table, no sum, no RELU. Two
// rows of 32 columns make one vector, by packing with saturation: that is the
// clamp at 0, and the one at 255 is left to guard the conversion.
inline __attribute__((always_inline)) __m512i PlainResult(const int32_t* acc,
                                                          __m512i bias,
                                                          __m512 multiplier,
                                                          __m512 slope,
                                                          __m512 highest) {
  const __m512i sum = _mm512_add_epi32(_mm512_loadu_si512(acc), bias);
  const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), multiplier);
  const __m512 r = _mm512_max_ps(product, _mm512_mul_ps(product, slope));
  // To nearest even, as the processor is set. Far below 0 it gives INT_MIN.
  return _mm512_cvtps_epi32(_mm512_min_ps(r, highest));
}

void FinishBytesPlain(const int32_t* acc, int64_t acc_stride, int rows,
                      int columns, const ByteEpilogue& epilogue, uint8_t* to,
                      int64_t to_stride) {
  const __m512 slope = _mm512_set1_ps(epilogue.slope);
  const __m512 highest = _mm512_set1_ps(epilogue.highest);
  const __m512i zero_point =
      _mm512_set1_epi16(static_cast<int16_t>(epilogue.zero_point));
  // Packing works in 128-bit lanes: from lane i of 32-bit groups, in order of
  // rows and columns, to whole rows.
  const __m512i order =
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  for (int c = 0; c < columns; c += 32) {
    const __m512i bias0 = _mm512_loadu_si512(epilogue.bias + c);
    const __m512i bias1 = _mm512_loadu_si512(epilogue.bias + c + 16);
    const __m512 multiplier0 = _mm512_loadu_ps(epilogue.multipliers + c);
    const __m512 multiplier1 = _mm512_loadu_ps(epilogue.multipliers + c + 16);
    for (int i = 0; i < rows; i += 2) {
      const int32_t* const row0 = acc + i * acc_stride + c;
      // Of an odd number of rows the last is made twice.
      const bool two = i + 1 < rows;
      const int32_t* const row1 = two ? row0 + acc_stride : row0;
      const __m512i words0 = _mm512_packs_epi32(
          PlainResult(row0, bias0, multiplier0, slope, highest),
          PlainResult(row0 + 16, bias1, multiplier1, slope, highest));
      const __m512i words1 = _mm512_packs_epi32(
          PlainResult(row1, bias0, multiplier0, slope, highest),
          PlainResult(row1 + 16, bias1, multiplier1, slope, highest));
      const __m512i bytes = _mm512_permutexvar_epi32(
          order, _mm512_packus_epi16(_mm512_adds_epi16(words0, zero_point),
                                     _mm512_adds_epi16(words1, zero_point)));
      uint8_t* const to0 = to + i * to_stride + c;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to0),
                          _mm512_castsi512_si256(bytes));
      if (two) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to0 + to_stride),
                            _mm512_extracti64x4_epi64(bytes, 1));
      }
    }
  }
}

void FinishBytesFast(const int32_t* acc, int64_t acc_stride, int rows,
                     int columns, const ByteEpilogue& epilogue,
                     const BlockOutput<uint8_t>& output) {
  const bool relu = epilogue.lowest != static_cast<float>(-epilogue.zero_point);
  if (columns % 32 != 0 || relu || epilogue.table != nullptr || epilogue.add ||
      output.reals != nullptr) {
    FinishBytes(acc, acc_stride, rows, columns, epilogue, output);
    return;
  }
  FinishBytesPlain(acc, acc_stride, rows, columns, epilogue, output.bytes,
                   output.bytes_stride);
}

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
  set.finish_bytes = FinishBytesFast;
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
