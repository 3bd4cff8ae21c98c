#include "reports/comparison.h"

#include "reports/published.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

constexpr PartParameters kYolov3{40584928, 14709760, 6331361};

RunResult Sized(const std::string& name, const std::string& paper_row,
                int64_t file_bytes) {
  RunResult result;
  result.mutable_experiment()->set_name(name);
  result.mutable_experiment()->set_paper_row(paper_row);
  result.mutable_experiment()->set_method(name);
  result.mutable_experiment()->set_backbone(INT8);
  result.mutable_experiment()->set_neck(INT8);
  result.mutable_experiment()->set_head(INT8);
  result.mutable_model_size()->set_file_bytes(file_bytes);
  result.mutable_model_size()->mutable_model()->set_parameters(kYolov3.total());
  return result;
}

class ComparisonTest : public ::testing::Test {
 protected:
  ComparisonTest() : paper_(*LoadPublished()) {}

  absl::StatusOr<Comparison> Of(const std::string& table) {
    return Compare(table, results_, paper_, kYolov3);
  }

  PublishedPaper paper_;
  std::vector<RunResult> results_;
};

TEST_F(ComparisonTest, RowsAreThePapersThenOthers) {
  results_ = {Sized("mine", "", 1), Sized("ptq", "table1/ptq", 62080000)};
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Comparison comparison, Of("table1"));
  ASSERT_EQ(comparison.rows.size(), 4);
  EXPECT_EQ(comparison.rows[0].label, "Baseline");
  EXPECT_EQ(comparison.rows[0].result, nullptr);
  EXPECT_EQ(comparison.rows[1].label, "PTQ");
  EXPECT_EQ(comparison.rows[1].result, &results_[1]);
  EXPECT_EQ(comparison.rows[1].values[0].judgement.verdict, Verdict::kWithin);
  EXPECT_EQ(comparison.rows[1].values[1].judgement.verdict, Verdict::kNotRun);
  EXPECT_EQ(comparison.rows[2].label, "QAT");
  EXPECT_EQ(comparison.rows[3].label, "mine (mine)");
  EXPECT_EQ(comparison.rows[3].values[0].published, nullptr);
}

TEST_F(ComparisonTest, ChangesAreRelativeToTheBaseline) {
  results_ = {Sized("baseline", "table1/baseline", 200000000),
              Sized("ptq", "table1/ptq", 50000000)};
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Comparison comparison, Of("table1"));
  ASSERT_EQ(comparison.pairs.size(), 3);
  EXPECT_EQ(comparison.pairs[0].label, "PTQ against Baseline");
  EXPECT_EQ(comparison.pairs[1].label, "QAT against Baseline");
  EXPECT_EQ(comparison.pairs[2].label, "QAT against PTQ");
  const ComparedChange& size = comparison.pairs[0].changes[0];
  EXPECT_EQ(size.claim->id(), "1");
  EXPECT_NEAR(*size.from_cells, 74.765, 0.001);
  EXPECT_EQ(*size.ours, 75);
  EXPECT_EQ(size.judgement.verdict, Verdict::kWithin);
  EXPECT_NEAR(*comparison.pairs[0].cells_points, -1.79, 1e-9);
  EXPECT_FALSE(comparison.pairs[0].our_points.has_value());
}

TEST_F(ComparisonTest, ContradictedClaimsAreInconsistent) {
  for (const char* row : {"baseline", "ptq"}) {
    RunResult result = Sized(row, std::string("table1/") + row, 1);
    result.mutable_latency()->set_median_ms(1000);
    results_.push_back(result);
  }
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Comparison comparison, Of("table1"));
  const ComparedChange& latency = comparison.pairs[0].changes[1];
  EXPECT_EQ(latency.judgement.verdict, Verdict::kInconsistent);
  EXPECT_THAT(latency.judgement.reason, HasSubstr("47.88"));
}

TEST_F(ComparisonTest, OtherTablesServeAsBaseline) {
  results_ = {Sized("baseline", "table1/baseline", 200000000),
              Sized("b", "table2/b", 100000000)};
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Comparison comparison, Of("table2"));
  EXPECT_EQ(comparison.rows.size(), 6);
  EXPECT_EQ(comparison.rows[0].label, "INT8 B");
  EXPECT_EQ(comparison.rows[3].label, "INT8 B+N");
  EXPECT_EQ(comparison.pairs[0].label, "INT8 B against Baseline");
  EXPECT_EQ(*comparison.pairs[0].changes[0].ours, 50);
}

TEST_F(ComparisonTest, UnknownTableIsAnError) {
  EXPECT_THAT(Of("table3"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the paper has no table \"table3\"")));
}

TEST_F(ComparisonTest, UnknownRowIsAnError) {
  results_ = {Sized("x", "table1/x", 1)};
  EXPECT_THAT(Of("table1"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("experiment x: paper_row \"table1/x\"")));
}

TEST_F(ComparisonTest, TwoResultsOfARowAreAnError) {
  results_ = {Sized("a", "table1/ptq", 1), Sized("b", "table1/ptq", 1)};
  EXPECT_THAT(
      Of("table1"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("experiment b: a second result for \"table1/ptq\"")));
}

}  // namespace
}  // namespace yoloq
