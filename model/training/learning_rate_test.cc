#include "model/training/learning_rate.h"

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// Learning rate 1e-3, times 0.8 every 10 epochs: the paper's section 4.
TEST(LearningRateTest, DefaultIsThePapersSchedule) {
  TrainingSpec spec;
  spec.set_epochs(200);
  EXPECT_DOUBLE_EQ(LearningRate(spec, 0, 100), 1e-3);
  EXPECT_DOUBLE_EQ(LearningRate(spec, 999, 100), 1e-3);
  EXPECT_DOUBLE_EQ(LearningRate(spec, 1000, 100), 0.8e-3);
  EXPECT_NEAR(LearningRate(spec, 19999, 100), 1.441151880758558e-5, 1e-18);
}

TEST(LearningRateTest, CosineGoesFromAllToTheFinalFraction) {
  TrainingSpec spec;
  spec.set_epochs(10);
  spec.set_learning_rate(0.01);
  spec.set_schedule(TrainingSpec::COSINE);
  spec.set_final_fraction(0.1);
  EXPECT_DOUBLE_EQ(LearningRate(spec, 0, 10), 0.01);
  EXPECT_NEAR(LearningRate(spec, 50, 10), 0.0055, 1e-12);
  EXPECT_NEAR(LearningRate(spec, 99, 10), 0.001, 1e-5);
}

TEST(LearningRateTest, WarmupRisesLinearly) {
  TrainingSpec spec;
  spec.set_epochs(10);
  spec.set_warmup_steps(4);
  EXPECT_DOUBLE_EQ(LearningRate(spec, 0, 10), 0.25e-3);
  EXPECT_DOUBLE_EQ(LearningRate(spec, 2, 10), 0.75e-3);
  EXPECT_DOUBLE_EQ(LearningRate(spec, 4, 10), 1e-3);
}

TEST(LearningRateTest, ErrorsNameTheField) {
  TrainingSpec spec;
  EXPECT_THAT(CheckSchedule(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("epochs is 0, it must be from 1")));
  spec.set_epochs(1);
  spec.set_step_factor(1.5);
  EXPECT_THAT(CheckSchedule(spec), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("step_factor is 1.5")));
}

}  // namespace
}  // namespace yoloq
