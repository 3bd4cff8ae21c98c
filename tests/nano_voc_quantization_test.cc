// Post-training quantization on real images and weights: what it costs, and
// that neither engine nor simulation changes the answer.
#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "hw/runtime/engines.h"
#include "tests/nano_voc.h"
#include "tests/tiny_run.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(NanoVocQuantizationTest, PerChannelPtqLosesLessThanTwoPoints) {
  YOLOQ_SKIP_WITHOUT_SHARED_DATA();
  YOLOQ_ASSERT_OK_AND_ASSIGN(ProfileSpec profile, NanoVocProfile());
  profile.mutable_model()->set_input_size(320);
  profile.mutable_quantization()->set_calibration_images(100);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults results,
      RunByName({"ptq"}, profile, OptionsFor(TestFolder())));
  const RunResult ptq = Row(results, "ptq");
  ASSERT_EQ(ptq.accuracy().images(), 510);
  const double fp32 = Row(results, "baseline").accuracy().map_area();
  EXPECT_GT(ptq.accuracy().map_area(), fp32 - 0.02);
  EXPECT_NEAR(ptq.accuracy().map_change(), ptq.accuracy().map_area() - fp32,
              1e-12);
  // The simulation stands for the integers, up to single rounding steps.
  EXPECT_NEAR(ptq.fake_quant_accuracy().map_area(), ptq.accuracy().map_area(),
              0.01);
  EXPECT_EQ(ptq.calibration_ids_size(), 100);
}

// A few images, 320 x 320.
class NanoVocEnginesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    YOLOQ_SKIP_WITHOUT_SHARED_DATA();
    YOLOQ_ASSERT_OK_AND_ASSIGN(profile_, NanoVocProfile());
    profile_.mutable_model()->set_input_size(320);
    profile_.mutable_data()->set_max_test_images(4);
    profile_.mutable_quantization()->set_calibration_images(8);
    cache_ = TestFolder();
  }

  // The row's accuracy as the engine computes it.
  AccuracyResult Accuracy(const std::string& row, const std::string& engine) {
    const auto results = RunByName({row}, profile_, OptionsFor(cache_, engine));
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? Row(*results, row).accuracy() : AccuracyResult();
  }

  ProfileSpec profile_;
  std::string cache_;
};

TEST_F(NanoVocEnginesTest, AllEnginesDetectTheSameInInt8) {
  for (const char* scheme : {"per_channel", "qnnpack"}) {
    profile_.mutable_quantization()->set_scheme(scheme);
    const AccuracyResult slow = Accuracy("ptq", "reference");
    EXPECT_EQ(slow.images(), 4);
    EXPECT_FALSE(slow.detections_sha256().empty());
    for (const char* engine : {"native", "onednn"}) {
      if (!CheckInt8(engine).ok()) {
        std::printf("skipped: %s\n", CheckInt8(engine).ToString().c_str());
        continue;
      }
      const AccuracyResult fast = Accuracy("ptq", engine);
      EXPECT_EQ(fast.detections_sha256(), slow.detections_sha256())
          << scheme << ", " << engine;
      EXPECT_EQ(fast.map_area(), slow.map_area());
    }
  }
}

TEST_F(NanoVocEnginesTest, AllEnginesAgreeInFp32) {
  profile_.mutable_data()->set_max_test_images(60);
  const AccuracyResult torch = Accuracy("baseline", "torch");
  EXPECT_EQ(torch.engine(), "torch");
  EXPECT_EQ(torch.images(), 60);
  EXPECT_GT(torch.map_area(), 0.3);
  for (const char* engine : {"native", "onednn", "xnnpack"}) {
    EXPECT_NEAR(Accuracy("baseline", engine).map_area(), torch.map_area(),
                0.003)
        << engine;
  }
}

}  // namespace
}  // namespace yoloq
