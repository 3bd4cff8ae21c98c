#include "eval/accuracy.h"

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

const std::vector<std::string> kNames = {"cat", "dog"};

// Ten images with a cat each, two also with a dog, one of them difficult.
std::vector<VocImage> Images() {
  std::vector<VocImage> images(10);
  for (VocImage& image : images) {
    image.annotation.objects.push_back({{1, 1, 10, 10}, 0, false});
  }
  images[0].annotation.objects.push_back({{21, 1, 30, 10}, 1, false});
  images[1].annotation.objects.push_back({{21, 1, 30, 10}, 1, true});
  return images;
}

// The first `cats` cats, and the dog when asked for.
std::vector<std::vector<Detection>> Found(int cats, bool dog) {
  std::vector<std::vector<Detection>> detections(10);
  for (int i = 0; i < cats; ++i) {
    detections[i].push_back({{0, 0, 10, 10}, 0, 0.9f});
  }
  if (dog) detections[0].push_back({{20, 0, 30, 10}, 1, 0.8f});
  return detections;
}

EvaluationSpec Spec() {
  EvaluationSpec spec;
  spec.set_match_iou_threshold(0.5);
  spec.set_bootstrap_resamples(200);
  spec.set_bootstrap_seed(3);
  return spec;
}

Matches Match(int cats, bool dog) {
  const auto matches = MatchImages(Images(), Found(cats, dog), 2, Spec());
  EXPECT_TRUE(matches.ok()) << matches.status();
  return matches.value_or(Matches());
}

TEST(ComputeAccuracyTest, FillsInTheResult) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const AccuracyResult result,
                             ComputeAccuracy(Match(8, false), kNames, Spec()));
  EXPECT_EQ(result.images(), 10);
  EXPECT_DOUBLE_EQ(result.map_area(), 0.4);
  EXPECT_DOUBLE_EQ(result.map_eleven_point(), 9.0 / 11 / 2);
  ASSERT_EQ(result.classes_size(), 2);
  EXPECT_EQ(result.classes(0).name(), "cat");
  EXPECT_EQ(result.classes(0).objects(), 10);
  EXPECT_DOUBLE_EQ(result.classes(0).ap_area(), 0.8);
  EXPECT_EQ(result.classes(1).objects(), 1);
  EXPECT_DOUBLE_EQ(result.classes(1).ap_area(), 0);
  EXPECT_LT(result.map_area_interval().low(), 0.4);
  EXPECT_GT(result.map_area_interval().high(), 0.4);
  EXPECT_FALSE(result.has_map_change_interval());
}

TEST(ComputeAccuracyTest, RefusesOtherNames) {
  EXPECT_THAT(ComputeAccuracy(Match(8, false), {"cat"}, Spec()),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("1 class names for 2 classes")));
  EvaluationSpec spec = Spec();
  spec.set_bootstrap_resamples(0);
  EXPECT_THAT(
      ComputeAccuracy(Match(8, false), kNames, spec),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("bootstrap_resamples")));
}

TEST(SetMapChangeTest, IsRunMinusBaseline) {
  AccuracyResult result;
  EvaluationSpec spec = Spec();
  YOLOQ_ASSERT_OK(SetMapChange(Match(6, true), Match(8, true), spec, &result));
  EXPECT_NEAR(result.map_change(), -0.1, 1e-12);
  EXPECT_LT(result.map_change_interval().low(), -0.1);
  EXPECT_LE(result.map_change_interval().high(), 0);
  spec.set_table_protocol(EvaluationSpec::ELEVEN_POINT);
  YOLOQ_ASSERT_OK(SetMapChange(Match(6, true), Match(8, true), spec, &result));
  EXPECT_NEAR(result.map_change(), -1.0 / 11, 1e-12);
}

TEST(SetMapChangeTest, RefusesOtherImages) {
  AccuracyResult result;
  EXPECT_THAT(SetMapChange(Match(1, true), Matches(), Spec(), &result),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("same images and objects")));
}

}  // namespace
}  // namespace yoloq
