#include "reports/audit.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/format_number.h"
#include "reports/published.h"
#include "reports/row_label.h"

namespace yoloq {
namespace {

using Status = AuditFinding::Status;

// All values that a printed number may stand for.
struct Range {
  double low = 0;
  double high = 0;
};

Range PrintedRange(double value, int decimals) {
  const double half_unit = 0.5 * std::pow(10.0, -decimals);
  return {value - half_unit, value + half_unit};
}

Range PrintedRange(const PublishedValue& value) {
  return PrintedRange(value.value(), value.decimals());
}

Range PrintedRange(const PublishedClaim& claim) {
  return PrintedRange(claim.value(), claim.decimals());
}

bool Overlap(const Range& a, const Range& b) {
  return a.low <= b.high && b.low <= a.high;
}

double ReductionPercent(double a, double b) { return (a - b) / a * 100; }

Range ReductionRange(const Range& a, const Range& b) {
  return {ReductionPercent(a.low, b.high), ReductionPercent(a.high, b.low)};
}

Status HoldsIf(bool holds) {
  return holds ? Status::kHolds : Status::kInconsistent;
}

std::string ClaimSubject(const PublishedClaim& claim) {
  return absl::StrCat("Claim ", claim.id(), " (", claim.source(),
                      "): ", claim.text());
}

std::string Print(const PublishedValue& value) {
  return FormatFixed(value.value(), value.decimals());
}

std::string Print(const PublishedClaim& claim) {
  return absl::StrCat(FormatFixed(claim.value(), claim.decimals()), " %");
}

const PublishedValue& ValueOf(const PublishedPaper& paper,
                              const std::string& row, Metric metric) {
  return *FindValue(*FindRow(paper, row), metric);
}

AuditFinding CheckAgainstCells(const PublishedClaim& claim,
                               const PublishedValue& a,
                               const PublishedValue& b) {
  AuditFinding finding;
  finding.subject = ClaimSubject(claim);
  finding.status = HoldsIf(Overlap(
      PrintedRange(claim), ReductionRange(PrintedRange(a), PrintedRange(b))));
  finding.detail = absl::StrCat(
      "(", Print(a), " - ", Print(b), ") / ", Print(a), " = ",
      FormatFixed(ReductionPercent(a.value(), b.value()), claim.decimals() + 1),
      " %, the paper says ", Print(claim));
  if (finding.status == Status::kInconsistent) {
    finding.claims = {claim.id()};
  }
  return finding;
}

// The part that the row of a claim has in INT8, if it is exactly one.
enum class OnePart { kNone, kBackbone, kNeck, kHead };

OnePart Int8Part(const PublishedRow& row) {
  const bool backbone = row.backbone() == INT8;
  const bool neck = row.neck() == INT8;
  const bool head = row.head() == INT8;
  if (backbone + neck + head != 1) return OnePart::kNone;
  return backbone ? OnePart::kBackbone : neck ? OnePart::kNeck : OnePart::kHead;
}

int64_t ParametersOf(const PartParameters& parameters, OnePart part) {
  switch (part) {
    case OnePart::kBackbone:
      return parameters.backbone;
    case OnePart::kNeck:
      return parameters.neck;
    case OnePart::kHead:
      return parameters.head;
    case OnePart::kNone:
      break;
  }
  return 0;
}

// Another claim about the same row whose number lies within `tolerance` of
// `value`; null when there is none.
const PublishedClaim* SwappedWith(const PublishedPaper& paper,
                                  const PublishedClaim& claim, double value) {
  for (const PublishedClaim& other : paper.claims()) {
    if (other.id() != claim.id() && other.row_b() == claim.row_b() &&
        other.formula() == PublishedClaim::REDUCTION &&
        std::fabs(other.value() - value) <= claim.tolerance()) {
      return &other;
    }
  }
  return nullptr;
}

AuditFinding CheckPartSize(const PublishedPaper& paper,
                           const PublishedClaim& claim,
                           const PartParameters& parameters) {
  const int64_t part =
      ParametersOf(parameters, Int8Part(*FindRow(paper, claim.row_b())));
  // Three of the four bytes of each parameter go.
  const double expected = 75.0 * part / parameters.total();
  AuditFinding finding;
  finding.subject = ClaimSubject(claim);
  finding.status =
      HoldsIf(std::fabs(claim.value() - expected) <= claim.tolerance());
  finding.detail = absl::StrCat(
      "its ", FormatThousands(part), " of ",
      FormatThousands(parameters.total()), " parameters at 1 byte for 4 save ",
      FormatFixed(expected, 1), " %, the paper says ", Print(claim));
  if (finding.status == Status::kHolds) return finding;
  finding.claims = {claim.id()};
  if (const PublishedClaim* other = SwappedWith(paper, claim, expected)) {
    finding.claims.push_back(other->id());
    absl::StrAppend(&finding.detail, "; the ", Print(*other), " of claim ",
                    other->id(), " would fit: the two numbers look swapped");
  }
  return finding;
}

AuditFinding Uncheckable(const PublishedClaim& claim) {
  AuditFinding finding;
  finding.subject = ClaimSubject(claim);
  finding.detail = absl::StrCat("the paper says ", Print(claim),
                                "; the cell it is about is not in the text");
  return finding;
}

AuditFinding CheckExceeds(const PublishedPaper& paper,
                          const PublishedClaim& claim) {
  const PublishedValue& a = ValueOf(paper, claim.row_a(), claim.metric());
  const PublishedValue& b = ValueOf(paper, claim.row_b(), claim.metric());
  AuditFinding finding;
  finding.subject = ClaimSubject(claim);
  finding.status = HoldsIf(b.value() > a.value());
  finding.detail = absl::StrCat(Print(b), " against ", Print(a));
  if (finding.status == Status::kInconsistent) finding.claims = {claim.id()};
  return finding;
}

AuditFinding CheckLowest(const PublishedPaper& paper,
                         const PublishedClaim& claim) {
  const double lowest = ValueOf(paper, claim.row_b(), claim.metric()).value();
  bool holds = true;
  std::vector<std::string> values;
  for (const PublishedRow& row : paper.rows()) {
    const PublishedValue& value = *FindValue(row, claim.metric());
    if (TableOf(row.id()) != TableOf(claim.row_b()) ||
        value.origin() == PublishedValue::UNPUBLISHED) {
      continue;
    }
    holds = holds && value.value() >= lowest;
    values.push_back(absl::StrCat(
        RowLabel(row.method(), row.backbone(), row.neck(), row.head()), " ",
        Print(value)));
  }
  AuditFinding finding;
  finding.subject = ClaimSubject(claim);
  finding.status = HoldsIf(holds);
  finding.detail = absl::StrJoin(values, ", ");
  if (!holds) finding.claims = {claim.id()};
  return finding;
}

bool IsPrinted(const PublishedValue& value) {
  return value.origin() == PublishedValue::PRINTED;
}

bool IsPartSize(const PublishedPaper& paper, const PublishedClaim& claim) {
  return claim.formula() == PublishedClaim::REDUCTION &&
         claim.metric() == MODEL_SIZE_MB &&
         Int8Part(*FindRow(paper, claim.row_b())) != OnePart::kNone;
}

AuditFinding CheckClaim(const PublishedPaper& paper,
                        const PublishedClaim& claim,
                        const PartParameters& parameters) {
  switch (claim.formula()) {
    case PublishedClaim::EXCEEDS:
      return CheckExceeds(paper, claim);
    case PublishedClaim::LOWEST:
      return CheckLowest(paper, claim);
    default:
      break;
  }
  const PublishedValue& a = ValueOf(paper, claim.row_a(), claim.metric());
  const PublishedValue& b = ValueOf(paper, claim.row_b(), claim.metric());
  if (IsPrinted(a) && IsPrinted(b)) return CheckAgainstCells(claim, a, b);
  if (IsPartSize(paper, claim)) {
    return CheckPartSize(paper, claim, parameters);
  }
  return Uncheckable(claim);
}

void CheckFps(const PublishedPaper& paper,
              std::vector<AuditFinding>* findings) {
  for (const PublishedRow& row : paper.rows()) {
    const PublishedValue& latency = *FindValue(row, LATENCY_S);
    const PublishedValue& fps = *FindValue(row, FPS);
    if (!IsPrinted(latency) || !IsPrinted(fps)) continue;
    const Range seconds = PrintedRange(latency);
    AuditFinding finding;
    finding.subject = absl::StrCat("FPS = 1 / latency, ", row.method());
    finding.status = HoldsIf(
        Overlap(PrintedRange(fps), {1 / seconds.high, 1 / seconds.low}));
    finding.detail =
        absl::StrCat("1 / ", Print(latency), " = ",
                     FormatFixed(1 / latency.value(), fps.decimals() + 1),
                     ", the paper says ", Print(fps));
    findings->push_back(finding);
  }
}

void CheckSizeInFp32(const PublishedPaper& paper,
                     const PartParameters& parameters,
                     std::vector<AuditFinding>* findings) {
  const double tolerance_percent = ToleranceOf(paper, MODEL_SIZE_MB).percent();
  for (const PublishedRow& row : paper.rows()) {
    const PublishedValue& size = *FindValue(row, MODEL_SIZE_MB);
    if (!IsPrinted(size) || row.backbone() != FP32 || row.neck() != FP32 ||
        row.head() != FP32) {
      continue;
    }
    const double bytes = 4.0 * parameters.total();
    const double mb = bytes / 1e6;
    const double mib = bytes / (1 << 20);
    const auto off_percent = [&size](double value) {
      return (size.value() / value - 1) * 100;
    };
    AuditFinding finding;
    finding.subject =
        absl::StrCat("Model size from parameters, ", row.method());
    finding.status = HoldsIf(std::fabs(off_percent(mb)) <= tolerance_percent ||
                             std::fabs(off_percent(mib)) <= tolerance_percent);
    finding.detail = absl::StrCat(
        FormatThousands(parameters.total()), " parameters at 4 bytes are ",
        FormatFixed(mb, 1), " MB (10^6) or ", FormatFixed(mib, 1),
        " MiB (2^20); the paper's ", Print(size), " is off by ",
        FormatSigned(off_percent(mb), 1), " % or ",
        FormatSigned(off_percent(mib), 1), " %");
    findings->push_back(finding);
  }
}

// The claim of a smaller model with all three parts in INT8; null when none.
const PublishedClaim* WholeSize(const PublishedPaper& paper) {
  for (const PublishedClaim& claim : paper.claims()) {
    const PublishedRow& row = *FindRow(paper, claim.row_b());
    if (claim.formula() == PublishedClaim::REDUCTION &&
        claim.metric() == MODEL_SIZE_MB && row.backbone() == INT8 &&
        row.neck() == INT8 && row.head() == INT8) {
      return &claim;
    }
  }
  return nullptr;
}

void CheckSizesAddUp(const PublishedPaper& paper,
                     std::vector<AuditFinding>* findings) {
  const PublishedClaim* whole = WholeSize(paper);
  Range sum;
  double printed_sum = 0;
  std::vector<std::string> terms;
  for (const PublishedClaim& claim : paper.claims()) {
    if (!IsPartSize(paper, claim)) continue;
    const Range range = PrintedRange(claim);
    sum.low += range.low;
    sum.high += range.high;
    printed_sum += claim.value();
    terms.push_back(FormatFixed(claim.value(), claim.decimals()));
  }
  if (whole == nullptr || terms.size() != 3) return;
  AuditFinding finding;
  finding.subject = "Size reductions of the three parts add up to PTQ's";
  finding.status = HoldsIf(Overlap(sum, PrintedRange(*whole)));
  finding.detail = absl::StrCat(absl::StrJoin(terms, " + "), " = ",
                                FormatFixed(printed_sum, 2), " %, claim ",
                                whole->id(), " says ", Print(*whole));
  findings->push_back(finding);
}

// A claim that nothing determines is in doubt where the finding about another
// says so.
void SpreadDoubt(const PublishedPaper& paper,
                 std::vector<AuditFinding>* findings) {
  for (const PublishedClaim& claim : paper.claims()) {
    const std::string doubt = InconsistencyOfClaim(*findings, claim.id());
    if (doubt.empty()) continue;
    for (AuditFinding& finding : *findings) {
      if (finding.status == Status::kUncheckable &&
          finding.subject == ClaimSubject(claim)) {
        finding.status = Status::kInconsistent;
        finding.detail = absl::StrCat("in doubt with another claim: ", doubt);
      }
    }
  }
}

}  // namespace

absl::string_view AuditStatusName(Status status) {
  switch (status) {
    case Status::kHolds:
      return "HOLDS";
    case Status::kInconsistent:
      return "INCONSISTENT";
    case Status::kUncheckable:
      return "UNCHECKABLE";
  }
  return "";
}

std::vector<AuditFinding> AuditPaper(const PublishedPaper& paper,
                                     const PartParameters& parameters) {
  std::vector<AuditFinding> findings;
  CheckFps(paper, &findings);
  CheckSizeInFp32(paper, parameters, &findings);
  for (const PublishedClaim& claim : paper.claims()) {
    findings.push_back(CheckClaim(paper, claim, parameters));
  }
  CheckSizesAddUp(paper, &findings);
  SpreadDoubt(paper, &findings);
  return findings;
}

std::string InconsistencyOfClaim(const std::vector<AuditFinding>& findings,
                                 absl::string_view claim_id) {
  for (const AuditFinding& finding : findings) {
    if (finding.status == Status::kInconsistent &&
        std::find(finding.claims.begin(), finding.claims.end(), claim_id) !=
            finding.claims.end()) {
      return finding.detail;
    }
  }
  return "";
}

std::string InconsistencyOfValue(const std::vector<AuditFinding>& findings,
                                 const PublishedRow& row, Metric metric) {
  const PublishedValue* value = FindValue(row, metric);
  if (value == nullptr || value->origin() != PublishedValue::DERIVED) return "";
  if (value->derived_from_claim().empty()) {
    return InconsistencyOfValue(findings, row, LATENCY_S);
  }
  return InconsistencyOfClaim(findings, value->derived_from_claim());
}

}  // namespace yoloq
