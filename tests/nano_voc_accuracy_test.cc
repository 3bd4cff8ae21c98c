// FP32 on real images and weights against an independent forward pass
// (shared/oracles/README.md, case 2): MobileNetV2-YOLOv3-Nano on 510 images of
// VOC2007 test.
#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/nano_voc.h"
#include "tests/tiny_run.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

// What the oracle's file says of one input size.
struct Oracle {
  std::map<std::string, double> ap_percent;
  double map_percent = 0;
};

// Sections "... S 320 images ...", then lines "car n= 394 AP=76.60", then
// "mAP(all present) 55.21 ...".
absl::StatusOr<Oracle> ReadOracle(int input_size) {
  YOLOQ_ASSIGN_OR_RETURN(
      const std::string text,
      ReadFile(JoinPath(SharedDataFolder(), "oracles/nano-voc-dev510.txt")));
  Oracle oracle;
  bool mine = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" ="), absl::SkipEmpty());
    if (words.size() > 2 && words[1] == "S") {
      mine = words[2] == absl::StrCat(input_size);
    } else if (mine && words.size() > 4 && words[1] == "n") {
      (void)absl::SimpleAtod(words[4],
                             &oracle.ap_percent[std::string(words[0])]);
    } else if (mine && words.size() > 2 && words[0] == "mAP(all") {
      (void)absl::SimpleAtod(words[2], &oracle.map_percent);
    }
  }
  return oracle;
}

class NanoVocAccuracyTest : public ::testing::TestWithParam<int> {};

TEST_P(NanoVocAccuracyTest, AgreesWithTheOracle) {
  YOLOQ_SKIP_WITHOUT_SHARED_DATA();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Oracle oracle, ReadOracle(GetParam()));
  ASSERT_EQ(oracle.ap_percent.size(), 20);
  YOLOQ_ASSERT_OK_AND_ASSIGN(ProfileSpec profile, NanoVocProfile());
  profile.mutable_model()->set_input_size(GetParam());
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults results,
      RunByName({"baseline"}, profile, OptionsFor(TestFolder())));
  const AccuracyResult accuracy = Row(results, "baseline").accuracy();
  EXPECT_EQ(accuracy.images(), 510);
  EXPECT_NEAR(100 * accuracy.map_area(), oracle.map_percent, 0.5);
  EXPECT_LT(accuracy.map_area_interval().low(), accuracy.map_area());
  EXPECT_GT(accuracy.map_area_interval().high(), accuracy.map_area());
  int compared = 0;
  for (const ClassAccuracy& each : accuracy.classes()) {
    if (each.objects() < 60) continue;
    EXPECT_NEAR(100 * each.ap_area(), oracle.ap_percent.at(each.name()), 1.0)
        << each.name();
    ++compared;
  }
  EXPECT_EQ(compared, 5);  // bus, car, cat, person, train
  RecordProperty("map_percent", absl::StrCat(100 * accuracy.map_area()));
}

INSTANTIATE_TEST_SUITE_P(InputSizes, NanoVocAccuracyTest,
                         ::testing::Values(320, 416));

}  // namespace
}  // namespace yoloq
