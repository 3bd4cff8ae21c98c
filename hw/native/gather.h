// The rows of a direct convolution's matrix: for each output pixel the input
// values under the kernel, (kernel row, kernel column, channel), one group's.
#ifndef YOLOQ_HW_NATIVE_GATHER_H_
#define YOLOQ_HW_NATIVE_GATHER_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hw/native/kernels.h"
#include "hw/native/plan.h"

namespace yoloq {
namespace native {

template <typename In, typename A>
class Gatherer {
 public:
  Gatherer() = default;
  // Rows are `depth` values long (>= kernel^2 * channels of a group). Outside
  // of the picture is `outside`. What is beyond the kernel meets weights of 0:
  // integers are any, reals are 0.
  Gatherer(const ConvolutionTask& task, const KernelSet& kernels, int depth,
           A outside);

  // Rows of output pixels [pixel, pixel + rows), `stride` elements apart; what
  // lies between them is any.
  // `input` points to the picture's first pixel, at the group's first channel.
  void Gather(const In* input, int64_t pixel, int rows, A* to,
              int64_t stride) const;

 private:
  // A row's values beyond the kernel.
  void FillBeyond(A* row) const {
    if constexpr (std::is_floating_point_v<A>) {
      for (int k = kernel_ * kernel_ * channels_; k < depth_; ++k) row[k] = 0;
    }
  }
  void Copy(const In* from, int64_t count, A* to) const;
  void GatherPixel(const In* input, int y, int x, A* to) const;
  int GatherRuns(const In* input, int y, int x, int most, A* to,
                 int64_t stride) const;
  void CopyRuns(const A* from, int64_t row_step, int pixels, A* to,
                int64_t stride) const;
  int WidenRuns(const In* from, int64_t row_step, int pixels, A* to,
                int64_t stride) const;

  decltype(KernelSet::widen) widen_ = nullptr;
  decltype(KernelSet::gather_runs) gather_runs_ = nullptr;
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
      gather_runs_(kernels.gather_runs),
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

// Pixels from (y, x) on, at most `most` and in one row, whose kernels lie
// inside the picture, by whole kernel rows; returns how many.
template <typename In, typename A>
int Gatherer<In, A>::GatherRuns(const In* input, int y, int x, int most, A* to,
                                int64_t stride) const {
  if (input_stride_ != channels_) return 0;
  const int top = y * stride_ - padding_;
  const int left = x * stride_ - padding_;
  const int64_t row = int64_t{width_} * channels_;
  // The row below holds what is read too much.
  if (top < 0 || top + kernel_ >= height_ || left < 0 || row < 16) return 0;
  const int fitting = (width_ - kernel_ - left) / stride_ + 1;
  const int pixels = std::min({most, out_width_ - x, fitting});
  if (width_ - kernel_ - left < 0 || pixels <= 0) return 0;
  const In* const from = input + top * row + int64_t{left} * channels_;
  if constexpr (sizeof(In) == sizeof(A)) {
    CopyRuns(from, row, pixels, to, stride);
    return pixels;
  } else {
    return WidenRuns(from, row, pixels, to, stride);
  }
}

template <typename In, typename A>
void Gatherer<In, A>::CopyRuns(const A* from, int64_t row_step, int pixels,
                               A* to, int64_t stride) const {
  gather_runs_(reinterpret_cast<const uint8_t*>(from),
               stride_ * channels_ * int64_t{sizeof(A)}, row_step * sizeof(A),
               kernel_, kernel_ * channels_ * int64_t{sizeof(A)}, pixels,
               reinterpret_cast<uint8_t*>(to), stride * sizeof(A));
  for (int p = 0; p < pixels; ++p) FillBeyond(to + p * stride);
}

// Short rows: what lies under the kernels of some neighbours is widened once.
template <typename In, typename A>
int Gatherer<In, A>::WidenRuns(const In* from, int64_t row_step, int pixels,
                               A* to, int64_t stride) const {
  // Kernels of at most 6 rows then, which leave room for some pixels.
  constexpr int64_t kMostInRow = 48;
  constexpr int64_t kValues = 4096;
  constexpr int64_t kVector = 16;
  if (stride > kMostInRow) return 0;
  A lines[kValues];
  const int64_t step = int64_t{stride_} * channels_;
  const int64_t run = int64_t{kernel_} * channels_;
  // Two vectors for what is read too much here and by CopyRuns.
  const int64_t room = kValues / kernel_ - run - 2 * kVector;
  pixels = static_cast<int>(std::min<int64_t>(pixels, room / step + 1));
  const int64_t line = RoundUp((pixels - 1) * step + run, kVector);
  const int64_t line_step = line + kVector;
  for (int i = 0; i < kernel_; ++i) {
    widen_(from + i * row_step, line, lines + i * line_step);
  }
  CopyRuns(lines, line_step, pixels, to, stride);
  return pixels;
}

template <typename In, typename A>
void Gatherer<In, A>::Gather(const In* input, int64_t pixel, int rows, A* to,
                             int64_t stride) const {
  int y = static_cast<int>(pixel / out_width_);
  int x = static_cast<int>(pixel % out_width_);
  for (int i = 0; i < rows;) {
    A* const at = to + i * stride;
    int done = GatherRuns(input, y, x, rows - i, at, stride);
    if (done == 0) {
      GatherPixel(input, y, x, at);
      FillBeyond(at);
      done = 1;
    }
    i += done;
    x += done;
    if (x == out_width_) {
      x = 0;
      ++y;
    }
  }
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_GATHER_H_
