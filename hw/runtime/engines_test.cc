#include "hw/runtime/engines.h"

#include <limits>

#include "gtest/gtest.h"

namespace yoloq {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

TEST(TransformBudgetTest, IsGivenInMillionsOfBytes) {
  EXPECT_EQ(TransformBudgetOfMegabytes(0), 0);
  EXPECT_EQ(TransformBudgetOfMegabytes(25), 25000000);
}

TEST(TransformBudgetTest, NegativeIsUnset) {
  EXPECT_FALSE(TransformBudgetOfMegabytes(-1).has_value());
}

TEST(TransformBudgetTest, WhatNoMachineHasIsNoLimit) {
  const int64_t most = kNoLimit / 1000000;
  EXPECT_EQ(TransformBudgetOfMegabytes(most), most * 1000000);
  EXPECT_EQ(TransformBudgetOfMegabytes(most + 1), kNoLimit);
  EXPECT_EQ(TransformBudgetOfMegabytes(kNoLimit), kNoLimit);
}

TEST(TransformBudgetTest, BoardsHaveNoneUnlessTold) {
  EXPECT_EQ(DefaultTransformBudget(int64_t{1} << 30), 0);
  EXPECT_EQ(DefaultTransformBudget(int64_t{8} << 30), kNoLimit);
}

}  // namespace
}  // namespace yoloq
