#include "reports/ablation_report.h"

#include "tools/base/proto_file.h"
#include "tools/base/testing.h"
#include "tools/golden.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AblationReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    YOLOQ_ASSERT_OK(
        ReadTextProto("reports/testdata/ablation.textproto", &result_));
  }

  AblationResult result_;
};

TEST_F(AblationReportTest, PageIsGolden) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string page, RenderAblation(result_));
  EXPECT_THAT(page, IsGolden("reports/testdata/ablation.md"));
}

TEST_F(AblationReportTest, TheBestPtqRecipeIsNotQat) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string page, RenderAblation(result_));
  // (75.12 - 74.22) / (75.12 - 72.12).
  EXPECT_THAT(page, HasSubstr("Best PTQ recipe: per channel, equalized, which "
                              "loses 0.90 points where plain loses 3.00 "
                              "points: 30.0 % of it."));
}

TEST_F(AblationReportTest, APlainRecipeThatLosesNothingHasNoShares) {
  result_.mutable_rows(0)->set_map(0.76);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string page, RenderAblation(result_));
  EXPECT_THAT(page, HasSubstr("plain gains 0.88 points.\n"));
}

TEST_F(AblationReportTest, APlainRecipeThatWasNotRunHasNoVerdict) {
  result_.mutable_rows(0)->clear_map();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string page, RenderAblation(result_));
  EXPECT_THAT(page, Not(HasSubstr("Best PTQ recipe")));
}

TEST_F(AblationReportTest, WrongResultsAreErrors) {
  result_.set_plain_recipe("nothing");
  EXPECT_THAT(RenderAblation(result_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no row of its plain_recipe \"nothing\"")));
  result_.clear_rows();
  EXPECT_THAT(
      RenderAblation(result_),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no rows")));
}

}  // namespace
}  // namespace yoloq
