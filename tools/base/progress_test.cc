#include "tools/base/progress.h"

#include "gtest/gtest.h"

namespace yoloq {
namespace {

TEST(ProgressTest, ShowsCountRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress("calibrate", 500, 0, 2000, "images", 50),
            "calibrate  [######..................] 500/2000 images, "
            "10 images/s, 2 min 30 s left");
}

TEST(ProgressTest, ResumedWorkDoesNotCountForTheRate) {
  EXPECT_EQ(FormatProgress("evaluate", 150, 100, 200, "images", 10),
            "evaluate   [##################......] 150/200 images, "
            "5 images/s, 10 s left");
}

TEST(ProgressTest, Durations) {
  EXPECT_EQ(FormatDuration(59.4), "59 s");
  EXPECT_EQ(FormatDuration(65), "1 min 05 s");
  EXPECT_EQ(FormatDuration(7800), "2 h 10 min");
  EXPECT_EQ(FormatDuration(48 * 3600 - 60), "47 h 59 min");
  EXPECT_EQ(FormatDuration(40 * 86400 + 2 * 3600), "40 days 02 h");
}

}  // namespace
}  // namespace yoloq
