// The studies on a tiny profile: what they measure, and that it is what whole
// runs measure.
#include <string>

#include "experiments/ablation_study.h"
#include "experiments/sensitivity_study.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tiny_run.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(SensitivityStudyTest, MeasuresEachConvolutionBothWays) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 3, 3));
  const RunnerOptions options = OptionsFor(TestFolder());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const SensitivityResult study,
                             StudySensitivity(profile, options));
  ASSERT_THAT(study.layers(), SizeIs(75));
  EXPECT_EQ(study.layers(0).node(), "conv_0");
  EXPECT_EQ(study.layers(0).part(), "BACKBONE");
  EXPECT_EQ(study.layers(74).part(), "HEAD");
  // 3 x 3 x 3 weights for each of 8 channels, and their biases.
  EXPECT_EQ(study.layers(0).weight_bytes(), 4 * (27 * 8 + 8));
  for (const LayerSensitivity& layer : study.layers()) {
    EXPECT_TRUE(layer.has_map_alone_int8()) << layer.node();
    EXPECT_TRUE(layer.has_map_alone_fp32()) << layer.node();
    EXPECT_LE(layer.alone_int8_interval().low(),
              layer.alone_int8_interval().high());
  }
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults rows,
                             RunByName({"baseline", "ptq"}, profile, options));
  EXPECT_EQ(study.images(), 3);
  EXPECT_EQ(study.map_fp32(), Row(rows, "baseline").accuracy().map_area());
  EXPECT_EQ(study.map_int8(), Row(rows, "ptq").accuracy().map_area());
}

TEST(SensitivityStudyTest, NeedsData) {
  EXPECT_THAT(StudySensitivity(NoiseProfile(), OptionsFor(TestFolder())),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("profile noise has no data")));
}

AblationSpec Recipes() {
  AblationSpec spec;
  EXPECT_TRUE(
      ParseTextProto(
          R"pb(
            plain: "plain"
            recipes {
              name: "plain"
              quantization { scheme: "qnnpack" }
            }
            recipes {
              name: "better"
              quantization { scheme: "per_channel" bias_correction: true }
            }
            recipes {
              name: "trained"
              quantization { scheme: "qnnpack" }
              qat { epochs: 2 }
            }
          )pb",
          "recipes", &spec)
          .ok());
  return spec;
}

TEST(AblationStudyTest, MeasuresEachRecipeAgainstFp32) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 3, 3));
  YOLOQ_ASSERT_OK(
      MergeTextProto("training { epochs: 1 threads: 1 }", "test", &profile));
  const RunnerOptions options = OptionsFor(TestFolder());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const AblationResult study,
                             StudyAblation(Recipes(), profile, options));
  ASSERT_THAT(study.rows(), SizeIs(3));
  EXPECT_EQ(study.plain_recipe(), "plain");
  for (const AblationRow& row : study.rows()) {
    EXPECT_TRUE(row.has_map()) << row.recipe();
    EXPECT_GT(row.seconds(), 0) << row.recipe();
  }
  EXPECT_FALSE(study.rows(1).trained());
  EXPECT_TRUE(study.rows(2).trained());
  EXPECT_THAT(study.rows(1).spec(), HasSubstr("bias_correction: true"));

  profile.mutable_quantization()->set_scheme("qnnpack");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults rows,
                             RunByName({"baseline", "ptq"}, profile, options));
  EXPECT_EQ(study.map_fp32(), Row(rows, "baseline").accuracy().map_area());
  EXPECT_EQ(study.rows(0).map(), Row(rows, "ptq").accuracy().map_area());
}

TEST(AblationStudyTest, TrainedRecipesNeedTraining) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 2, 2));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const AblationResult study,
      StudyAblation(Recipes(), profile, OptionsFor(TestFolder())));
  EXPECT_FALSE(study.rows(2).has_map());
  EXPECT_EQ(study.rows(2).not_run(), "the profile has no training");
  EXPECT_TRUE(study.rows(1).has_map());
}

}  // namespace
}  // namespace yoloq
