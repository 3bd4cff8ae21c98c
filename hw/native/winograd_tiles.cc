#include "hw/native/winograd_tiles.h"

#include "hw/native/workers.h"

namespace yoloq {
namespace native {
namespace {

// The size of the last tile along an axis of `length` outputs, 0 where whole
// tiles cover it.
int Remainder(int length) { return length % 4 == 3 ? 0 : length % 4; }

}  // namespace

WinogradTiles::WinogradTiles(int height, int width, int outputs,
                             bool remainders) {
  const int64_t whole_tiles =
      CeilDivide(height, outputs) * CeilDivide(width, outputs);
  if (remainders && whole_tiles <= kFewTiles) {
    down_ = Remainder(height);
    across_ = Remainder(width);
  }
  const int inner_height = height - down_;
  const int inner_width = width - across_;
  for (int y = 0; across_ > 0 && y < inner_height; y += outputs) {
    tiles_.push_back({y, inner_width, outputs, across_});
  }
  right_ = size();
  for (int y = 0; y < inner_height; y += outputs) {
    for (int x = 0; x < inner_width; x += outputs) {
      tiles_.push_back({y, x, outputs, outputs});
    }
  }
  lower_ = size();
  for (int x = 0; down_ > 0 && x < inner_width; x += outputs) {
    tiles_.push_back({inner_height, x, down_, outputs});
  }
  corner_ = size();
  if (down_ > 0 && across_ > 0) {
    tiles_.push_back({inner_height, inner_width, down_, across_});
  }
}

int64_t WinogradTiles::EndOfWidth(int64_t i) const {
  if (across_ == 0) return size();
  return i < right_ ? right_ : i < corner_ ? corner_ : size();
}

int64_t WinogradTiles::SideBySide(int64_t i, int64_t most) const {
  const WinogradTile& first = tiles_[i];
  int64_t count = 1;
  while (count < most && tiles_[i + count].y == first.y &&
         tiles_[i + count].x == first.x + count * first.across &&
         tiles_[i + count].down == first.down &&
         tiles_[i + count].across == first.across) {
    ++count;
  }
  return count;
}

}  // namespace native
}  // namespace yoloq
