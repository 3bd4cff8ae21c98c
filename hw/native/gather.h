// The rows of a direct convolution's matrix: for each output pixel the input
// values under the kernel, (kernel row, kernel column, channel), one group's.
#ifndef YOLOQ_HW_NATIVE_GATHER_H_
#define YOLOQ_HW_NATIVE_GATHER_H_

#include <cstdint>
#include <cstring>

#include "hw/native/kernels.h"
#include "hw/native/plan.h"

namespace yoloq {
namespace native {

template <typename In, typename A>
class Gatherer {
 public:
  Gatherer() = default;
  // Rows are `depth` values long (>= kernel^2 * channels of a group); what is
  // beyond the kernel is 0, and outside of the picture is `outside`.
  Gatherer(const ConvolutionTask& task, const KernelSet& kernels, int depth,
           A outside);

  // Rows of output pixels [pixel, pixel + rows), `stride` elements apart.
  // `input` points to the picture's first pixel, at the group's first channel.
  void Gather(const In* input, int64_t pixel, int rows, A* to,
              int64_t stride) const;

 private:
  void Copy(const In* from, int64_t count, A* to) const;
  void GatherPixel(const In* input, int y, int x, A* to) const;
  bool TryGatherShort(const In* input, int y, int x, A* to) const;

  void (*widen_)(const uint8_t*, int64_t, int16_t*) = nullptr;
  int kernel_ = 0;
  int stride_ = 0;
  int padding_ = 0;
  int channels_ = 0;
  int height_ = 0;
  int width_ = 0;
  int out_width_ = 0;
  int64_t input_stride_ = 0;
  int depth_ = 0;
  A outside_ = 0;
};

template <typename In, typename A>
Gatherer<In, A>::Gatherer(const ConvolutionTask& task, const KernelSet& kernels,
                          int depth, A outside)
    : widen_(kernels.widen),
      kernel_(task.op.kernel()),
      stride_(task.op.stride()),
      padding_(task.op.padding()),
      channels_(GroupChannels(task)),
      height_(task.input.height()),
      width_(task.input.width()),
      out_width_(task.output.width()),
      input_stride_(task.input_stride),
      depth_(depth),
      outside_(outside) {}

template <typename In, typename A>
void Gatherer<In, A>::Copy(const In* from, int64_t count, A* to) const {
  if constexpr (sizeof(In) == sizeof(A)) {
    std::memcpy(to, from, count * sizeof(A));
  } else {
    widen_(from, count, to);
  }
}

template <typename In, typename A>
void Gatherer<In, A>::GatherPixel(const In* input, int y, int x, A* to) const {
  const int top = y * stride_ - padding_;
  const int left = x * stride_ - padding_;
  const int row_values = kernel_ * channels_;
  const bool whole = left >= 0 && left + kernel_ <= width_;
  for (int i = 0; i < kernel_; ++i, to += row_values) {
    if (top + i < 0 || top + i >= height_) {
      for (int j = 0; j < row_values; ++j) to[j] = outside_;
      continue;
    }
    const In* const from =
        input + (int64_t{top + i} * width_ + left) * input_stride_;
    if (whole && input_stride_ == channels_) {
      Copy(from, row_values, to);
      continue;
    }
    for (int j = 0; j < kernel_; ++j) {
      A* const pixel = to + j * channels_;
      if (left + j < 0 || left + j >= width_) {
        for (int c = 0; c < channels_; ++c) pixel[c] = outside_;
      } else {
        Copy(from + j * input_stride_, channels_, pixel);
      }
    }
  }
}

// Kernel rows of at most 16 bytes (those of a picture's three channels), each
// copied by one load and one store of 16: what is too much is overwritten by
// the next row or lies in the row's padding, which has zero weights. False
// where that could touch what is not there.
template <typename In, typename A>
bool Gatherer<In, A>::TryGatherShort(const In* input, int y, int x,
                                     A* to) const {
  const int top = y * stride_ - padding_;
  const int left = x * stride_ - padding_;
  // The row below, or pixels to the right, hold what is read too much.
  if (top < 0 || top + kernel_ >= height_ || left < 0 ||
      left + kernel_ > width_) {
    return false;
  }
  const int row_values = kernel_ * channels_;
  const int64_t row_stride = width_ * input_stride_;
  const In* from = input + top * row_stride + left * input_stride_;
  for (int i = 0; i < kernel_; ++i) {
    std::memcpy(to, from, 16);
    from += row_stride;
    to += row_values;
  }
  return true;
}

template <typename In, typename A>
void Gatherer<In, A>::Gather(const In* input, int64_t pixel, int rows, A* to,
                             int64_t stride) const {
  const int values = kernel_ * kernel_ * channels_;
  int y = static_cast<int>(pixel / out_width_);
  int x = static_cast<int>(pixel % out_width_);
  const int row_values = kernel_ * channels_;
  const bool is_short = sizeof(In) == 1 && sizeof(A) == 1 && row_values <= 16 &&
                        values - row_values + 16 <= stride &&
                        input_stride_ == channels_ &&
                        width_ * input_stride_ >= 16;
  for (int i = 0; i < rows; ++i, to += stride) {
    if (!is_short || !TryGatherShort(input, y, x, to)) {
      GatherPixel(input, y, x, to);
      for (int k = values; k < depth_; ++k) to[k] = 0;
    }
    if (++x == out_width_) {
      x = 0;
      ++y;
    }
  }
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_GATHER_H_
