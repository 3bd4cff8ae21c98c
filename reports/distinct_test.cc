#include "reports/distinct.h"

#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(DistinctTest, WhatIsCommonIsSaidOnce) {
  EXPECT_EQ(JoinDistinct({{"Baseline", "host"}, {"PTQ", "host"}}), "host");
}

TEST(DistinctTest, WhatDiffersNamesItsRows) {
  EXPECT_EQ(JoinDistinct({{"Baseline", "a"}, {"PTQ", "b"}, {"QAT", "a"}}),
            "a (Baseline, QAT); b (PTQ)");
}

TEST(DistinctTest, EmptyTextsDoNotCount) {
  EXPECT_EQ(JoinDistinct({{"Baseline", ""}, {"PTQ", "b"}}), "b");
  EXPECT_EQ(JoinDistinct({{"Baseline", ""}}), "");
  EXPECT_EQ(JoinDistinct({}), "");
}

}  // namespace
}  // namespace yoloq
