#include "model/training/augmentation.h"

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "eval/preprocess.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// Every pixel another colour.
Picture Pattern(int width, int height) {
  Picture picture{width, height, {}};
  Random random(7);
  for (int i = 0; i < 3 * width * height; ++i) {
    picture.rgb.push_back(static_cast<uint8_t>(random.Below(256)));
  }
  return picture;
}

GroundTruthObject Object(float left, float top, float right, float bottom) {
  GroundTruthObject object;
  object.box = {left, top, right, bottom};
  object.class_index = 3;
  return object;
}

TEST(AugmentationTest, WithoutChangesIsThePreprocessingOfEvaluation) {
  const Picture picture = Pattern(50, 30);
  for (const auto resize :
       {PreprocessSpec::STRETCH, PreprocessSpec::LETTERBOX}) {
    const TrainingImage image =
        Augment(picture, {}, 32, resize, AugmentationDraw());
    EXPECT_EQ(image.rgb, MakeNetworkInput(picture, 32, resize).rgb);
  }
}

TEST(AugmentationTest, MapsBoxesOfVocPixels) {
  // Pixels 11 to 20 across and 1 to 20 down of 40 x 20: [10, 20] x [0, 20].
  const TrainingImage image =
      Augment(Pattern(40, 20), {Object(11, 1, 20, 20)}, 32,
              PreprocessSpec::STRETCH, AugmentationDraw());
  ASSERT_EQ(image.truth.size(), 1);
  EXPECT_FLOAT_EQ(image.truth[0].x, 0.375);
  EXPECT_FLOAT_EQ(image.truth[0].y, 0.5);
  EXPECT_FLOAT_EQ(image.truth[0].width, 0.25);
  EXPECT_FLOAT_EQ(image.truth[0].height, 1);
  EXPECT_EQ(image.truth[0].class_index, 3);
  EXPECT_FALSE(image.truth[0].ignored);
}

TEST(AugmentationTest, LetterboxMovesBoxes) {
  // 40 x 20 in 32 x 32: 16 rows from row 8 on.
  const TrainingImage image =
      Augment(Pattern(40, 20), {Object(1, 1, 40, 10)}, 32,
              PreprocessSpec::LETTERBOX, AugmentationDraw());
  ASSERT_EQ(image.truth.size(), 1);
  EXPECT_FLOAT_EQ(image.truth[0].y, (8 + 4) / 32.0f);
  EXPECT_FLOAT_EQ(image.truth[0].height, 8 / 32.0f);
}

TEST(AugmentationTest, FlipsPictureAndBoxes) {
  const Picture picture = Pattern(32, 32);
  AugmentationDraw draw;
  draw.flip = true;
  const TrainingImage image = Augment(picture, {Object(1, 1, 8, 32)}, 32,
                                      PreprocessSpec::STRETCH, draw);
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(image.rgb[3 * (5 * 32 + 2) + c],
              picture.rgb[3 * (5 * 32 + 29) + c]);
  }
  ASSERT_EQ(image.truth.size(), 1);
  EXPECT_FLOAT_EQ(image.truth[0].x, 1 - 4 / 32.0f);
  EXPECT_FLOAT_EQ(image.truth[0].width, 8 / 32.0f);
}

TEST(AugmentationTest, CropsInsideAndOutsideThePicture) {
  const Picture picture = Pattern(32, 32);
  AugmentationDraw draw;
  draw.left = 0.25;   // 8 pixels off
  draw.right = 1.25;  // 8 pixels of grey
  const TrainingImage image = Augment(
      picture,
      // Centre cut off; cut at the left edge; whole.
      {Object(1, 1, 12, 32), Object(5, 1, 20, 16), Object(21, 1, 24, 32)}, 32,
      PreprocessSpec::STRETCH, draw);
  EXPECT_EQ(image.rgb[3 * 32 * 4], picture.rgb[3 * (32 * 4 + 8)]);
  EXPECT_EQ(image.rgb[3 * (32 * 4 + 23)], picture.rgb[3 * (32 * 4 + 31)]);
  EXPECT_EQ(image.rgb[3 * (32 * 4 + 24)], 128);
  ASSERT_EQ(image.truth.size(), 2);
  EXPECT_FLOAT_EQ(image.truth[0].x, 6 / 32.0f);  // [0, 12]
  EXPECT_FLOAT_EQ(image.truth[0].width, 12 / 32.0f);
  EXPECT_FLOAT_EQ(image.truth[1].x, 14 / 32.0f);
}

