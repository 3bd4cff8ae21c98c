#include "reports/sensitivity_report.h"

#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"
#include "tools/golden.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

class SensitivityReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    YOLOQ_ASSERT_OK(
        ReadTextProto("reports/testdata/sensitivity.textproto", &result_));
  }

  SensitivityResult result_;
};

TEST_F(SensitivityReportTest, PageIsGolden) {
  EXPECT_THAT(RenderSensitivity(result_, "sensitivity.svg"),
              IsGolden("reports/testdata/sensitivity.md"));
}

TEST_F(SensitivityReportTest, ScriptIsGolden) {
  EXPECT_THAT(SensitivityScript(result_),
              IsGolden("reports/testdata/sensitivity.gp"));
}

TEST_F(SensitivityReportTest, ManyLayersAreNumbered) {
  while (result_.layers_size() <= 40) {
    *result_.add_layers() = result_.layers(0);
  }
  EXPECT_THAT(SensitivityScript(result_), HasSubstr("set xtics 5 "));
}

TEST_F(SensitivityReportTest, ChartIsDrawn) {
  const std::string folder = TestFolder();
  const std::string svg = JoinPath(folder, "chart.svg");
  const std::string png = JoinPath(folder, "chart.png");
  YOLOQ_ASSERT_OK(WriteSensitivityChart(result_, svg, png));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(svg));
  EXPECT_THAT(text, HasSubstr("conv_24"));
  EXPECT_TRUE(PathExists(png));
}

TEST_F(SensitivityReportTest, WithoutLayersThereIsNoChart) {
  result_.clear_layers();
  EXPECT_THAT(
      WriteSensitivityChart(result_, "a.svg", ""),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no layers")));
}

}  // namespace
}  // namespace yoloq
