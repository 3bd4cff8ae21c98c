// What convolutions on bytes less 128 share.
#ifndef YOLOQ_HW_NATIVE_SIGNED_BYTES_H_
#define YOLOQ_HW_NATIVE_SIGNED_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// Bias plus sum of weights * (128 - zero_point), modulo 2^32: sums are taken
// over bytes less 128.
inline std::vector<int32_t> BiasOfSignedBytes(const ConvolutionTask& task) {
  std::vector<int32_t> bias(task.int32_bias.begin(), task.int32_bias.end());
  const size_t per_channel = task.int8_weights.size() / bias.size();
  const uint32_t offset =
      static_cast<uint32_t>(128 - task.input_quantization.zero_point());
  for (size_t c = 0; c < bias.size(); ++c) {
    uint32_t sum = static_cast<uint32_t>(bias[c]);
    for (const int8_t w :
         task.int8_weights.subspan(c * per_channel, per_channel)) {
      sum += static_cast<uint32_t>(w) * offset;
    }
    bias[c] = static_cast<int32_t>(sum);
  }
  return bias;
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_SIGNED_BYTES_H_
