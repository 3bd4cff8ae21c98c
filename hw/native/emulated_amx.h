// AMX's intrinsics on processors without it, for tests of kernels_avx512amx.cc:
// those that it uses, exact, and with an end of the program, which says why,
// where the processor would raise an exception.
#ifndef YOLOQ_HW_NATIVE_EMULATED_AMX_H_
#define YOLOQ_HW_NATIVE_EMULATED_AMX_H_

#define YOLOQ_EMULATED_AMX

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace yoloq {
namespace native {

// The tile registers of a thread.
class EmulatedTiles {
 public:
  static EmulatedTiles& OfThisThread() {
    static thread_local EmulatedTiles tiles;
    return tiles;
  }

  // ldtilecfg: 64 bytes. All tiles become zero.
  void Configure(const void* from) {
    uint8_t bytes[64];
    memcpy(bytes, from, sizeof(bytes));
    Check(bytes[0] == 1, "a palette that is not 1");
    for (int i = 1; i < 16; ++i) Check(bytes[i] == 0, "a reserved byte is set");
    for (int tile = 0; tile < 16; ++tile) {
      uint16_t row_bytes;
      memcpy(&row_bytes, bytes + 16 + 2 * tile, sizeof(row_bytes));
      const int rows = bytes[48 + tile];
      Check(tile < kTiles || (rows == 0 && row_bytes == 0), "a ninth tile");
      Check(rows <= kRows, "more than 16 rows");
      Check(row_bytes <= kBytes, "more than 64 bytes a row");
      Check((rows == 0) == (row_bytes == 0), "rows without bytes");
      if (tile < kTiles) tiles_[tile] = {rows, row_bytes, {}};
    }
    configured_ = true;
  }

  void Release() {
    for (Tile& tile : tiles_) tile = {};
    configured_ = false;
  }

  void Load(int i, const void* from, int64_t stride) {
    Tile& tile = At(i);
    memset(tile.data, 0, sizeof(tile.data));
    for (int row = 0; row < tile.rows; ++row) {
      memcpy(tile.data[row], static_cast<const char*>(from) + row * stride,
             tile.row_bytes);
    }
  }

  void Store(int i, void* to, int64_t stride) {
    const Tile& tile = At(i);
    for (int row = 0; row < tile.rows; ++row) {
      memcpy(static_cast<char*>(to) + row * stride, tile.data[row],
             tile.row_bytes);
    }
  }

  void Zero(int i) {
    Tile& tile = At(i);
    memset(tile.data, 0, sizeof(tile.data));
  }

  // tdpbusd: tile `sum` += tile `a` (u8) times tile `b` (s8), modulo 2^32.
  void MultiplyAdd(int sum, int a, int b) {
    Check(sum != a && sum != b && a != b, "one tile for two operands");
    Tile& to = At(sum);
    const Tile& left = At(a);
    const Tile& right = At(b);
    Check(to.rows == left.rows, "other rows than the sums'");
    Check(to.row_bytes == right.row_bytes, "other columns than the sums'");
    Check(left.row_bytes % 4 == 0 && right.row_bytes % 4 == 0, "a part of 4");
    Check(left.row_bytes / 4 == right.rows, "other values of k");
    // All 16 columns, so that the compiler makes vectors of them: what is
    // beyond a tile's shape is 0.
    uint32_t weights[kBytes][kColumns];
    for (int k = 0; k < left.row_bytes; ++k) {
      for (int j = 0; j < kColumns; ++j) {
        weights[k][j] = static_cast<int8_t>(right.data[k / 4][4 * j + k % 4]);
      }
    }
    for (int row = 0; row < to.rows; ++row) {
      uint32_t sums[kColumns];
      memcpy(sums, to.data[row], sizeof(sums));
      for (int k = 0; k < left.row_bytes; ++k) {
        const uint32_t value = left.data[row][k];
        for (int j = 0; j < kColumns; ++j) sums[j] += value * weights[k][j];
      }
      memcpy(to.data[row], sums, sizeof(sums));
    }
  }

 private:
  static constexpr int kTiles = 8;
  static constexpr int kRows = 16;
  static constexpr int kBytes = 64;
  static constexpr int kColumns = kBytes / 4;

  struct Tile {
    int rows = 0;
    int row_bytes = 0;
    uint8_t data[kRows][kBytes] = {};
  };

  static void Check(bool holds, const char* otherwise) {
    if (holds) return;
    fprintf(stderr, "emulated AMX: %s\n", otherwise);
    abort();
  }

  Tile& At(int i) {
    Check(configured_, "tiles are used without a configuration");
    Check(tiles_[i].rows > 0, "a tile is used that has no rows");
    return tiles_[i];
  }

  bool configured_ = false;
  Tile tiles_[kTiles];
};

}  // namespace native
}  // namespace yoloq

#define _tile_loadconfig(from) EmulatedTiles::OfThisThread().Configure(from)
#define _tile_release() EmulatedTiles::OfThisThread().Release()
#define _tile_loadd(tile, from, stride) \
  EmulatedTiles::OfThisThread().Load(tile, from, stride)
#define _tile_stored(tile, to, stride) \
  EmulatedTiles::OfThisThread().Store(tile, to, stride)
#define _tile_zero(tile) EmulatedTiles::OfThisThread().Zero(tile)
#define _tile_dpbusd(sum, a, b) \
  EmulatedTiles::OfThisThread().MultiplyAdd(sum, a, b)

#endif  // YOLOQ_HW_NATIVE_EMULATED_AMX_H_
