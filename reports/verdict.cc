#include "reports/verdict.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "reports/format_number.h"

namespace yoloq {
namespace {

// "+5.41 (+2.2 %), tolerance 7.23"
std::string DescribeDifference(const Judged& judged) {
  const double difference = *judged.ours - *judged.published;
  const int decimals = std::max(judged.decimals, 1);
  std::string text = FormatSigned(difference, decimals);
  if (*judged.published != 0) {
    const double percent = difference / std::fabs(*judged.published) * 100;
    absl::StrAppend(&text, " (",
                    FormatSigned(percent, std::fabs(percent) < 0.1 ? 2 : 1),
                    " %)");
  }
  return absl::StrCat(text, ", tolerance ",
                      FormatFixed(judged.tolerance, decimals));
}

}  // namespace

absl::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kMatch:
      return "MATCH";
    case Verdict::kWithin:
      return "WITHIN";
    case Verdict::kDeviates:
      return "DEVIATES";
    case Verdict::kNotRun:
      return "NOT RUN";
    case Verdict::kInconsistent:
      return "INCONSISTENT";
    case Verdict::kNotComparable:
      return "NOT COMPARABLE";
    case Verdict::kUnpublished:
      return "UNPUBLISHED";
  }
  return "";
}

Judgement Judge(const Judged& judged) {
  if (!judged.published.has_value()) return {Verdict::kUnpublished, ""};
  if (!judged.ours.has_value()) return {Verdict::kNotRun, judged.not_run};
  if (!judged.inconsistent.empty()) {
    return {
        Verdict::kInconsistent,
        absl::StrCat("the paper contradicts itself: ", judged.inconsistent)};
  }
  if (!judged.not_comparable.empty()) {
    return {Verdict::kNotComparable, judged.not_comparable};
  }
  if (FormatFixed(*judged.ours, judged.decimals) ==
      FormatFixed(*judged.published, judged.decimals)) {
    return {Verdict::kMatch, ""};
  }
  const bool within =
      std::fabs(*judged.ours - *judged.published) <= judged.tolerance;
  return {within ? Verdict::kWithin : Verdict::kDeviates,
          DescribeDifference(judged)};
}

}  // namespace yoloq
