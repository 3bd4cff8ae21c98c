#include "hw/native/winograd_tiles.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "tools/base/testing.h"

namespace yoloq {
namespace native {
namespace {

// How often the tiles cover each output of a map.
std::vector<int> Coverage(const WinogradTiles& tiles, int height, int width) {
  std::vector<int> covered(height * width);
  for (int64_t t = 0; t < tiles.size(); ++t) {
    const WinogradTile& tile = tiles[t];
    for (int y = tile.y; y < std::min(height, tile.y + tile.down); ++y) {
      for (int x = tile.x; x < std::min(width, tile.x + tile.across); ++x) {
        ++covered[y * width + x];
      }
    }
  }
  return covered;
}

class WinogradTilesTest
    : public testing::TestWithParam<std::tuple<int, int, bool>> {};

TEST_P(WinogradTilesTest, CoverTheMapOnce) {
  const auto [height, width, remainders] = GetParam();
  for (const int outputs : {2, 4}) {
    const WinogradTiles tiles(height, width, outputs,
                              remainders && outputs == 4);
    EXPECT_EQ(Coverage(tiles, height, width),
              std::vector<int>(height * width, 1));
  }
}

// Frequencies 3 and 4 are those of whole tiles; a tile of one output lacks
// frequency 2.
TEST_P(WinogradTilesTest, ThoseOfAFrequencyAreNeighbours) {
  const auto [height, width, remainders] = GetParam();
  const WinogradTiles tiles(height, width, 4, remainders);
  const auto has = [](int outputs, int frequency) {
    if (outputs == 1) return frequency < 2 || frequency == 5;
    if (outputs == 2) return frequency < 3 || frequency == 5;
    return true;
  };
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column < 6; ++column) {
      for (int64_t t = 0; t < tiles.size(); ++t) {
        EXPECT_EQ(has(tiles[t].down, row) && has(tiles[t].across, column),
                  t >= tiles.begin(row, column) && t < tiles.end(row, column));
      }
    }
  }
}

TEST_P(WinogradTilesTest, TilesAreOfOneWidthUpToItsEnd) {
  const auto [height, width, remainders] = GetParam();
  const WinogradTiles tiles(height, width, 4, remainders);
  for (int64_t t = 0; t < tiles.size(); ++t) {
    const int64_t end = tiles.EndOfWidth(t);
    ASSERT_GT(end, t);
    ASSERT_LE(end, tiles.size());
    for (int64_t i = t; i < end; ++i) {
      EXPECT_EQ(tiles[i].across, tiles[t].across);
    }
  }
}

TEST_P(WinogradTilesTest, SideBySideIsOneRowWithoutAGap) {
  const auto [height, width, remainders] = GetParam();
  const WinogradTiles tiles(height, width, 4, remainders);
  for (int64_t t = 0; t < tiles.size();) {
    const int64_t count =
        tiles.SideBySide(t, std::min<int64_t>(3, tiles.size() - t));
    ASSERT_GE(count, 1);
    ASSERT_LE(count, 3);
    for (int64_t i = 1; i < count; ++i) {
      EXPECT_EQ(tiles[t + i].y, tiles[t].y);
      EXPECT_EQ(tiles[t + i].x, tiles[t].x + i * tiles[t].across);
      EXPECT_EQ(tiles[t + i].down, tiles[t].down);
      EXPECT_EQ(tiles[t + i].across, tiles[t].across);
    }
    t += count;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, WinogradTilesTest,
    testing::Combine(testing::Values(1, 2, 3, 4, 5, 13, 26, 52),
                     testing::Values(1, 2, 7, 8, 13, 26), testing::Bool()));

TEST(WinogradTilesTest, RemaindersTakeSmallerTilesWhereTilesAreFew) {
  const WinogradTiles few(13, 13, 4, /*remainders=*/true);
  EXPECT_TRUE(few.few());
  EXPECT_EQ(few[few.size() - 1].down, 1);
  EXPECT_EQ(few[few.size() - 1].across, 1);
  const WinogradTiles many(41, 41, 4, /*remainders=*/true);
  EXPECT_FALSE(many.few());
  for (int64_t t = 0; t < many.size(); ++t) {
    EXPECT_EQ(many[t].down, 4);
    EXPECT_EQ(many[t].across, 4);
  }
}

}  // namespace
}  // namespace native
}  // namespace yoloq
