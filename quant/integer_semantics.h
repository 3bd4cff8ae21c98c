// The integer semantics, once and for all engines.
//
// Activations are uint8, real = scale * (q - zero_point), per tensor. Weights
// are int8 in [-127, 127], symmetric, one scale s_w a tensor or an output
// channel. Biases are int32 at scale s_x * s_w[c]. Padding has the value of the
// zero point.
//
// Each function below is the definition of one step: its float32 operations in
// the order written, each rounded to nearest even, none fused
// (-ffp-contract=off). The sequence is chosen so that libraries compute the
// same bytes themselves:
//   oneDNN: output_scales(M), post-ops [eltwise relu alpha 0.1,] eltwise round,
//           destination zero point. Without the round post-op oneDNN would add
//           the zero point before rounding, which differs at ties.
//   XNNPACK: its fp32 requantization, float(acc) * M rounded, then the zero
//           point (no leaky ReLU: TWO_STEP, or one pass over the
//           accumulators).
#ifndef YOLOQ_QUANT_INTEGER_SEMANTICS_H_
#define YOLOQ_QUANT_INTEGER_SEMANTICS_H_

#include <array>
#include <cmath>
#include <cstdint>

#include "model/graph.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// The float32 nearest to 0.1: slope of leaky ReLU for negative values.
inline constexpr float kLeakySlope = 0.1f;

// The picture's bytes are the network's input as they are: real = q / 255.
inline constexpr float kInputScale = 1.0f / 255.0f;
inline constexpr int kInputZeroPoint = 0;

// clamp(round_half_even(r) + zero_point, 0, 255). Clamping first keeps the
// conversion defined for every r. NaN, which only a network whose FP32 part
// overflows can make, gives 0.
inline uint8_t RoundToUint8(float r, int zero_point) {
  const float low = static_cast<float>(-zero_point);
  const float high = static_cast<float>(255 - zero_point);
  const float clamped = r > low ? (r < high ? r : high) : low;
  return static_cast<uint8_t>(static_cast<int>(std::nearbyintf(clamped)) +
                              zero_point);
}

// real -> q: round_half_even(real * (1 / scale)) + zero_point, clamped. The
// multiplication by the reciprocal is PyTorch's form on Arm and in
// fake_quantize.
inline uint8_t Quantize(float real, const TensorQuantization& to) {
  return RoundToUint8(real * (1.0f / to.scale()), to.zero_point());
}

// q -> real.
inline float Dequantize(uint8_t q, const TensorQuantization& from) {
  return static_cast<float>(static_cast<int>(q) - from.zero_point()) *
         from.scale();
}

// M[c] = float(double(s_x) * s_w / s_y).
inline float RequantizationMultiplier(float s_x, float s_w, float s_y) {
  return static_cast<float>(static_cast<double>(s_x) *
                            static_cast<double>(s_w) /
                            static_cast<double>(s_y));
}

// Convolution output from its exact accumulator, acc = sum (x_q - z_x) * w_q +
// bias. Leaky here is mode FUSED: r = acc * M, and for negative r, r * 0.1f;
// one rounding to integer. (TWO_STEP calls this with LINEAR, then LeakyTable.)
inline uint8_t RequantizeAccumulator(int32_t acc, float multiplier,
                                     Activation activation, int zero_point) {
  float r = static_cast<float>(acc) * multiplier;
  if (activation == RELU && r < 0) r = 0;
  if (activation == LEAKY && r < 0) r = r * kLeakySlope;
  return RoundToUint8(r, zero_point);
}

// q at one scale -> q at another: round_half_even((q - z_1) * (s_1 / s_y)) +
// z_y, s_1 / s_y in float32. The identity when both are equal.
inline uint8_t Requantize(uint8_t q, const TensorQuantization& from,
                          const TensorQuantization& to) {
  const float ratio = from.scale() / to.scale();
  return RoundToUint8(
      static_cast<float>(static_cast<int>(q) - from.zero_point()) * ratio,
      to.zero_point());
}

// Element-wise sum; the activation acts on the sum before rounding.
inline uint8_t AddQuantized(uint8_t a, const TensorQuantization& qa, uint8_t b,
                            const TensorQuantization& qb, Activation activation,
                            const TensorQuantization& to) {
  const float ra = static_cast<float>(static_cast<int>(a) - qa.zero_point()) *
                   (qa.scale() / to.scale());
  const float rb = static_cast<float>(static_cast<int>(b) - qb.zero_point()) *
                   (qb.scale() / to.scale());
  float r = ra + rb;
  if (activation == RELU && r < 0) r = 0;
  if (activation == LEAKY && r < 0) r = r * kLeakySlope;
  return RoundToUint8(r, to.zero_point());
}

// Mode TWO_STEP: the table from the convolution's own scale to the output's.
inline std::array<uint8_t, 256> LeakyTable(const TensorQuantization& from,
                                           const TensorQuantization& to) {
  std::array<uint8_t, 256> table;
  for (int q = 0; q < 256; ++q) {
    const float real = Dequantize(static_cast<uint8_t>(q), from);
    table[q] = Quantize(real < 0 ? real * kLeakySlope : real, to);
  }
  return table;
}

// Requantize for all 256 values: how engines do concat.
inline std::array<uint8_t, 256> RequantizeTable(const TensorQuantization& from,
                                                const TensorQuantization& to) {
  std::array<uint8_t, 256> table;
  for (int q = 0; q < 256; ++q) {
    table[q] = Requantize(static_cast<uint8_t>(q), from, to);
  }
  return table;
}

}  // namespace yoloq

#endif  // YOLOQ_QUANT_INTEGER_SEMANTICS_H_
