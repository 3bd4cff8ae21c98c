// What runs between convolutions: element-wise and data-moving kernels on
// channels-last tensors, vectorised by the compiler and parallel over OpenMP's
// threads. Integer kernels compute the very operations of
// quant/integer_semantics.h, in its order.
#ifndef YOLOQ_HW_RUNTIME_NODE_KERNELS_H_
#define YOLOQ_HW_RUNTIME_NODE_KERNELS_H_

#include <cstdint>

#include "model/graph.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// to[i] = Quantize(from[i], q).
void QuantizeValues(const float* from, int64_t count,
                    const TensorQuantization& q, uint8_t* to);

// to[i] = Dequantize(from[i], q).
void DequantizeValues(const uint8_t* from, int64_t count,
                      const TensorQuantization& q, float* to);

// to[i] = LeakyTable(from_q, to_q)[from[i]]; from == to is allowed.
void LeakyValues(const uint8_t* from, int64_t count,
                 const TensorQuantization& from_q,
                 const TensorQuantization& to_q, uint8_t* to);

// to[i] = AddQuantized(a[i], qa, b[i], qb, activation, q).
void AddValues(const uint8_t* a, const TensorQuantization& qa, const uint8_t* b,
               const TensorQuantization& qb, Activation activation,
               int64_t count, const TensorQuantization& q, uint8_t* to);
void AddValues(const float* a, const float* b, Activation activation,
               int64_t count, float* to);

// to[cell, c] = RequantizeAccumulator(acc[cell, c] + bias[c], ...).
// `multipliers` and `bias` have one value a channel. The sum fits int32.
void RequantizeAccumulators(const int32_t* acc, const int32_t* bias,
                            const float* multipliers, Activation activation,
                            int64_t cells, int channels, int zero_point,
                            uint8_t* to);

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

void CopyChannels(const uint8_t* from, const ChannelCopy& copy, uint8_t* to);
void CopyChannels(const float* from, const ChannelCopy& copy, float* to);

// CopyChannels of Requantize(value, from_q, to_q).
void RequantizeChannels(const uint8_t* from, const ChannelCopy& copy,
                        const TensorQuantization& from_q,
                        const TensorQuantization& to_q, uint8_t* to);

// Nearest-neighbour enlargement; `in` is the input's shape.
void UpsampleValues(const uint8_t* from, const Shape& in, int factor,
                    uint8_t* to);
void UpsampleValues(const float* from, const Shape& in, int factor, float* to);

// Darknet's max-pooling (model/graph.proto).
void MaxPoolValues(const uint8_t* from, const Shape& in, const Shape& out,
                   const MaxPoolOp& op, uint8_t* to);
void MaxPoolValues(const float* from, const Shape& in, const Shape& out,
                   const MaxPoolOp& op, float* to);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_NODE_KERNELS_H_
