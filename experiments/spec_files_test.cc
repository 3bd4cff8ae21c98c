#include "experiments/spec_files.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST(SpecFilesTest, EveryEmbeddedExperimentIsValidAndNamedAfterItsFile) {
  EXPECT_EQ(EmbeddedExperiments().size(), 9u);
  for (const std::string& name : EmbeddedExperiments()) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const ExperimentSpec spec, LoadExperiment(name));
    EXPECT_EQ(spec.name(), name);
  }
}

TEST(SpecFilesTest, EveryEmbeddedProfileIsNamedAfterItsFile) {
  EXPECT_THAT(EmbeddedProfiles(), Contains("quick"));
  for (const std::string& name : EmbeddedProfiles()) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec spec, LoadProfile(name));
    EXPECT_EQ(spec.name(), name);
  }
  YOLOQ_ASSERT_OK(CheckProfile(*LoadProfile("quick")));
}

TEST(SpecFilesTest, PartialConfigurationsAreTheSixProperSubsets) {
  int subsets = 0;
  for (const std::string& name : EmbeddedExperiments()) {
    const ExperimentSpec spec = *LoadExperiment(name);
    const int int8 = (spec.backbone() == INT8) + (spec.neck() == INT8) +
                     (spec.head() == INT8);
    subsets += spec.kind() == ExperimentSpec::PTQ && int8 < 3;
  }
  EXPECT_EQ(subsets, 6);
}

TEST(SpecFilesTest, UnknownNamesListTheKnown) {
  EXPECT_THAT(LoadProfile("quik").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("quick")));
  EXPECT_THAT(LoadExperiment("pqt").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("ptq")));
}

TEST(SpecFilesTest, ContradictionsNameTheField) {
  ExperimentSpec spec = *LoadExperiment("ptq");
  spec.set_kind(ExperimentSpec::BASELINE);
  EXPECT_THAT(CheckExperiment(spec, "x"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("x: field kind: BASELINE has no INT8")));
}

// An override that breaks the profile, and what the error must say.
struct BadOverride {
  const char* text;
  const char* message;
};

class BadOverrideTest : public ::testing::TestWithParam<BadOverride> {};

TEST_P(BadOverrideTest, NamesTheField) {
  ProfileSpec profile = *LoadProfile("quick");
  YOLOQ_ASSERT_OK(MergeTextProto(GetParam().text, "--override", &profile));
  EXPECT_THAT(CheckProfile(profile),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BadOverrideTest,
    ::testing::Values(
        BadOverride{"model { input_size: 417 }", "model.input_size: 417"},
        BadOverride{"model { width: -1 }", "model.width"},
        BadOverride{"model { parts { part: 'TAIL' } }", "model.parts.part"},
        BadOverride{"model { required: 'cfgs' }", "model.required: \"cfgs\""},
        BadOverride{"model { optional: 'cfgs' }", "model.optional: \"cfgs\""},
        BadOverride{"data { noise_only: true expected_test_images: 1 }",
                    "data.expected_train_images, expected_test_images: are of "
                    "real data"},
        BadOverride{"data { expected_test_images: -1 }", "are negative"},
        BadOverride{"evaluation { score_threshold: 1.5 }",
                    "evaluation.score_threshold"},
        BadOverride{"evaluation { bootstrap_resamples: 0 }",
                    "evaluation.bootstrap_resamples"},
        BadOverride{"latency { threads: 0 }", "latency.threads"},
        BadOverride{"latency { device: 'toaster' }", "latency.device"},
        BadOverride{"native { transform_budget_mb: -1 }",
                    "native.transform_budget_mb"},
        BadOverride{"quantization { scheme: 'magic' }", "scheme"}));

TEST(SpecFilesTest, DataWithoutTrainingSetsAreRefused) {
  ProfileSpec profile = *LoadProfile("random_weights");
  profile.mutable_data()->set_noise_only(false);
  EXPECT_THAT(CheckProfile(profile),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("data.train_sets")));
}

TEST(SpecFilesTest, PaperTrainsAsThePaperDoes) {
  // paper/facts.md, "Setting".
  const ProfileSpec paper = *LoadProfile("paper");
  YOLOQ_ASSERT_OK(CheckProfile(paper));
  EXPECT_EQ(paper.model().input_size(), 416);
  EXPECT_EQ(paper.data().expected_train_images(), 16551);
  EXPECT_EQ(paper.data().expected_test_images(), 4952);
  EXPECT_EQ(paper.training().epochs(), 200);
  EXPECT_EQ(paper.training().learning_rate(), 1e-3);
  EXPECT_EQ(paper.training().schedule(), TrainingSpec::STEP);
  EXPECT_EQ(paper.training().step_factor(), 0.8);
  EXPECT_EQ(paper.training().step_epochs(), 10);
  EXPECT_EQ(paper.quantization().calibration_images(), 2000);
  EXPECT_EQ(paper.qat().epochs(), 10);
}

TEST(SpecFilesTest, OverrideErrorsNameLineAndField) {
  ProfileSpec profile = *LoadProfile("quick");
  EXPECT_THAT(
      MergeTextProto("model { colour: 1 }", "--override", &profile),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--override:1:")));
}

TEST(SpecFilesTest, OverridesReplaceLists) {
  ProfileSpec profile = *LoadProfile("nano_voc");
  YOLOQ_ASSERT_OK(
      MergeTextProto("data { test_sets: 'A/b' }", "--override", &profile));
  ASSERT_EQ(profile.data().test_sets_size(), 1);
  EXPECT_EQ(profile.data().test_sets(0), "A/b");
  EXPECT_EQ(profile.data().train_sets_size(), 2);
}

}  // namespace
}  // namespace yoloq
