#include "hw/pi3_model.h"

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(Pi3ModelTest, AddsComputingAndMemory) {
  // 5.6 G instructions take four cores at 1.4 GHz a second, 2 GB another.
  EXPECT_NEAR(Pi3BareMs({"", 5.6e9, 0}, 4), 1000, 1e-6);
  EXPECT_NEAR(Pi3BareMs({"", 5.6e9, 2e9}, 4), 2000, 1e-6);
  EXPECT_NEAR(Pi3BareMs({"", 1.4e9, 0}, 1), 1000, 1e-6);
}

TEST(Pi3ModelTest, FitsTheGeometricMean) {
  const Pi3Work second = {"", 5.6e9, 0};
  const Pi3Fit fit = FitPi3Factor({{second, 2000}, {second, 8000}});
  EXPECT_NEAR(fit.factor, 4, 1e-9);
  // 8 for 2, and 2 for 8.
  EXPECT_NEAR(fit.largest_error, 3, 1e-9);
}

TEST(Pi3ModelTest, ModelsThePublishedNetworksWithinAHalf) {
  const Pi3Fit fit = FitPi3Factor(Pi3PublishedLatencies());
  EXPECT_GT(fit.factor, 1);
  EXPECT_LT(fit.largest_error, 0.5);
}

TEST(Pi3ModelTest, ReadsCounts) {
  const char kTable[] =
      "# comment\n"
      "conv_1\t4x2x3\t8x2x3\t3\t1\t1728\t500\t0.3\tWinograd F(4,3), x\n"
      "all layers\t\t\t\t\t\t500\n";
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto layers, ParsePi3Layers(kTable, true));
  ASSERT_EQ(layers.size(), 1);
  EXPECT_EQ(layers[0].name, "conv_1");
  EXPECT_EQ(layers[0].instructions, 500);
  // 24 + 48 values and 4 * 8 * 9 weights, 36 words for each nine.
  EXPECT_NEAR(layers[0].traffic_bytes, 24 + 48 + 4 * 8 * 36 * 2, 1e-9);
}

TEST(Pi3ModelTest, RejectsOtherTables) {
  EXPECT_THAT(ParsePi3Layers("", true),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("count_instructions")));
  EXPECT_THAT(
      ParsePi3Layers("\na\tb\tc\td\te\tf\tg\th\ti\n", true),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 2")));
}

}  // namespace
}  // namespace yoloq
