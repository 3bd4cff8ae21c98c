#include "reports/claim_verdict.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "reports/measurement.h"
#include "reports/published.h"
#include "reports/row_label.h"

namespace yoloq {
namespace {

const RunResult* FindResult(const std::vector<RunResult>& results,
                            const std::string& row) {
  for (const RunResult& result : results) {
    if (result.experiment().paper_row() == row) return &result;
  }
  return nullptr;
}

std::string LabelOf(const PublishedRow& row) {
  return RowLabel(row.method(), row.backbone(), row.neck(), row.head());
}

// The mAP of a run with the calibration images of `seed`. A run without draws
// (QAT) has one mAP, whatever the seed.
absl::optional<double> MapOfDraw(const RunResult& run, uint64_t seed) {
  if (run.calibration_draws().empty()) return TableMap(run, run.accuracy());
  for (const CalibrationDraw& draw : run.calibration_draws()) {
    if (draw.seed() == seed) return draw.map();
  }
  return absl::nullopt;
}

std::vector<double> DrawDifferences(const RunResult& run,
                                    const RunResult& other) {
  const auto& seeds = run.calibration_draws().empty()
                          ? other.calibration_draws()
                          : run.calibration_draws();
  std::vector<double> differences;
  for (const CalibrationDraw& draw : seeds) {
    const absl::optional<double> from = MapOfDraw(other, draw.seed());
    const absl::optional<double> to = MapOfDraw(run, draw.seed());
    if (from.has_value() && to.has_value()) {
      differences.push_back((*to - *from) * 100);
    }
  }
  return differences;
}

enum class Side { kClaimed, kOther, kUnknown };

// Which side of 0 a difference is on beyond doubt.
Side SideOf(const ClaimDifference& difference) {
  if (!difference.interval.has_value()) return Side::kUnknown;
  double low = difference.interval->low();
  double high = difference.interval->high();
  for (const double draw : difference.draws) {
    low = std::min(low, draw);
    high = std::max(high, draw);
  }
  if (low > 0)
    return difference.claimed_positive ? Side::kClaimed : Side::kOther;
  if (high < 0) {
    return difference.claimed_positive ? Side::kOther : Side::kClaimed;
  }
  return Side::kUnknown;
}

std::string WhyUnknown(const ClaimDifference& difference) {
  if (!difference.interval.has_value()) {
    return absl::StrCat(difference.label, " has no interval");
  }
  if (difference.interval->low() <= 0 && difference.interval->high() >= 0) {
    return absl::StrCat("the interval of ", difference.label, " includes 0");
  }
  return absl::StrCat("draws of calibration images differ in the sign of ",
                      difference.label);
}

class ClaimJudge {
 public:
  ClaimJudge(const PublishedPaper& paper, const std::vector<RunResult>& results)
      : paper_(paper), results_(results) {}

  JudgedClaim Judge(const PublishedClaim& claim) const {
    JudgedClaim judged;
    judged.claim = &claim;
    std::string not_run;
    for (const std::string& other : Others(claim)) {
      judged.differences.push_back(Difference(claim, other, &not_run));
    }
    Decide(not_run, &judged);
    return judged;
  }

 private:
  // Rows that the claim sets its row b against.
  std::vector<std::string> Others(const PublishedClaim& claim) const {
    if (claim.formula() == PublishedClaim::EXCEEDS) return {claim.row_a()};
    std::vector<std::string> others;
    for (const PublishedRow& row : paper_.rows()) {
      if (row.id() != claim.row_b() &&
          TableOf(row.id()) == TableOf(claim.row_b()) &&
          FindValue(row, claim.metric())->origin() !=
              PublishedValue::UNPUBLISHED) {
        others.push_back(row.id());
      }
    }
    return others;
  }

