// From sums to the output of a convolution: the epilogue of a task, made once.
#ifndef YOLOQ_HW_NATIVE_FINISHER_H_
#define YOLOQ_HW_NATIVE_FINISHER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/kernels.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

class ByteFinisher {
 public:
  using Sum = int32_t;

  // Sums that have the bias in them, times 2^fraction: of products that add
  // bias() themselves. They fit 32 bits, and a multiplier takes the factor off
  // without rounding; unless it is so small that all outputs are 0 anyway.
  struct BiasedSums {
    int fraction = 0;
  };

  // `bias`: what is added to the sums, modulo 2^32; the task's, or the task's
  // less the part of the zero point.
  ByteFinisher(const ConvolutionTask& task, absl::Span<const int32_t> bias,
               const KernelSet& kernels);
  ByteFinisher(const ConvolutionTask& task, absl::Span<const int32_t> bias,
               const KernelSet& kernels, BiasedSums sums);
  ByteFinisher(const ByteFinisher&) = delete;

  // Readable from any channel on for a whole panel, which has at most 16
  // columns or 2 * lanes, the more.
  const int32_t* bias() const { return bias_.data(); }

  // Output pixels [pixel, pixel + rows) and channels [channel, channel +
  // columns) from acc[i * acc_stride + j], which is readable up to a whole
  // vector of columns.
  void Finish(const int32_t* acc, int64_t acc_stride, int64_t pixel, int rows,
              int channel, int columns,
              const ConvolutionBuffers& buffers) const;

  // Tiles of F(4,3) with `down` rows of outputs, from output pixel `pixel` and
  // channel `channel` on, for a whole panel, which has `lanes` columns; the map
  // has row_pixels pixels in a row. False, and nothing is written, where no
  // kernel does so at once. For sums of BiasedSums alone.
  bool FinishTiles(const TileLines& lines, int down, int64_t pixel, int channel,
                   int64_t row_pixels, const ConvolutionBuffers& buffers) const;

 private:
  // The epilogue from a channel on.
  ByteEpilogue EpilogueFrom(int channel) const;
  BlockOutput<uint8_t> OutputFrom(const ConvolutionBuffers& buffers,
                                  int64_t pixel, int channel) const;

  const KernelSet& kernels_;
  std::vector<int32_t> bias_;
  std::vector<float> multipliers_;
  std::array<uint8_t, 256> table_;
  ByteEpilogue epilogue_;
  int64_t residual_stride_ = 0;
  int64_t bytes_stride_ = 0;
  int64_t reals_stride_ = 0;
};

class RealFinisher {
 public:
  using Sum = float;

  RealFinisher(const ConvolutionTask& task, const KernelSet& kernels);
  RealFinisher(const RealFinisher&) = delete;

  void Finish(const float* acc, int64_t acc_stride, int64_t pixel, int rows,
              int channel, int columns,
              const ConvolutionBuffers& buffers) const;

 private:
  const KernelSet& kernels_;
  std::vector<float> bias_;
  RealEpilogue epilogue_;
  int64_t residual_stride_ = 0;
  int64_t bytes_stride_ = 0;
  int64_t reals_stride_ = 0;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_FINISHER_H_
