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

// FinishBytes for the common case: whole vectors of bytes alone, no table,
// factors that are moderate; kAdd: with a linear residual sum. Two rows of 32
// columns make one vector, by packing with saturation, which is the last clamp.
template <bool kBias, bool kAdd>
class BlockFinisher {
 public:
  explicit BlockFinisher(const ByteEpilogue& epilogue)
      : slope_(_mm512_set1_ps(epilogue.slope)),
        lowest_(_mm512_set1_ps(epilogue.lowest)),
        highest_(_mm512_set1_ps(epilogue.highest)),
        first_ratio_(_mm512_set1_ps(epilogue.first_ratio)),
        residual_zero_point_(_mm512_set1_epi32(epilogue.residual_zero_point)),
        residual_ratio_(_mm512_set1_ps(epilogue.residual_ratio)),
        zero_point_(_mm512_set1_epi16(static_cast<int16_t>(
            kAdd ? epilogue.sum_zero_point : epilogue.zero_point))) {}

  void SetColumns(const ByteEpilogue& epilogue, int c) {
    for (int j = 0; j < 2; ++j) {
      if (kBias) bias_[j] = _mm512_loadu_si512(epilogue.bias + c + 16 * j);
      multipliers_[j] = _mm512_loadu_ps(epilogue.multipliers + c + 16 * j);
    }
  }

  // 32 columns of two rows, in the order that packing gives.
  inline __attribute__((always_inline)) __m512i Rows(
      const int32_t* acc0, const int32_t* acc1, const uint8_t* residual0,
      const uint8_t* residual1) const {
    return _mm512_packus_epi16(Row(acc0, residual0), Row(acc1, residual1));
  }

 private:
  inline __attribute__((always_inline)) __m512i Row(
      const int32_t* acc, const uint8_t* residual) const {
    const __m512i words =
        _mm512_packs_epi32(Result(acc, residual, 0), Result(acc, residual, 1));
    return _mm512_adds_epi16(words, zero_point_);
  }

  // Less the zero point. Conversions round to nearest even, as the processor is
  // set.
  inline __attribute__((always_inline)) __m512i Result(const int32_t* acc,
                                                       const uint8_t* residual,
                                                       int j) const {
    __m512i sum = _mm512_loadu_si512(acc + 16 * j);
    if (kBias) sum = _mm512_add_epi32(sum, bias_[j]);
    const __m512 product =
        _mm512_mul_ps(_mm512_cvtepi32_ps(sum), multipliers_[j]);
    const __m512 r = _mm512_max_ps(product, _mm512_mul_ps(product, slope_));
    if constexpr (kAdd) {
      const __m512 own = _mm512_roundscale_ps(
          _mm512_min_ps(_mm512_max_ps(r, lowest_), highest_),
          _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      const __m512i other = _mm512_sub_epi32(
          _mm512_cvtepu8_epi32(_mm_loadu_si128(
              reinterpret_cast<const __m128i*>(residual + 16 * j))),
          residual_zero_point_);
      return _mm512_cvtps_epi32(_mm512_add_ps(
          _mm512_mul_ps(own, first_ratio_),
          _mm512_mul_ps(_mm512_cvtepi32_ps(other), residual_ratio_)));
    } else {
      return _mm512_cvtps_epi32(r);
    }
  }

  const __m512 slope_;
  const __m512 lowest_;
  const __m512 highest_;
  const __m512 first_ratio_;
  const __m512i residual_zero_point_;
  const __m512 residual_ratio_;
  const __m512i zero_point_;
  __m512i bias_[2];
  __m512 multipliers_[2];
};

template <bool kBias, bool kAdd>
void FinishBlocks(const int32_t* acc, int64_t acc_stride, int rows, int columns,
                  const ByteEpilogue& epilogue,
                  const BlockOutput<uint8_t>& output) {
  // Packing works in 128-bit lanes: from lane i of 32-bit groups, in order of
  // rows and columns, to whole rows.
  const __m512i order =
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  BlockFinisher<kBias, kAdd> finisher(epilogue);
  const int64_t bytes_stride = output.bytes_stride;
  const int64_t residual_stride = kAdd ? output.residual_stride : 0;
  for (int c = 0; c < columns; c += 32) {
    finisher.SetColumns(epilogue, c);
    const int32_t* from = acc + c;
    uint8_t* to = output.bytes + c;
    const uint8_t* residual = kAdd ? output.residual + c : nullptr;
    for (int i = 0; i < rows; i += 2) {
      // Of an odd number of rows the last is made twice.
      const bool two = i + 1 < rows;
      const __m512i bytes = _mm512_permutexvar_epi32(
          order, finisher.Rows(from, from + (two ? acc_stride : 0), residual,
                               residual + (two ? residual_stride : 0)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                          _mm512_castsi512_si256(bytes));
      if (two) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + bytes_stride),
                            _mm512_extracti64x4_epi64(bytes, 1));
      }
      from += 2 * acc_stride;
      to += 2 * bytes_stride;
      if (kAdd) residual += 2 * residual_stride;
    }
  }
}

void FinishBytesFast(const int32_t* acc, int64_t acc_stride, int rows,
                     int columns, const ByteEpilogue& epilogue,
                     const BlockOutput<uint8_t>& output) {
  const bool add = epilogue.add;
  const bool last_relu = add ? epilogue.sum_lowest != -epilogue.sum_zero_point
                             : epilogue.lowest != -epilogue.zero_point;
  if (columns % 32 != 0 || !epilogue.moderate || epilogue.table != nullptr ||
      output.reals != nullptr || last_relu ||
      (add && epilogue.sum_slope != 1)) {
    FinishBytes(acc, acc_stride, rows, columns, epilogue, output);
    return;
  }
  const auto finish =
      epilogue.bias != nullptr
          ? (add ? FinishBlocks<true, true> : FinishBlocks<true, false>)
          : (add ? FinishBlocks<false, true> : FinishBlocks<false, false>);
  finish(acc, acc_stride, rows, columns, epilogue, output);
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
