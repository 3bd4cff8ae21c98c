// The picture with its padding written out, so that the values under one row of
// a kernel lie together wherever the kernel stands.
#ifndef YOLOQ_HW_NATIVE_PADDED_INPUT_H_
#define YOLOQ_HW_NATIVE_PADDED_INPUT_H_

#include <cstdint>
#include <cstring>

#include "hw/native/plan.h"

namespace yoloq {
namespace native {

// Rows of a padded picture: padded_width() pixels of all channels, close
// together.
template <typename T>
class PaddedInput {
 public:
  // `outside` is the value of padding.
  PaddedInput(const ConvolutionTask& task, T outside)
      : channels_(task.input.channels()),
        height_(task.input.height()),
        width_(task.input.width()),
        padding_(task.op.padding()),
        input_stride_(task.input_stride),
        outside_(outside) {}

  int64_t row_values() const {
    return int64_t{width_ + 2 * padding_} * channels_;
  }

  // Row `row` of the padded picture, which begins `padding` rows above the
  // input.
  void CopyRow(const T* input, int row, T* to) const {
    const int y = row - padding_;
    if (y < 0 || y >= height_) {
      Fill(row_values(), to);
      return;
    }
    const int64_t margin = int64_t{padding_} * channels_;
    Fill(margin, to);
    T* middle = to + margin;
    const T* from = input + int64_t{y} * width_ * input_stride_;
    if (input_stride_ == channels_) {
      std::memcpy(middle, from, int64_t{width_} * channels_ * sizeof(T));
      middle += int64_t{width_} * channels_;
    } else {
      for (int x = 0; x < width_; ++x) {
        std::memcpy(middle, from, channels_ * sizeof(T));
        middle += channels_;
        from += input_stride_;
      }
    }
    Fill(margin, middle);
  }

 private:
  void Fill(int64_t count, T* to) const {
    for (int64_t i = 0; i < count; ++i) to[i] = outside_;
  }

  int channels_;
  int height_;
  int width_;
  int padding_;
  int64_t input_stride_;
  T outside_;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_PADDED_INPUT_H_
