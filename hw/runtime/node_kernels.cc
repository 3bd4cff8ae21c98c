#include "hw/runtime/node_kernels.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "quant/integer_semantics.h"

// One binary for every x86-64: the loader picks the widest version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define YOLOQ_VECTORISED \
  __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define YOLOQ_VECTORISED
#endif

namespace yoloq {
namespace {

// Values a thread works on at a time: large enough to hide the dispatch, small
// enough to spread a 13 x 13 map.
constexpr int64_t kChunk = 1 << 15;

// Runs body(begin, count) over [0, count) in chunks.
template <typename Body>
void ParallelChunks(ThreadPool& pool, int64_t count, const Body& body) {
  LoopOverRanges(pool, count, kChunk,
                 [&](int64_t begin, int64_t end) { body(begin, end - begin); });
}

// RoundToUint8 in a form that the compiler vectorises: after the clamp to
// [-255, 255], adding and subtracting 1.5 * 2^23 rounds half to even, as
// nearbyintf does.
inline uint8_t Round(float r, float low, float high, int zero_point) {
  constexpr float kMagic = 12582912.0f;
  const float clamped = r < low ? low : (r > high ? high : r);
  const float rounded = (clamped + kMagic) - kMagic;
  return static_cast<uint8_t>(static_cast<int>(rounded) + zero_point);
}

// Slope for negative values: 1 changes nothing, 0 is ReLU. Multiplying by 1 is
// exact, so one loop serves all three.
float NegativeSlope(Activation activation) {
  return activation == RELU ? 0.0f : (activation == LEAKY ? kLeakySlope : 1.0f);
}

inline float Activated(float r, float slope) { return r < 0 ? r * slope : r; }

YOLOQ_VECTORISED
void QuantizeRun(const float* from, int64_t count, float inverse_scale,
                 int zero_point, uint8_t* to) {
  const float low = static_cast<float>(-zero_point);
  const float high = static_cast<float>(255 - zero_point);
  for (int64_t i = 0; i < count; ++i) {
    to[i] = Round(from[i] * inverse_scale, low, high, zero_point);
  }
}

YOLOQ_VECTORISED
void DequantizeRun(const uint8_t* from, int64_t count, float scale,
                   int zero_point, float* to) {
  for (int64_t i = 0; i < count; ++i) {
    to[i] = static_cast<float>(static_cast<int>(from[i]) - zero_point) * scale;
  }
}

YOLOQ_VECTORISED
void LeakyRun(const uint8_t* from, int64_t count, float scale, int from_zero,
              float inverse_scale, int zero_point, uint8_t* to) {
  const float low = static_cast<float>(-zero_point);
  const float high = static_cast<float>(255 - zero_point);
  for (int64_t i = 0; i < count; ++i) {
    const float real =
        static_cast<float>(static_cast<int>(from[i]) - from_zero) * scale;
    const float activated = real < 0 ? real * kLeakySlope : real;
    to[i] = Round(activated * inverse_scale, low, high, zero_point);
  }
}

YOLOQ_VECTORISED
void AddRun(const uint8_t* a, int zero_a, float ratio_a, const uint8_t* b,
            int zero_b, float ratio_b, float slope, int64_t count,
            int zero_point, uint8_t* to) {
  const float low = static_cast<float>(-zero_point);
  const float high = static_cast<float>(255 - zero_point);
  for (int64_t i = 0; i < count; ++i) {
    const float ra =
        static_cast<float>(static_cast<int>(a[i]) - zero_a) * ratio_a;
    const float rb =
        static_cast<float>(static_cast<int>(b[i]) - zero_b) * ratio_b;
    to[i] = Round(Activated(ra + rb, slope), low, high, zero_point);
  }
}

YOLOQ_VECTORISED
void AddRun(const float* a, const float* b, float slope, int64_t count,
            float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = Activated(a[i] + b[i], slope);
}

YOLOQ_VECTORISED
void ShiftSignRun(const uint8_t* from, int64_t count, uint8_t* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = from[i] ^ 0x80;
}

YOLOQ_VECTORISED
void ActivateRun(float* values, int64_t count, float slope) {
  for (int64_t i = 0; i < count; ++i) values[i] = Activated(values[i], slope);
}

YOLOQ_VECTORISED
void RequantizeAccumulatorRun(const int32_t* acc, const int32_t* bias,
                              const float* multipliers, float slope,
                              int channels, int zero_point, uint8_t* to) {
  const float low = static_cast<float>(-zero_point);
  const float high = static_cast<float>(255 - zero_point);
  for (int c = 0; c < channels; ++c) {
    const float r = static_cast<float>(acc[c] + bias[c]) * multipliers[c];
    to[c] = Round(Activated(r, slope), low, high, zero_point);
  }
}

YOLOQ_VECTORISED
void RequantizeRun(const uint8_t* from, int count, int from_zero, float ratio,
                   int zero_point, uint8_t* to) {
  const float low = static_cast<float>(-zero_point);
  const float high = static_cast<float>(255 - zero_point);
  for (int i = 0; i < count; ++i) {
    const float r =
        static_cast<float>(static_cast<int>(from[i]) - from_zero) * ratio;
    to[i] = Round(r, low, high, zero_point);
  }
}

YOLOQ_VECTORISED
void MaxRun(const uint8_t* from, int count, uint8_t* to) {
  for (int i = 0; i < count; ++i) to[i] = to[i] < from[i] ? from[i] : to[i];
}

YOLOQ_VECTORISED
void MaxRun(const float* from, int count, float* to) {
  for (int i = 0; i < count; ++i) to[i] = to[i] < from[i] ? from[i] : to[i];
}

// Cells a thread copies at a time.
constexpr int64_t kCopyCells = 64;

// Runs body(from, to) on the run of channels of each cell.
template <typename T, typename Body>
void ForEachCell(ThreadPool& pool, const T* from, const ChannelCopy& copy,
                 T* to, const Body& body) {
  const int64_t blocks = (copy.cells + kCopyCells - 1) / kCopyCells;
  pool.Loop(blocks, [&](int64_t block) {
    const int64_t end = std::min(copy.cells, (block + 1) * kCopyCells);
    for (int64_t cell = block * kCopyCells; cell < end; ++cell) {
      body(from + cell * copy.from_channels + copy.from_begin,
           to + cell * copy.to_channels + copy.to_begin);
    }
  });
}

template <typename T>
void CopyChannelsOf(ThreadPool& pool, const T* from, const ChannelCopy& copy,
                    T* to) {
  ForEachCell(pool, from, copy, to, [&](const T* source, T* target) {
    std::memcpy(target, source, copy.count * sizeof(T));
  });
}

// Writes each input row's first output row with copy(from, to), then repeats
// it.
template <typename T, typename Copy>
void Upsample(ThreadPool& pool, const T* from, const Upsampling& upsampling,
              T* to, const Copy& copy) {
  const Shape& in = upsampling.in;
  const int factor = upsampling.factor;
  const int64_t in_row = int64_t{in.width()} * upsampling.from_stride;
  const int64_t out_row = int64_t{in.width()} * factor * upsampling.to_stride;
  pool.Loop(in.height(), [&](int64_t y) {
    const T* cell = from + y * in_row;
    T* const first = to + y * factor * out_row;
    for (int x = 0; x < in.width(); ++x, cell += upsampling.from_stride) {
      T* const target = first + int64_t{x} * factor * upsampling.to_stride;
      copy(cell, target);
      for (int i = 1; i < factor * factor; ++i) {
        std::memcpy(target + i / factor * out_row +
                        int64_t{i % factor} * upsampling.to_stride,
                    target, in.channels() * sizeof(T));
      }
    }
  });
}

template <typename T>
void UpsampleOf(ThreadPool& pool, const T* from, const Upsampling& upsampling,
                T* to) {
  const size_t bytes = upsampling.in.channels() * sizeof(T);
  Upsample(pool, from, upsampling, to, [bytes](const T* cell, T* target) {
    std::memcpy(target, cell, bytes);
  });
}

// The part of the window at `begin` that lies inside [0, size).
struct Window {
  int begin, end;
};
Window Inside(int begin, int length, int size) {
  return {std::max(begin, 0), std::min(begin + length, size)};
}

template <typename T>
void MaxPool(ThreadPool& pool, const T* from, const Shape& in, const Shape& out,
             const MaxPoolOp& op, T* to) {
  const T least = std::numeric_limits<T>::has_infinity
                      ? -std::numeric_limits<T>::infinity()
                      : std::numeric_limits<T>::lowest();
  const int before = op.padding_total() / 2;
  const int channels = in.channels();
  const int64_t in_row = int64_t{in.width()} * channels;
  const int64_t out_row = int64_t{out.width()} * channels;
  pool.Loop(out.height(), [&](int64_t row) {
    const Window ys = Inside(static_cast<int>(row) * op.stride() - before,
                             op.size(), in.height());
    // Down first, into a row of its own; then across: 2 * size comparisons a
    // cell instead of size^2.
    std::vector<T> tallest(in_row, least);
    for (int y = ys.begin; y < ys.end; ++y) {
      MaxRun(from + y * in_row, static_cast<int>(in_row), tallest.data());
    }
    T* target = to + row * out_row;
    for (int column = 0; column < out.width(); ++column, target += channels) {
      const Window xs =
          Inside(column * op.stride() - before, op.size(), in.width());
      std::fill(target, target + channels, least);
      for (int x = xs.begin; x < xs.end; ++x) {
        MaxRun(tallest.data() + int64_t{x} * channels, channels, target);
      }
    }
  });
}

}  // namespace

void QuantizeValues(ThreadPool& pool, const float* from, int64_t count,
                    const TensorQuantization& q, uint8_t* to) {
  ParallelChunks(pool, count, [&](int64_t begin, int64_t size) {
    QuantizeRun(from + begin, size, 1.0f / q.scale(), q.zero_point(),
                to + begin);
  });
}

void DequantizeValues(ThreadPool& pool, const uint8_t* from, int64_t count,
                      const TensorQuantization& q, float* to) {
  ParallelChunks(pool, count, [&](int64_t begin, int64_t size) {
    DequantizeRun(from + begin, size, q.scale(), q.zero_point(), to + begin);
  });
}

void LeakyValues(ThreadPool& pool, const uint8_t* from, int64_t count,
                 const TensorQuantization& from_q,
                 const TensorQuantization& to_q, uint8_t* to) {
  ParallelChunks(pool, count, [&](int64_t begin, int64_t size) {
    LeakyRun(from + begin, size, from_q.scale(), from_q.zero_point(),
             1.0f / to_q.scale(), to_q.zero_point(), to + begin);
  });
}

void AddValues(ThreadPool& pool, const uint8_t* a, const TensorQuantization& qa,
               const uint8_t* b, const TensorQuantization& qb,
               Activation activation, int64_t count,
               const TensorQuantization& q, uint8_t* to) {
  ParallelChunks(pool, count, [&](int64_t begin, int64_t size) {
    AddRun(a + begin, qa.zero_point(), qa.scale() / q.scale(), b + begin,
           qb.zero_point(), qb.scale() / q.scale(), NegativeSlope(activation),
           size, q.zero_point(), to + begin);
  });
}

void AddValues(ThreadPool& pool, const float* a, const float* b,
               Activation activation, int64_t count, float* to) {
  ParallelChunks(pool, count, [&](int64_t begin, int64_t size) {
    AddRun(a + begin, b + begin, NegativeSlope(activation), size, to + begin);
  });
}

void RequantizeAccumulators(ThreadPool& pool, const int32_t* acc,
                            const int32_t* bias, const float* multipliers,
                            Activation activation, int64_t cells, int channels,
                            int zero_point, uint8_t* to) {
  LoopOverRanges(pool, cells, kCopyCells, [&](int64_t begin, int64_t end) {
    for (int64_t cell = begin; cell < end; ++cell) {
      RequantizeAccumulatorRun(acc + cell * channels, bias, multipliers,
                               NegativeSlope(activation), channels, zero_point,
                               to + cell * channels);
    }
  });
}

void ShiftSign(ThreadPool& pool, const uint8_t* from, int64_t count,
               uint8_t* to) {
  ParallelChunks(pool, count, [&](int64_t begin, int64_t size) {
    ShiftSignRun(from + begin, size, to + begin);
  });
}

void ActivateValues(ThreadPool& pool, Activation activation, int64_t count,
                    float* values) {
  ParallelChunks(pool, count, [&](int64_t begin, int64_t size) {
    ActivateRun(values + begin, size, NegativeSlope(activation));
  });
}

void CopyChannels(ThreadPool& pool, const uint8_t* from,
                  const ChannelCopy& copy, uint8_t* to) {
  CopyChannelsOf(pool, from, copy, to);
}

void CopyChannels(ThreadPool& pool, const float* from, const ChannelCopy& copy,
                  float* to) {
  CopyChannelsOf(pool, from, copy, to);
}

void RequantizeChannels(ThreadPool& pool, const uint8_t* from,
                        const ChannelCopy& copy,
                        const TensorQuantization& from_q,
                        const TensorQuantization& to_q, uint8_t* to) {
  const float ratio = from_q.scale() / to_q.scale();
  ForEachCell(pool, from, copy, to,
              [&](const uint8_t* source, uint8_t* target) {
                RequantizeRun(source, copy.count, from_q.zero_point(), ratio,
                              to_q.zero_point(), target);
              });
}

void UpsampleValues(ThreadPool& pool, const uint8_t* from,
                    const Upsampling& upsampling, uint8_t* to) {
  UpsampleOf(pool, from, upsampling, to);
}

void UpsampleValues(ThreadPool& pool, const float* from,
                    const Upsampling& upsampling, float* to) {
  UpsampleOf(pool, from, upsampling, to);
}

void UpsampleRequantized(ThreadPool& pool, const uint8_t* from,
                         const Upsampling& upsampling,
                         const TensorQuantization& from_q,
                         const TensorQuantization& to_q, uint8_t* to) {
  const float ratio = from_q.scale() / to_q.scale();
  Upsample(pool, from, upsampling, to,
           [&](const uint8_t* cell, uint8_t* target) {
             RequantizeRun(cell, upsampling.in.channels(), from_q.zero_point(),
                           ratio, to_q.zero_point(), target);
           });
}

void MaxPoolValues(ThreadPool& pool, const uint8_t* from, const Shape& in,
                   const Shape& out, const MaxPoolOp& op, uint8_t* to) {
  MaxPool(pool, from, in, out, op, to);
}

void MaxPoolValues(ThreadPool& pool, const float* from, const Shape& in,
                   const Shape& out, const MaxPoolOp& op, float* to) {
  MaxPool(pool, from, in, out, op, to);
}

}  // namespace yoloq
