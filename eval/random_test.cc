#include "eval/random.h"

#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace yoloq {
namespace {

TEST(RandomTest, SameSeedSameNumbersOtherStreamOthers) {
  Random a(7), b(7), c(7, 1), d(8);
  const uint64_t first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
  EXPECT_NE(first, d.Next());
}

TEST(RandomTest, StaysInRangeAndReachesBothEnds) {
  Random random(1);
  std::set<int> seen;
  for (int i = 0; i < 500; ++i) seen.insert(random.Between(-3, 3));
  EXPECT_EQ(seen, (std::set<int>{-3, -2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(random.Below(1), 0);
}

TEST(RandomTest, IsUniform) {
  Random random(3);
  std::vector<int> counts(10);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    ++counts[random.Below(10)];
    sum += random.Uniform();
  }
  // Six standard deviations.
  for (const int count : counts) EXPECT_NEAR(count, 10000, 570);
  EXPECT_NEAR(sum / 100000, 0.5, 0.006);
}

}  // namespace
}  // namespace yoloq
