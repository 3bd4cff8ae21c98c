#include "reports/published.h"

#include <string>

#include "reports/published_text.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

PublishedPaper Loaded() {
  absl::StatusOr<PublishedPaper> paper = LoadPublished();
  EXPECT_TRUE(paper.ok()) << paper.status();
  return paper.ok() ? *paper : PublishedPaper();
}

double ValueOf(const PublishedPaper& paper, absl::string_view row,
               Metric metric) {
  return FindValue(*FindRow(paper, row), metric)->value();
}

// Replaces the first `from` of the embedded text.
absl::Status ParseChanged(absl::string_view from, absl::string_view to) {
  std::string text(PublishedText());
  const size_t at = text.find(std::string(from));
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), std::string(to));
  return ParsePublished(text, "paper.textproto").status();
}

TEST(PublishedTest, Table1IsAsPrinted) {
  const PublishedPaper paper = Loaded();
  EXPECT_EQ(ValueOf(paper, "table1/baseline", MODEL_SIZE_MB), 241.09);
  EXPECT_EQ(ValueOf(paper, "table1/baseline", MAP_PERCENT), 69.33);
  EXPECT_EQ(ValueOf(paper, "table1/baseline", LATENCY_S), 12.49);
  EXPECT_EQ(ValueOf(paper, "table1/baseline", FPS), 0.08);
  EXPECT_EQ(ValueOf(paper, "table1/ptq", MODEL_SIZE_MB), 60.84);
  EXPECT_EQ(ValueOf(paper, "table1/ptq", MAP_PERCENT), 67.54);
  EXPECT_EQ(ValueOf(paper, "table1/ptq", LATENCY_S), 6.51);
  EXPECT_EQ(ValueOf(paper, "table1/ptq", FPS), 0.15);
  EXPECT_EQ(ValueOf(paper, "table1/qat", MODEL_SIZE_MB), 60.84);
  EXPECT_EQ(ValueOf(paper, "table1/qat", MAP_PERCENT), 69.29);
  EXPECT_EQ(ValueOf(paper, "table1/qat", LATENCY_S), 6.51);
  EXPECT_EQ(ValueOf(paper, "table1/qat", FPS), 0.15);
}

// paper/facts.md: B 119.3 MB, 68.73 %, 9.97 s; N 197.7, 69.11, 12.32;
// H 232.9, 68.53, 11.50.
TEST(PublishedTest, SinglePartRowsFollowFromTheClaims) {
  const PublishedPaper paper = Loaded();
  EXPECT_NEAR(ValueOf(paper, "table2/b", MODEL_SIZE_MB), 119.3, 0.05);
  EXPECT_NEAR(ValueOf(paper, "table2/b", MAP_PERCENT), 68.73, 0.005);
  EXPECT_NEAR(ValueOf(paper, "table2/b", LATENCY_S), 9.97, 0.005);
  EXPECT_NEAR(ValueOf(paper, "table2/n", MODEL_SIZE_MB), 197.7, 0.05);
  EXPECT_NEAR(ValueOf(paper, "table2/n", MAP_PERCENT), 69.11, 0.005);
  EXPECT_NEAR(ValueOf(paper, "table2/n", LATENCY_S), 12.32, 0.006);
  EXPECT_NEAR(ValueOf(paper, "table2/h", MODEL_SIZE_MB), 232.9, 0.05);
  EXPECT_NEAR(ValueOf(paper, "table2/h", MAP_PERCENT), 68.53, 0.005);
  EXPECT_NEAR(ValueOf(paper, "table2/h", LATENCY_S), 11.50, 0.005);
  EXPECT_NEAR(ValueOf(paper, "table2/b", FPS), 1 / 9.96702, 1e-9);
}

TEST(PublishedTest, TwoPartRowsAreUnpublished) {
  const PublishedPaper paper = Loaded();
  for (const char* id : {"table2/bn", "table2/bh", "table2/nh"}) {
    for (const Metric metric : TableMetrics()) {
      EXPECT_EQ(FindValue(*FindRow(paper, id), metric)->origin(),
                PublishedValue::UNPUBLISHED)
          << id;
    }
  }
}

TEST(PublishedTest, FindsNothingWhereNothingIs) {
  const PublishedPaper paper = Loaded();
  EXPECT_EQ(FindRow(paper, "table3/b"), nullptr);
  EXPECT_EQ(FindClaim(paper, "10"), nullptr);
  EXPECT_EQ(FindValue(PublishedRow(), FPS), nullptr);
}

TEST(PublishedTest, TolerancesAreAbsolutePlusPercent) {
  const PublishedPaper paper = Loaded();
  const PublishedRow& row = *FindRow(paper, "table1/baseline");
  EXPECT_NEAR(AbsoluteTolerance(paper, *FindValue(row, MODEL_SIZE_MB)), 7.2327,
              1e-9);
  EXPECT_NEAR(AbsoluteTolerance(paper, *FindValue(row, FPS)), 0.013, 1e-9);
}

TEST(PublishedTest, TableIsThePartBeforeTheSlash) {
  EXPECT_EQ(TableOf("table1/ptq"), "table1");
}

TEST(PublishedTest, SyntaxErrorNamesFileAndLine) {
  EXPECT_THAT(ParsePublished("title: \"x\"\nrow {}", "paper.textproto"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("paper.textproto:2:")));
}

TEST(PublishedTest, InvalidDataIsRefused) {
  const auto invalid = [](const std::string& message) {
    return StatusIs(absl::StatusCode::kInvalidArgument,
                    HasSubstr("paper.textproto: " + message));
  };
  EXPECT_THAT(ParseChanged("device: \"pi3bplus\"", ""),
              invalid("conditions: device, input_size"));
  EXPECT_THAT(ParseChanged("percent: 3", "percent: -3"),
              invalid("tolerances MODEL_SIZE_MB: absolute and percent"));
  EXPECT_THAT(ParseChanged("metric: MAP_PERCENT", "metric: MODEL_SIZE_MB"),
              invalid("tolerances MODEL_SIZE_MB: is there twice"));
  EXPECT_THAT(ParseChanged("id: \"table1/ptq\"", "id: \"table1/baseline\""),
              invalid("row table1/baseline: is there twice"));
  EXPECT_THAT(ParseChanged("id: \"table1/ptq\"", "id: \"ptq\""),
              invalid("row ptq: id is \"table/row\""));
  EXPECT_THAT(ParseChanged("value: 241.09", ""),
              invalid("row table1/baseline, MODEL_SIZE_MB: a printed value"));
  EXPECT_THAT(
      ParseChanged("origin: UNPUBLISHED", "origin: UNPUBLISHED value: 1"),
      invalid("row table2/bn, MODEL_SIZE_MB: a value of origin "
              "UNPUBLISHED is not given"));
  EXPECT_THAT(ParseChanged("derived_from_claim: \"6.size\"",
                           "derived_from_claim: \"7.size\""),
              invalid("row table2/b, MODEL_SIZE_MB: derived_from_claim "
                      "\"7.size\" is no reduction of this value"));
  EXPECT_THAT(ParseChanged("derived_from_claim: \"6.size\"", ""),
              invalid("row table2/b, MODEL_SIZE_MB: derived_from_claim is "
                      "required"));
  EXPECT_THAT(ParseChanged("row_b: \"table1/ptq\"", "row_b: \"table1/x\""),
              invalid("claim 1: no such rows"));
  EXPECT_THAT(ParseChanged("tolerance: 1.5", "tolerance: 0"),
              invalid("claim 1: tolerance and tolerance_reason"));
}

}  // namespace
}  // namespace yoloq
