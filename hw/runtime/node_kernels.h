// What runs between convolutions: element-wise and data-moving kernels on
// channels-last tensors, vectorised by the compiler and spread over the
// engine's threads. Integer kernels compute the very operations of
// quant/integer_semantics.h, in its order.
#ifndef YOLOQ_HW_RUNTIME_NODE_KERNELS_H_
#define YOLOQ_HW_RUNTIME_NODE_KERNELS_H_

#include <cstdint>

#include "hw/runtime/thread_pool.h"
#include "model/graph.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// to[i] = Quantize(from[i], q).
void QuantizeValues(ThreadPool& pool, const float* from, int64_t count,
                    const TensorQuantization& q, uint8_t* to);

// to[i] = Dequantize(from[i], q).
void DequantizeValues(ThreadPool& pool, const uint8_t* from, int64_t count,
                      const TensorQuantization& q, float* to);

// to[i] = LeakyTable(from_q, to_q)[from[i]]; from == to is allowed.
void LeakyValues(ThreadPool& pool, const uint8_t* from, int64_t count,
                 const TensorQuantization& from_q,
                 const TensorQuantization& to_q, uint8_t* to);

// to[i] = AddQuantized(a[i], qa, b[i], qb, activation, q).
void AddValues(ThreadPool& pool, const uint8_t* a, const TensorQuantization& qa,
               const uint8_t* b, const TensorQuantization& qb,
               Activation activation, int64_t count,
               const TensorQuantization& q, uint8_t* to);
void AddValues(ThreadPool& pool, const float* a, const float* b,
               Activation activation, int64_t count, float* to);

// to[cell, c] = RequantizeAccumulator(acc[cell, c] + bias[c], ...).
// `multipliers` and `bias` have one value a channel. The sum fits int32.
void RequantizeAccumulators(ThreadPool& pool, const int32_t* acc,
                            const int32_t* bias, const float* multipliers,
                            Activation activation, int64_t cells, int channels,
                            int zero_point, uint8_t* to);

// to[i] = from[i] - 128 as a signed byte, and back: the same bits change both
// ways. from == to is allowed.
void ShiftSign(ThreadPool& pool, const uint8_t* from, int64_t count,
               uint8_t* to);

// The activation of each value, in place.
void ActivateValues(ThreadPool& pool, Activation activation, int64_t count,
                    float* values);

// A run of channels of each cell, copied into a run of another tensor's
// channels.
struct ChannelCopy {
  int64_t cells = 0;      // height * width of both tensors
  int from_channels = 0;  // of the whole source tensor
  int from_begin = 0;
  int to_channels = 0;  // of the whole destination tensor
  int to_begin = 0;
  int count = 0;
};

void CopyChannels(ThreadPool& pool, const uint8_t* from,
                  const ChannelCopy& copy, uint8_t* to);
void CopyChannels(ThreadPool& pool, const float* from, const ChannelCopy& copy,
                  float* to);

// CopyChannels of Requantize(value, from_q, to_q).
void RequantizeChannels(ThreadPool& pool, const uint8_t* from,
                        const ChannelCopy& copy,
                        const TensorQuantization& from_q,
                        const TensorQuantization& to_q, uint8_t* to);

// Nearest-neighbour enlargement; `in` is the input's shape, strides are the
// elements from one cell to the next.
struct Upsampling {
  Shape in;
  int factor = 1;
  int from_stride = 0;
  int to_stride = 0;
};
void UpsampleValues(ThreadPool& pool, const uint8_t* from,
                    const Upsampling& upsampling, uint8_t* to);
void UpsampleValues(ThreadPool& pool, const float* from,
                    const Upsampling& upsampling, float* to);

// UpsampleValues of Requantize(value, from_q, to_q).
void UpsampleRequantized(ThreadPool& pool, const uint8_t* from,
                         const Upsampling& upsampling,
                         const TensorQuantization& from_q,
                         const TensorQuantization& to_q, uint8_t* to);

// Darknet's max-pooling (model/graph.proto).
void MaxPoolValues(ThreadPool& pool, const uint8_t* from, const Shape& in,
                   const Shape& out, const MaxPoolOp& op, uint8_t* to);
void MaxPoolValues(ThreadPool& pool, const float* from, const Shape& in,
                   const Shape& out, const MaxPoolOp& op, float* to);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_NODE_KERNELS_H_