TEST(AugmentationTest, DifficultObjectsAreIgnoredAndSpecksDropped) {
  std::vector<GroundTruthObject> objects = {Object(1, 1, 64, 64),
                                            Object(3, 3, 3, 64)};
  objects[0].difficult = true;
  // A pixel of 64 is half a pixel of 32.
  const TrainingImage image =
      Augment(Pattern(64, 64), objects, 32, PreprocessSpec::STRETCH, {});
  ASSERT_EQ(image.truth.size(), 1);
  EXPECT_TRUE(image.truth[0].ignored);
}

// OpenCV computes the same in float: hue in degrees.
TEST(AugmentationTest, ColoursAsOpenCvDoes) {
  const Picture picture = Pattern(32, 32);
  AugmentationDraw draw;
  draw.hue = -0.08;
  draw.saturation = 1.4;
  draw.exposure = 0.7;
  const TrainingImage image =
      Augment(picture, {}, 32, PreprocessSpec::STRETCH, draw);
  const cv::Mat bytes(32, 32, CV_8UC3,
                      const_cast<uint8_t*>(picture.rgb.data()));
  cv::Mat values, hsv, back;
  bytes.convertTo(values, CV_32FC3, 1 / 255.0);
  cv::cvtColor(values, hsv, cv::COLOR_RGB2HSV);
  hsv.forEach<cv::Vec3f>([&](cv::Vec3f& pixel, const int*) {
    pixel[0] = std::fmod(pixel[0] + 360 - 0.08f * 360, 360.0f);
    pixel[1] = std::min(1.0f, pixel[1] * 1.4f);
    pixel[2] = std::min(1.0f, pixel[2] * 0.7f);
  });
  cv::cvtColor(hsv, back, cv::COLOR_HSV2RGB);
  int different = 0;
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      for (int c = 0; c < 3; ++c) {
        const float expected = back.at<cv::Vec3f>(y, x)[c] * 255;
        EXPECT_NEAR(image.rgb[3 * (32 * y + x) + c], expected, 0.6);
        different += std::abs(expected - picture.rgb[3 * (32 * y + x) + c]) > 1;
      }
    }
  }
  EXPECT_GT(different, 1000);
}

TEST(AugmentationTest, DrawsDependOnSeedEpochAndImageAlone) {
  AugmentationSpec spec;
  spec.set_jitter(0.2);
  spec.set_flip(true);
  spec.set_hue(0.1);
  spec.set_saturation(1.5);
  spec.set_exposure(1.5);
  const auto draw = [&](uint64_t seed, int epoch, int index) {
    Random random = AugmentationRandom(seed, epoch, index);
    return DrawAugmentation(spec, &random);
  };
  EXPECT_EQ(draw(1, 2, 3).left, draw(1, 2, 3).left);
  EXPECT_NE(draw(1, 2, 3).left, draw(2, 2, 3).left);
  EXPECT_NE(draw(1, 2, 3).left, draw(1, 3, 3).left);
  EXPECT_NE(draw(1, 2, 3).left, draw(1, 2, 4).left);
  int flips = 0;
  for (int i = 0; i < 1000; ++i) {
    const AugmentationDraw one = draw(1, 0, i);
    flips += one.flip;
    EXPECT_LE(std::abs(one.left), 0.2);
    EXPECT_LE(std::abs(one.bottom - 1), 0.2);
    EXPECT_LE(std::abs(one.hue), 0.1);
    EXPECT_LE(std::abs(std::log(one.saturation)), std::log(1.5) + 1e-12);
  }
  EXPECT_NEAR(flips, 500, 60);
}

TEST(AugmentationTest, NothingAskedNothingDone) {
  Random random(1);
  const AugmentationDraw draw = DrawAugmentation(AugmentationSpec(), &random);
  EXPECT_EQ(draw.left, 0);
  EXPECT_EQ(draw.right, 1);
  EXPECT_FALSE(draw.flip);
  EXPECT_EQ(draw.saturation, 1);
}

TEST(AugmentationTest, ErrorsNameTheField) {
  AugmentationSpec spec;
  spec.set_saturation(0.5);
  EXPECT_THAT(CheckAugmentation(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("augmentation.saturation is 0.5, it must be "
                                 "from 1 to 10")));
}

}  // namespace
}  // namespace yoloq
