#include "eval/preprocess.h"

#include <opencv2/imgproc.hpp>

#include "eval/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace yoloq {
namespace {

Picture RandomPicture(int width, int height, uint64_t seed) {
  Picture picture{width, height, {}};
  picture.rgb.resize(size_t{3} * width * height);
  Random random(seed);
  for (uint8_t& value : picture.rgb) value = random.Below(256);
  return picture;
}

// OpenCV's INTER_LINEAR, the independent answer.
cv::Mat OpenCvResize(const Picture& picture, int width, int height) {
  const cv::Mat source(picture.height, picture.width, CV_8UC3,
                       const_cast<uint8_t*>(picture.rgb.data()));
  cv::Mat target;
  cv::resize(source, target, cv::Size(width, height), 0, 0, cv::INTER_LINEAR);
  return target;
}

// Largest difference between the input's rectangle at (left, top) and
// `expected`.
int MaxDifference(const NetworkInput& input, const cv::Mat& expected, int left,
                  int top) {
  int worst = 0;
  const int side = input.placement.input_side;
  for (int y = 0; y < expected.rows; ++y) {
    for (int x = 0; x < 3 * expected.cols; ++x) {
      const int ours = input.rgb[3 * ((top + y) * side + left) + x];
      worst = std::max(worst, std::abs(ours - int{expected.ptr(y)[x]}));
    }
  }
  return worst;
}

TEST(MakeNetworkInputTest, StretchAgreesWithOpenCvWithinALevel) {
  for (const auto& [width, height] :
       std::vector<std::pair<int, int>>{{500, 375},
                                        {333, 500},
                                        {100, 80},
                                        {416, 416},
                                        {1, 7},
                                        {2, 1},
                                        {1000, 13},
                                        {831, 417}}) {
    const Picture picture = RandomPicture(width, height, width);
    for (const int side : {32, 320, 416}) {
      const NetworkInput input =
          MakeNetworkInput(picture, side, PreprocessSpec::STRETCH);
      ASSERT_EQ(input.rgb.size(), 3 * side * side);
      EXPECT_LE(MaxDifference(input, OpenCvResize(picture, side, side), 0, 0),
                1)
          << width << " x " << height << " to " << side;
    }
  }
}

TEST(MakeNetworkInputTest, TheSameSizeIsACopy) {
  const Picture picture = RandomPicture(64, 64, 1);
  EXPECT_EQ(MakeNetworkInput(picture, 64, PreprocessSpec::STRETCH).rgb,
            picture.rgb);
}

// Two pixels, 0 and 200, to four: centres at -1/4, 1/4, 3/4, 5/4.
TEST(MakeNetworkInputTest, SamplesAtHalfPixelCentres) {
  const Picture picture{2, 1, {0, 0, 0, 200, 200, 200}};
  const NetworkInput input =
      MakeNetworkInput(picture, 4, PreprocessSpec::STRETCH);
  for (int x = 0; x < 4; ++x) {
    EXPECT_EQ(input.rgb[3 * x], (std::vector<int>{0, 50, 150, 200})[x]);
  }
}

TEST(MakeNetworkInputTest, LetterboxKeepsTheAspectRatioOnGrey) {
  const Picture picture = RandomPicture(500, 375, 2);
  const NetworkInput input =
      MakeNetworkInput(picture, 416, PreprocessSpec::LETTERBOX);
  EXPECT_EQ(input.placement.left, 0);
  EXPECT_EQ(input.placement.top, 52);
  EXPECT_EQ(input.placement.width, 416);
  EXPECT_EQ(input.placement.height, 312);
  EXPECT_LE(MaxDifference(input, OpenCvResize(picture, 416, 312), 0, 52), 1);
  for (const int y : {0, 51, 364, 415}) {
    for (int i = 0; i < 3 * 416; ++i) {
      ASSERT_EQ(input.rgb[3 * 416 * y + i], 128) << "row " << y;
    }
  }
}

TEST(MakeNetworkInputTest, LetterboxOfATallPictureLeavesTheSidesGrey) {
  const Picture picture = RandomPicture(10, 1000, 3);
  const NetworkInput input =
      MakeNetworkInput(picture, 32, PreprocessSpec::LETTERBOX);
  EXPECT_EQ(input.placement.width, 1);
  EXPECT_EQ(input.placement.height, 32);
  EXPECT_EQ(input.placement.left, 15);
  EXPECT_EQ(input.rgb[3 * 14], 128);
  EXPECT_EQ(input.rgb[3 * 16], 128);
}

TEST(ToPictureTest, UndoesTheStretch) {
  const Placement placement{0, 0, 416, 416, 416, 500, 375};
  const Box box = ToPicture({0.25f, 0.5f, 0.75f, 1.0f}, placement);
  EXPECT_FLOAT_EQ(box.left, 125);
  EXPECT_FLOAT_EQ(box.top, 187.5);
  EXPECT_FLOAT_EQ(box.right, 375);
  EXPECT_FLOAT_EQ(box.bottom, 375);
}

TEST(ToPictureTest, UndoesTheLetterbox) {
  const Placement placement{0, 52, 416, 312, 416, 500, 375};
  // The picture's own corners.
  const Box box = ToPicture({0, 52 / 416.0f, 1, 364 / 416.0f}, placement);
  EXPECT_NEAR(box.left, 0, 1e-4);
  EXPECT_NEAR(box.top, 0, 1e-4);
  EXPECT_NEAR(box.right, 500, 1e-4);
  EXPECT_NEAR(box.bottom, 375, 1e-4);
}

TEST(ToPictureTest, ClipsToThePicture) {
  const Placement placement{0, 52, 416, 312, 416, 500, 375};
  const Box box = ToPicture({-0.5f, 0, 1.5f, 1}, placement);
  EXPECT_EQ(box.left, 0);
  EXPECT_EQ(box.top, 0);
  EXPECT_EQ(box.right, 500);
  EXPECT_EQ(box.bottom, 375);
}

}  // namespace
}  // namespace yoloq
