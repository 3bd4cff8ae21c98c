// The tiles of outputs into which Winograd's algorithm cuts a map.
#ifndef YOLOQ_HW_NATIVE_WINOGRAD_TILES_H_
#define YOLOQ_HW_NATIVE_WINOGRAD_TILES_H_

#include <cstdint>
#include <vector>

namespace yoloq {
namespace native {

// Up to so many tiles, all are transformed at once, the remainders are computed
// by smaller tiles, and the threads share the output channels: each weight is
// read once.
inline constexpr int64_t kFewTiles = 64;

// A tile of outputs: its first pixel and its size, beyond the map where there
// is no smaller tile.
struct WinogradTile {
  int y = 0;
  int x = 0;
  int down = 0;
  int across = 0;
};

// All tiles, row by row; or in an order in which those that have a given
// frequency are neighbours: right edge, whole tiles, lower edge, corner.
class WinogradTiles {
 public:
  // Tiles of `outputs` outputs each way, and smaller ones of F(4,3) for the
  // remainders, if `remainders`, where they are few.
  WinogradTiles(int height, int width, int outputs, bool remainders);

  int64_t size() const { return tiles_.size(); }
  bool few() const { return size() <= kFewTiles; }
  const WinogradTile& operator[](int64_t i) const { return tiles_[i]; }

  // The tiles that have frequency (row, column).
  int64_t begin(int /*row*/, int column) const {
    return AtRightEdge(column) ? 0 : right_;
  }
  int64_t end(int row, int column) const {
    if (down_ > 0 && !HasFrequency(down_, row)) return lower_;
    return AtRightEdge(column) ? size() : corner_;
  }

  // Tiles from the i-th up to there have its size across.
  int64_t EndOfWidth(int64_t i) const;

  // Tiles from the i-th on, at most `most`, that are of one size and lie side
  // by side. Requires i + most <= size().
  int64_t SideBySide(int64_t i, int64_t most) const;

 private:
  // Whether a tile of F(4,3) of that size has that frequency along an axis.
  static bool HasFrequency(int outputs, int frequency) {
    return outputs == 4 || frequency == 5 || frequency < outputs + 1;
  }
  // Whether the tiles there have a column of frequencies.
  bool AtRightEdge(int column) const {
    return across_ == 0 || HasFrequency(across_, column);
  }

  std::vector<WinogradTile> tiles_;
  int down_ = 0;  // sizes of remainders, 0 where there are none
  int across_ = 0;
  int64_t right_ = 0;  // ends of the parts
  int64_t lower_ = 0;
  int64_t corner_ = 0;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WINOGRAD_TILES_H_
