// How a measured value stands to the paper's.
#ifndef YOLOQ_REPORTS_VERDICT_H_
#define YOLOQ_REPORTS_VERDICT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace yoloq {

enum class Verdict {
  kMatch,          // equal at the printed precision
  kWithin,         // within the tolerance
  kDeviates,       // outside it
  kNotRun,         // not measured
  kInconsistent,   // the paper contradicts itself about its value
  kNotComparable,  // measured on something else than the paper's value
  kUnpublished,    // the paper has no value
};

// "MATCH", "NOT RUN", ...
absl::string_view VerdictName(Verdict verdict);

struct Judgement {
  Verdict verdict = Verdict::kUnpublished;
  std::string reason;  // empty: the verdict says all
};

// What is known about one value. The first of these that applies decides:
// unpublished, not run, inconsistent, not comparable; then the numbers do.
struct Judged {
  absl::optional<double> published;
  int decimals = 0;      // of the published value as printed
  double tolerance = 0;  // absolute
  absl::optional<double> ours;
  std::string not_run;         // why `ours` is not there
  std::string inconsistent;    // how the paper contradicts itself; "": not
  std::string not_comparable;  // why `ours` cannot be compared; "": it can
};

Judgement Judge(const Judged& judged);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_VERDICT_H_
