#include "reports/claim_verdict.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "reports/published.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClaimVerdictTest : public ::testing::Test {
 protected:
  ClaimVerdictTest() : paper_(*LoadPublished()) {}

  RunResult& Run(const std::string& name, const std::string& row, double map) {
    RunResult result;
    result.mutable_experiment()->set_name(name);
    result.mutable_experiment()->set_paper_row(row);
    result.mutable_accuracy()->set_map_area(map);
    results_.push_back(result);
    return results_.back();
  }

  static void Compare(const std::string& other, double difference, double low,
                      double high, RunResult* run) {
    PairedDifference* paired = run->add_comparisons();
    paired->set_other(other);
    paired->set_map_difference(difference);
    paired->mutable_interval()->set_low(low);
    paired->mutable_interval()->set_high(high);
  }

  static void Draw(uint64_t seed, double map, RunResult* run) {
    CalibrationDraw* draw = run->add_calibration_draws();
    draw->set_seed(seed);
    draw->set_map(map);
  }

  // QAT against PTQ, with an interval in [-1, 1].
  JudgedClaim QatClaim(double low, double high) {
    Run("ptq", "table1/ptq", 0.60);
    Compare("ptq", (low + high) / 2, low, high,
            &Run("qat", "table1/qat", 0.60 + (low + high) / 2));
    return Judge("table1");
  }

  JudgedClaim Judge(const std::string& table) {
    const std::vector<JudgedClaim> claims =
        JudgeOrderClaims(paper_, results_, table);
    EXPECT_EQ(claims.size(), 1);
    return claims.front();
  }

  // INT8 H against INT8 B and INT8 N.
  void Parts(double b_low, double b_high, double n_low, double n_high) {
    Run("partial_b", "table2/b", 0.59);
    Run("partial_n", "table2/n", 0.60);
    RunResult& head = Run("partial_h", "table2/h", 0.58);
    Compare("partial_b", (b_low + b_high) / 2, b_low, b_high, &head);
    Compare("partial_n", (n_low + n_high) / 2, n_low, n_high, &head);
  }

  PublishedPaper paper_;
  std::vector<RunResult> results_;
};

TEST_F(ClaimVerdictTest, QatBeatsPtqWhereTheIntervalIsPositive) {
  const JudgedClaim judged = QatClaim(0.01, 0.03);
  EXPECT_EQ(judged.claim->id(), "9.qat");
  EXPECT_EQ(judged.verdict, ClaimVerdict::kHolds);
  EXPECT_EQ(judged.reason, "");
  ASSERT_EQ(judged.differences.size(), 1);
  EXPECT_EQ(judged.differences[0].label, "QAT - PTQ");
  EXPECT_DOUBLE_EQ(*judged.differences[0].points, 2);
  EXPECT_DOUBLE_EQ(judged.differences[0].interval->low(), 1);
  EXPECT_DOUBLE_EQ(judged.differences[0].interval->high(), 3);
  EXPECT_THAT(judged.differences[0].draws, IsEmpty());
}

TEST_F(ClaimVerdictTest, ANegativeIntervalRefutes) {
  const JudgedClaim judged = QatClaim(-0.03, -0.01);
  EXPECT_EQ(judged.verdict, ClaimVerdict::kDoesNotHold);
  EXPECT_EQ(judged.reason, "QAT - PTQ is negative");
}

TEST_F(ClaimVerdictTest, AnIntervalWithZeroDecidesNothing) {
  const JudgedClaim judged = QatClaim(-0.01, 0.03);
  EXPECT_EQ(judged.verdict, ClaimVerdict::kUndecided);
  EXPECT_EQ(judged.reason, "the interval of QAT - PTQ includes 0");
}

TEST_F(ClaimVerdictTest, ADifferenceWithoutIntervalDecidesNothing) {
  Run("ptq", "table1/ptq", 0.60);
  Run("qat", "table1/qat", 0.65);
  const JudgedClaim judged = Judge("table1");
  EXPECT_EQ(judged.verdict, ClaimVerdict::kUndecided);
  EXPECT_EQ(judged.reason, "QAT - PTQ has no interval");
  EXPECT_NEAR(*judged.differences[0].points, 5, 1e-9);
}

TEST_F(ClaimVerdictTest, ARowThatWasNotMeasuredIsNamed) {
  Run("ptq", "table1/ptq", 0.60);
  RunResult& qat = Run("qat", "table1/qat", 0);
  qat.clear_accuracy();
  (*qat.mutable_not_run())["accuracy"] = "there is no training data";
  const JudgedClaim judged = Judge("table1");
  EXPECT_EQ(judged.verdict, ClaimVerdict::kNotRun);
  EXPECT_EQ(judged.reason, "QAT: there is no training data");
  EXPECT_FALSE(judged.differences[0].points.has_value());
}

TEST_F(ClaimVerdictTest, TheHeadIsLeastSuitedWhereItIsBelowBothOthers) {
  Parts(-0.03, -0.01, -0.04, -0.02);
  const JudgedClaim judged = Judge("table2");
  EXPECT_EQ(judged.claim->id(), "9.head");
  EXPECT_EQ(judged.verdict, ClaimVerdict::kHolds);
  ASSERT_EQ(judged.differences.size(), 2);
  EXPECT_EQ(judged.differences[0].label, "INT8 H - INT8 B");
  EXPECT_EQ(judged.differences[1].label, "INT8 H - INT8 N");
}

TEST_F(ClaimVerdictTest, OnePartThatIsCertainlyWorseRefutes) {
  Parts(0.01, 0.02, -0.04, 0.02);
  const JudgedClaim judged = Judge("table2");
  EXPECT_EQ(judged.verdict, ClaimVerdict::kDoesNotHold);
  EXPECT_EQ(judged.reason, "INT8 H - INT8 B is positive");
}

TEST_F(ClaimVerdictTest, OnePartThatMayBeWorseDecidesNothing) {
  Parts(-0.03, -0.01, -0.04, 0.02);
  const JudgedClaim judged = Judge("table2");
  EXPECT_EQ(judged.verdict, ClaimVerdict::kUndecided);
  EXPECT_EQ(judged.reason, "the interval of INT8 H - INT8 N includes 0");
}

TEST_F(ClaimVerdictTest, DrawsOfOneSeedAreCompared) {
  Parts(-0.03, -0.01, -0.04, -0.02);
  Draw(1, 0.591, &results_[0]);
  Draw(2, 0.592, &results_[0]);
  Draw(1, 0.599, &results_[1]);
  Draw(2, 0.580, &results_[2]);
  Draw(1, 0.581, &results_[2]);
  Draw(3, 0.990, &results_[2]);
  const JudgedClaim judged = Judge("table2");
  EXPECT_EQ(judged.verdict, ClaimVerdict::kHolds);
  EXPECT_THAT(judged.differences[0].draws,
              ElementsAre(DoubleNear(-1.2, 1e-9), DoubleNear(-1.0, 1e-9)));
}

TEST_F(ClaimVerdictTest, DrawsThatDisagreeDecideNothing) {
  QatClaim(0.01, 0.03);
  Draw(1, 0.60, &results_[0]);
  Draw(2, 0.63, &results_[0]);
  const JudgedClaim judged = Judge("table1");
  EXPECT_EQ(judged.verdict, ClaimVerdict::kUndecided);
  EXPECT_EQ(judged.reason,
            "draws of calibration images differ in the sign of QAT - PTQ");
}

}  // namespace
}  // namespace yoloq
