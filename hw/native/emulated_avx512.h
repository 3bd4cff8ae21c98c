// AVX-512's intrinsics on processors without it, for tests of
// kernels_avx512vnni.cc: SIMDe's, and those that its version in Debian 12
// lacks. Slow.
#ifndef YOLOQ_HW_NATIVE_EMULATED_AVX512_H_
#define YOLOQ_HW_NATIVE_EMULATED_AVX512_H_

#define YOLOQ_EMULATED_AVX512

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <stdint.h>

#include <cmath>

namespace yoloq {
namespace native {

template <typename T, int kBytes>
struct EmulatedVector {
  typedef T Type __attribute__((vector_size(kBytes)));
};

// Lane by lane from vectors of From to those of To, kLanes values.
template <typename From, typename To, int kLanes, typename V>
auto EmulatedConversion(V v) {
  typedef typename EmulatedVector<From, sizeof(From) * kLanes>::Type Source;
  typedef typename EmulatedVector<To, sizeof(To) * kLanes>::Type Target;
  static_assert(sizeof(Source) == sizeof(V));
  return __builtin_convertvector((Source)v, Target);
}

// To nearest even; INT32_MIN for what does not fit, as the processor has it.
inline simde__m512i EmulatedRound(simde__m512 v) {
  EmulatedVector<int32_t, 64>::Type rounded;
  for (int i = 0; i < 16; ++i) {
    const float x = std::nearbyint(v[i]);
    const bool fits = x >= -2147483648.0f && x < 2147483648.0f;
    rounded[i] = fits ? static_cast<int32_t>(x) : INT32_MIN;
  }
  return (simde__m512i)rounded;
}

}  // namespace native
}  // namespace yoloq

#define _mm512_cvtepi32_epi8(v) \
  ((simde__m128i)EmulatedConversion<int32_t, uint8_t, 16>(v))
#define _mm512_cvtepu8_epi32(v) \
  ((simde__m512i)EmulatedConversion<uint8_t, int32_t, 16>(v))
#define _mm512_cvtepu8_epi16(v) \
  ((simde__m512i)EmulatedConversion<uint8_t, int16_t, 32>(v))
#define _mm512_cvtepi16_epi32(v) \
  ((simde__m512i)EmulatedConversion<int16_t, int32_t, 16>(v))
#define _mm512_cvtepi32_ps(v) \
  ((simde__m512)EmulatedConversion<int32_t, float, 16>(v))
#define _mm512_cvtps_epi32(v) EmulatedRound(v)

#endif  // YOLOQ_HW_NATIVE_EMULATED_AVX512_H_
