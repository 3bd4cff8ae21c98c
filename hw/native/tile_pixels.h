// The input pixels under a tile of outputs.
#ifndef YOLOQ_HW_NATIVE_TILE_PIXELS_H_
#define YOLOQ_HW_NATIVE_TILE_PIXELS_H_

#include <cstdint>
#include <type_traits>
#include <vector>

#include "hw/native/winograd_tiles.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// Of one convolution with a kernel of 3 x 3. `In` is uint8_t or float.
template <typename In>
class TilePixels {
 public:
  // The most under a tile: at stride 2.
  static constexpr int kMost = 81;

  explicit TilePixels(const ConvolutionTask& task)
      : height_(task.input.height()),
        width_(task.input.width()),
        stride_(task.op.stride()),
        padding_(task.op.padding()),
        input_stride_(task.input_stride),
        zero_point_(std::is_same_v<In, uint8_t>
                        ? task.input_quantization.zero_point()
                        : 0),
        outside_(task.input.channels(), static_cast<In>(zero_point_)) {}

  // Of bytes; 0 in reals.
  int zero_point() const { return zero_point_; }

  // pixels[i] points to the first channel of pixel i, row by row.
  void Find(const In* input, const WinogradTile& tile,
            const In** pixels) const {
    const int top = tile.y * stride_ - padding_;
    const int left = tile.x * stride_ - padding_;
    const int down = (tile.down - 1) * stride_ + 3;
    const int across = (tile.across - 1) * stride_ + 3;
    if (top >= 0 && left >= 0 && top + down <= height_ &&
        left + across <= width_) {
      const In* row = input + (int64_t{top} * width_ + left) * input_stride_;
      for (int i = 0; i < down; ++i, row += width_ * input_stride_) {
        for (int j = 0; j < across; ++j) *pixels++ = row + j * input_stride_;
      }
      return;
    }
    for (int y = top; y < top + down; ++y) {
      for (int x = left; x < left + across; ++x) {
        const bool inside = y >= 0 && y < height_ && x >= 0 && x < width_;
        *pixels++ = inside ? input + (int64_t{y} * width_ + x) * input_stride_
                           : outside_.data();
      }
    }
  }

 private:
  const int height_;
  const int width_;
  const int stride_;
  const int padding_;
  const int64_t input_stride_;
  const int zero_point_;
  const std::vector<In> outside_;  // a pixel of padding
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_TILE_PIXELS_H_
