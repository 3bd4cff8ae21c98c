// The paper's claims about an order of rows ("QAT beats PTQ"), judged by what
// was measured and how sure that is.
#ifndef YOLOQ_REPORTS_CLAIM_VERDICT_H_
#define YOLOQ_REPORTS_CLAIM_VERDICT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "reports/published.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

enum class ClaimVerdict {
  kHolds,        // every difference is as claimed, and none can be chance
  kDoesNotHold,  // some difference is the other way, and that is not chance
  kUndecided,    // neither: an interval includes 0, or calibration draws differ
  kNotRun,       // a row was not measured
};

// "HOLDS", "DOES NOT HOLD", "UNDECIDED", "NOT RUN".
absl::string_view ClaimVerdictName(ClaimVerdict verdict);

// The mAP of the row that a claim is about minus that of another row, in
// points.
struct ClaimDifference {
  std::string label;                  // "QAT - PTQ"
  bool claimed_positive = false;      // what the claim says of its sign
  absl::optional<double> points;      // nothing: a row was not measured
  absl::optional<Interval> interval;  // 95 %, paired bootstrap over images
  std::vector<double> draws;          // one for each draw of calibration images
};

struct JudgedClaim {
  const PublishedClaim* claim = nullptr;
  ClaimVerdict verdict = ClaimVerdict::kNotRun;
  std::string reason;
  std::vector<ClaimDifference> differences;
};

// The claims EXCEEDS and LOWEST about mAP of rows of one table. A LOWEST is
// judged against the rows that the paper has values of. A claim holds when the
// interval of each difference lies on the claimed side of 0, and so does each
// draw of calibration images. Rows are matched by RunResult.comparisons;
// without one a difference has no interval and decides nothing.
std::vector<JudgedClaim> JudgeOrderClaims(const PublishedPaper& paper,
                                          const std::vector<RunResult>& results,
                                          absl::string_view table);

// The paired difference run - other as `run` has it; null without one.
const PairedDifference* FindPaired(const RunResult& run,
                                   const RunResult& other);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_CLAIM_VERDICT_H_