  // "INT8 H: the profile has no data"; "" when the row has a mAP.
  std::string NotRun(const std::string& row) const {
    const Measurement measurement = MeasurementOf(
        FindResult(results_, row), MAP_PERCENT, paper_.conditions(), 0);
    if (measurement.value.has_value()) return "";
    return absl::StrCat(LabelOf(*FindRow(paper_, row)), ": ",
                        measurement.not_run);
  }

  ClaimDifference Difference(const PublishedClaim& claim,
                             const std::string& other,
                             std::string* not_run) const {
    ClaimDifference difference;
    difference.label = absl::StrCat(LabelOf(*FindRow(paper_, claim.row_b())),
                                    " - ", LabelOf(*FindRow(paper_, other)));
    difference.claimed_positive = claim.formula() == PublishedClaim::EXCEEDS;
    for (const std::string& row : {claim.row_b(), other}) {
      if (not_run->empty()) *not_run = NotRun(row);
    }
    const RunResult* run = FindResult(results_, claim.row_b());
    const RunResult* other_run = FindResult(results_, other);
    if (run == nullptr || other_run == nullptr || !run->has_accuracy() ||
        !other_run->has_accuracy()) {
      return difference;
    }
    difference.points = (TableMap(*run, run->accuracy()) -
                         TableMap(*other_run, other_run->accuracy())) *
                        100;
    if (const PairedDifference* paired = FindPaired(*run, *other_run)) {
      difference.points = paired->map_difference() * 100;
      difference.interval.emplace();
      difference.interval->set_low(paired->interval().low() * 100);
      difference.interval->set_high(paired->interval().high() * 100);
    }
    difference.draws = DrawDifferences(*run, *other_run);
    return difference;
  }

  static void Decide(const std::string& not_run, JudgedClaim* judged) {
    if (!not_run.empty()) {
      judged->verdict = ClaimVerdict::kNotRun;
      judged->reason = not_run;
      return;
    }
    judged->verdict = ClaimVerdict::kHolds;
    for (const ClaimDifference& difference : judged->differences) {
      const Side side = SideOf(difference);
      if (side == Side::kOther) {
        judged->verdict = ClaimVerdict::kDoesNotHold;
        judged->reason =
            absl::StrCat(difference.label, " is ",
                         difference.claimed_positive ? "negative" : "positive");
        return;
      }
      if (side == Side::kUnknown &&
          judged->verdict != ClaimVerdict::kUndecided) {
        judged->verdict = ClaimVerdict::kUndecided;
        judged->reason = WhyUnknown(difference);
      }
    }
  }

  const PublishedPaper& paper_;
  const std::vector<RunResult>& results_;
};

}  // namespace

absl::string_view ClaimVerdictName(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::kHolds:
      return "HOLDS";
    case ClaimVerdict::kDoesNotHold:
      return "DOES NOT HOLD";
    case ClaimVerdict::kUndecided:
      return "UNDECIDED";
    case ClaimVerdict::kNotRun:
      return "NOT RUN";
  }
  return "";
}

const PairedDifference* FindPaired(const RunResult& run,
                                   const RunResult& other) {
  for (const PairedDifference& paired : run.comparisons()) {
    if (paired.other() == other.experiment().name() && paired.has_interval()) {
      return &paired;
    }
  }
  return nullptr;
}

std::vector<JudgedClaim> JudgeOrderClaims(const PublishedPaper& paper,
                                          const std::vector<RunResult>& results,
                                          absl::string_view table) {
  const ClaimJudge judge(paper, results);
  std::vector<JudgedClaim> judged;
  for (const PublishedClaim& claim : paper.claims()) {
    const bool about_order = claim.formula() == PublishedClaim::EXCEEDS ||
                             claim.formula() == PublishedClaim::LOWEST;
    if (about_order && claim.metric() == MAP_PERCENT &&
        TableOf(claim.row_b()) == table) {
      judged.push_back(judge.Judge(claim));
    }
  }
  return judged;
}

}  // namespace yoloq
