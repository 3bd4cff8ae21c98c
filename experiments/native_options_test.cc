#include "experiments/native_options.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NativeOptionsTest, WhatIsUnsetIsLeftToTheEngine) {
  const NativeEngineSpec spec;
  EXPECT_TRUE(NativeOptionsOf(spec).fp32_winograd);
  EXPECT_FALSE(NativeOptionsOf(spec).transform_budget_bytes.has_value());
  EXPECT_THAT(NativeFlags(spec), IsEmpty());
}

TEST(NativeOptionsTest, OptionsAndFlagsSayTheSame) {
  NativeEngineSpec spec;
  spec.set_no_fp32_winograd(true);
  spec.set_transform_budget_mb(25);
  EXPECT_FALSE(NativeOptionsOf(spec).fp32_winograd);
  EXPECT_EQ(NativeOptionsOf(spec).transform_budget_bytes, 25000000);
  EXPECT_THAT(NativeFlags(spec),
              ElementsAre("--fp32_winograd=false", "--transform_budget_mb=25"));
}

TEST(NativeOptionsTest, ABudgetOfNothingIsNotUnset) {
  NativeEngineSpec spec;
  spec.set_transform_budget_mb(0);
  EXPECT_EQ(NativeOptionsOf(spec).transform_budget_bytes, 0);
  EXPECT_THAT(NativeFlags(spec), ElementsAre("--transform_budget_mb=0"));
}

}  // namespace
}  // namespace yoloq
