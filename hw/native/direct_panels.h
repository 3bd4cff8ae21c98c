// Weights of one or more groups as panels of a Gemm, and what direct
// convolutions share.
#ifndef YOLOQ_HW_NATIVE_DIRECT_PANELS_H_
#define YOLOQ_HW_NATIVE_DIRECT_PANELS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/aligned_buffer.h"
#include "hw/native/kernels.h"
#include "hw/native/plan.h"

namespace yoloq {
namespace native {

// The position of element (k, column) in a panel of `columns` and `depth`.
inline int64_t PanelIndex(int64_t k, int column, int columns, int depth) {
  return (k / depth * columns + column) * depth + k % depth;
}

// The slice of a panel that is used before the next must stay in the first
// level cache while all tiles of a block pass.
inline constexpr int64_t kPanelSliceBytes = 32 * 1024;
// Up to so many output pixels, the threads share the channels: each weight is
// read once.
inline constexpr int64_t kFewPixels = 256;
// Rows at a multiple of this distance fall into one set of the cache.
inline constexpr int64_t kAliasBytes = 4096;

template <typename G>
struct GemmTypes;
template <typename A_, typename B_, typename C_>
struct GemmTypes<Gemm<A_, B_, C_>> {
  using A = A_;
  using B = B_;
  using C = C_;
};

// Values in a row of the matrix, a multiple of the panels' depth.
inline int64_t MatrixDepth(const ConvolutionTask& task, int depth) {
  return RoundUp(
      int64_t{task.op.kernel()} * task.op.kernel() * GroupChannels(task),
      depth);
}

// Panels of (kernel row, kernel column, channel) by output channels.
template <typename B>
class DirectPanels {
 public:
  template <typename GemmType, typename W>
  DirectPanels(const ConvolutionTask& task, const GemmType& gemm,
               absl::Span<const W> weights)
      : panels_(static_cast<int>(CeilDivide(
            task.op.out_channels() / task.op.groups(), gemm.columns))),
        panel_values_(MatrixDepth(task, gemm.depth) * gemm.columns),
        packed_(int64_t{task.op.groups()} * panels_ * panel_values_) {
    const int taps = task.op.kernel() * task.op.kernel();
    const int inputs = GroupChannels(task);
    const int outputs = task.op.out_channels() / task.op.groups();
    for (int n = 0; n < task.op.out_channels(); ++n) {
      const int column = n % outputs;
      B* const panel =
          packed_.data() +
          (n / outputs * panels_ + column / gemm.columns) * panel_values_;
      const W* const from = weights.data() + int64_t{n} * inputs * taps;
      for (int c = 0; c < inputs; ++c) {
        for (int t = 0; t < taps; ++t) {
          panel[PanelIndex(int64_t{t} * inputs + c, column % gemm.columns,
                           gemm.columns, gemm.depth)] = from[c * taps + t];
        }
      }
    }
  }

  int panels() const { return panels_; }  // of a group
  const B* panel(int group, int i) const {
    return packed_.data() + (int64_t{group} * panels_ + i) * panel_values_;
  }
  int64_t bytes() const { return packed_.bytes(); }

 private:
  int panels_;
  int64_t panel_values_;
  AlignedBuffer<B> packed_;
};

// Bias less zero_point * sum of weights: sums are taken over bytes as they are.
inline std::vector<int32_t> BiasOfBytes(const ConvolutionTask& task) {
  std::vector<int32_t> bias(task.int32_bias.begin(), task.int32_bias.end());
  const size_t per_channel = task.int8_weights.size() / bias.size();
  for (size_t c = 0; c < bias.size(); ++c) {
    uint32_t sum = 0;
    for (const int8_t w :
         task.int8_weights.subspan(c * per_channel, per_channel)) {
      sum += static_cast<uint32_t>(w);
    }
    bias[c] = static_cast<int32_t>(
        static_cast<uint32_t>(bias[c]) -
        sum * static_cast<uint32_t>(task.input_quantization.zero_point()));
  }
  return bias;
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_DIRECT_PANELS_H_
