#include "hw/native/emulated_amx.h"

#include <gtest/gtest.h>

namespace yoloq {
namespace native {
namespace {

// What ldtilecfg reads: all 8 tiles with no rows but those that are set.
struct Configuration {
  uint8_t bytes[64] = {1};

  Configuration& Set(int tile, int rows, int row_bytes) {
    bytes[16 + 2 * tile] = static_cast<uint8_t>(row_bytes);
    bytes[48 + tile] = static_cast<uint8_t>(rows);
    return *this;
  }
};

// Sums of 2 x 2 in tile 0, activations of 2 x 8 in 1, weights of 2 x 8 in 2.
Configuration Small() {
  return Configuration().Set(0, 2, 8).Set(1, 2, 8).Set(2, 2, 8);
}

// By hand, rows apart from one another and nothing written between them.
TEST(EmulatedAmxTest, MultipliesBytes) {
  const uint8_t a[2][9] = {{1, 2, 3, 4, 255, 255, 255, 255, 99},
                           {0, 0, 0, 5, 6, 0, 0, 0, 99}};
  const int8_t b[2][8] = {{1, 1, 1, 1, -1, 2, -3, 4},
                          {127, 127, 127, 127, -128, -128, -128, -128}};
  int32_t c[2][3] = {{1000, 2000, 77}, {-1, 1, 77}};
  const Configuration configuration = Small();
  _tile_loadconfig(configuration.bytes);
  _tile_loadd(0, c, sizeof(c[0]));
  _tile_loadd(1, a, sizeof(a[0]));
  _tile_loadd(2, b, sizeof(b[0]));
  _tile_dpbusd(0, 1, 2);
  _tile_stored(0, c, sizeof(c[0]));
  EXPECT_EQ(c[0][0], 1000 + 10 + 4 * 255 * 127);
  EXPECT_EQ(c[0][1], 2000 + (-1 + 4 - 9 + 16) - 4 * 255 * 128);
  EXPECT_EQ(c[1][0], -1 + 5 + 6 * 127);
  EXPECT_EQ(c[1][1], 1 + 5 * 4 - 6 * 128);
  EXPECT_EQ(c[0][2], 77);
  EXPECT_EQ(c[1][2], 77);
  _tile_zero(0);
  _tile_dpbusd(0, 1, 2);
  _tile_stored(0, c, sizeof(c[0]));
  EXPECT_EQ(c[1][0], 5 + 6 * 127);
  _tile_release();
}

TEST(EmulatedAmxTest, SumsWrap) {
  const uint8_t a[4] = {1, 0, 0, 0};
  const int8_t b[4] = {1, 0, 0, 0};
  int32_t c = INT32_MAX;
  const Configuration configuration =
      Configuration().Set(0, 1, 4).Set(1, 1, 4).Set(2, 1, 4);
  _tile_loadconfig(configuration.bytes);
  _tile_loadd(0, &c, 4);
  _tile_loadd(1, a, 4);
  _tile_loadd(2, b, 4);
  _tile_dpbusd(0, 1, 2);
  _tile_stored(0, &c, 4);
  EXPECT_EQ(c, INT32_MIN);
  _tile_release();
}

void Multiply(const Configuration& configuration) {
  _tile_loadconfig(configuration.bytes);
  _tile_dpbusd(0, 1, 2);
}

TEST(EmulatedAmxDeathTest, EndsWhereTheProcessorRaisesAnException) {
  EXPECT_DEATH(_tile_zero(0), "without a configuration");
  EXPECT_DEATH(Multiply(Small().Set(0, 17, 8)), "more than 16 rows");
  EXPECT_DEATH(Multiply(Small().Set(1, 2, 68)), "more than 64 bytes a row");
  EXPECT_DEATH(Multiply(Small().Set(3, 2, 0)), "rows without bytes");
  EXPECT_DEATH(Multiply(Small().Set(8, 2, 8)), "a ninth tile");
  EXPECT_DEATH(Multiply(Small().Set(1, 0, 0)), "a tile is used that has no");
  EXPECT_DEATH(Multiply(Small().Set(1, 3, 8)), "other rows than the sums'");
  EXPECT_DEATH(Multiply(Small().Set(0, 2, 12)), "other columns than the");
  EXPECT_DEATH(Multiply(Small().Set(1, 2, 12)), "other values of k");
  EXPECT_DEATH(Multiply(Small().Set(1, 2, 7)), "a part of 4");
  Configuration configuration = Small();
  configuration.bytes[0] = 2;
  EXPECT_DEATH(Multiply(configuration), "a palette that is not 1");
  configuration = Small();
  configuration.bytes[5] = 1;
  EXPECT_DEATH(Multiply(configuration), "a reserved byte is set");
  const auto multiply_with_itself = [] {
    const Configuration small = Small();
    _tile_loadconfig(small.bytes);
    _tile_dpbusd(0, 1, 1);
  };
  EXPECT_DEATH(multiply_with_itself(), "one tile for two operands");
  const auto use_after_release = [] {
    const Configuration small = Small();
    _tile_loadconfig(small.bytes);
    _tile_release();
    _tile_zero(0);
  };
  EXPECT_DEATH(use_after_release(), "without a configuration");
}

}  // namespace
}  // namespace native
}  // namespace yoloq
