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

  // `bias`: what is added to the sums, modulo 2^32; the task's, or the task's
  // less the part of the zero point.
  ByteFinisher(const ConvolutionTask& task, absl::Span<const int32_t> bias,
               const KernelSet& kernels)
      : ByteFinisher(task, bias, kernels, kernels.finish_bytes) {}
  // `finish` says which sums it takes.
  ByteFinisher(const ConvolutionTask& task, absl::Span<const int32_t> bias,
               const KernelSet& kernels, FinishBytesKernel finish);
  ByteFinisher(const ByteFinisher&) = delete;

  // For products that add it themselves; readable for a whole panel of 16 from
  // any channel on.
  const int32_t* bias() const { return bias_.data(); }

  // Output pixels [pixel, pixel + rows) and channels [channel, channel +
  // columns) from acc[i * acc_stride + j], which is readable up to a whole
  // vector of columns.
  void Finish(const int32_t* acc, int64_t acc_stride, int64_t pixel, int rows,
              int channel, int columns,
              const ConvolutionBuffers& buffers) const;

 private:
  const FinishBytesKernel finish_;
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
