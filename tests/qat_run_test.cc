// Whole runs with quantization-aware training, comparisons of rows, and several
// draws of calibration images.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tiny_run.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

ProfileSpec TrainableProfile() {
  absl::StatusOr<ProfileSpec> profile = MakeTinyProfile(TestFolder(), 6, 4);
  EXPECT_TRUE(profile.ok()) << profile.status();
  EXPECT_TRUE(MergeTextProto(R"pb(
                               training { epochs: 1 batch_size: 3 threads: 1 }
                               qat {
                                 epochs: 2
                                 learning_rate: 1e-4
                                 batch_norm_freeze_epoch: 1
                                 observer_freeze_epoch: 1
                               }
                             )pb",
                             "test", &*profile)
                  .ok());
  return *profile;
}

std::vector<std::string> Others(const RunResult& result) {
  std::vector<std::string> names;
  for (const PairedDifference& each : result.comparisons()) {
    names.push_back(each.other());
  }
  return names;
}

TEST(QatRunTest, TrainsExportsAndMeasures) {
  const ProfileSpec profile = TrainableProfile();
  const RunnerOptions options = OptionsFor(TestFolder());
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults results,
      RunByName({"baseline", "ptq", "qat"}, profile, options));
  const RunResult qat = Row(results, "qat"), ptq = Row(results, "ptq");
  EXPECT_TRUE(qat.not_run().empty());
  EXPECT_THAT(StageKey(qat, "qat"), SizeIs(64));
  EXPECT_EQ(qat.accuracy().images(), 4);
  EXPECT_EQ(qat.fake_quant_accuracy().images(), 4);
  EXPECT_TRUE(qat.latency().valid());
  // The same network in the same precision, other weights.
  EXPECT_EQ(qat.model_size().weight_bytes(), ptq.model_size().weight_bytes());
  EXPECT_NE(qat.model_size().file_sha256(), ptq.model_size().file_sha256());
  // It saw the training images, and was not calibrated.
  EXPECT_EQ(qat.provenance().input_digests().count("training images (6)"), 1);
  EXPECT_THAT(qat.calibration_ids(), SizeIs(0));
  EXPECT_EQ(StageKey(qat, "calibrate"), "");

  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults again,
                             RunByName({"qat"}, profile, options));
  const RunResult second = Row(again, "qat");
  for (const StageRecord& stage : second.stages()) {
    EXPECT_TRUE(stage.cached()) << stage.name();
  }
  EXPECT_EQ(second.accuracy().detections_sha256(),
            qat.accuracy().detections_sha256());
}

TEST(QatRunTest, WithoutTrainingItSaysWhyItWasNotRun) {
  ProfileSpec profile = TrainableProfile();
  profile.clear_training();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults results,
      RunByName({"qat"}, profile, OptionsFor(TestFolder())));
  const RunResult qat = Row(results, "qat");
  EXPECT_FALSE(qat.has_accuracy());
  EXPECT_EQ(qat.not_run().at("accuracy"), "the profile has no training");
  EXPECT_EQ(qat.not_run().at("fake_quant_accuracy"),
            "the profile has no training");
  // They do not depend on the weights.
  EXPECT_GT(qat.model_size().file_bytes(), 0);
  EXPECT_TRUE(qat.has_latency());
}

TEST(QatRunTest, RowsAreComparedWithThoseOfTheirSpecs) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults results,
      RunByName({"ptq", "qat", "partial_h", "partial_b"}, TrainableProfile(),
                OptionsFor(TestFolder())));
  EXPECT_THAT(Others(Row(results, "ptq")), ElementsAre());
  EXPECT_THAT(Others(Row(results, "qat")), ElementsAre("ptq"));
  // partial_n was not run.
  const RunResult h = Row(results, "partial_h");
  ASSERT_THAT(Others(h), ElementsAre("partial_b"));
  const PairedDifference& difference = h.comparisons(0);
  EXPECT_NEAR(
      difference.map_difference(),
      h.accuracy().map_area() - Row(results, "partial_b").accuracy().map_area(),
      1e-12);
  EXPECT_LE(difference.interval().low(), difference.interval().high());
}

TEST(QatRunTest, EachDrawCalibratesOnOtherImages) {
  ProfileSpec profile = TrainableProfile();
  profile.mutable_quantization()->set_calibration_images(2);
  profile.add_calibration_draw_seeds(2);
  profile.add_calibration_draw_seeds(3);
  const std::string cache = TestFolder();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults results,
                             RunByName({"ptq"}, profile, OptionsFor(cache)));
  const RunResult ptq = Row(results, "ptq");
  ASSERT_THAT(ptq.calibration_draws(), SizeIs(3));
  EXPECT_EQ(ptq.calibration_draws(0).seed(), 1);
  EXPECT_EQ(ptq.calibration_draws(0).map(), ptq.accuracy().map_area());
  EXPECT_THAT(Row(results, "baseline").calibration_draws(), SizeIs(0));

  // A draw is what a run of its seed gives.
  profile.clear_calibration_draw_seeds();
  profile.mutable_quantization()->set_calibration_seed(3);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults third,
                             RunByName({"ptq"}, profile, OptionsFor(cache)));
  EXPECT_EQ(ptq.calibration_draws(2).seed(), 3);
  EXPECT_EQ(ptq.calibration_draws(2).map(),
            Row(third, "ptq").accuracy().map_area());
}

TEST(QatRunTest, ASeedThatIsThereTwiceIsRefused) {
  ProfileSpec profile = TrainableProfile();
  profile.add_calibration_draw_seeds(1);
  EXPECT_THAT(RunByName({"ptq"}, profile, OptionsFor(TestFolder())),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("calibration_draw_seeds")));
}

}  // namespace
}  // namespace yoloq
