// Does the paper's own arithmetic hold? Everything is computed from the typed
// data and from the size of the network; nothing is known in advance.
#ifndef YOLOQ_REPORTS_AUDIT_H_
#define YOLOQ_REPORTS_AUDIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "reports/published.pb.h"

namespace yoloq {

// Trainable parameters of the paper's network (YOLOv3, 20 classes), part by
// part.
struct PartParameters {
  int64_t backbone = 0;
  int64_t neck = 0;
  int64_t head = 0;

  int64_t total() const { return backbone + neck + head; }
};

struct AuditFinding {
  enum class Status {
    kHolds,
    kInconsistent,
    kUncheckable,  // nothing in the paper determines it
  };
  Status status = Status::kUncheckable;
  std::string subject;  // "claim 2: PTQ reduces the inference time"
  std::string detail;   // the numbers
  // Ids of the claims that an INCONSISTENT finding puts in doubt.
  std::vector<std::string> claims;
};

// "HOLDS", "INCONSISTENT", "UNCHECKABLE".
absl::string_view AuditStatusName(AuditFinding::Status status);

// Checks
// - each printed FPS against the printed latency, within what rounding of both
//   leaves open;
// - the size of an FP32 model against 4 bytes a parameter, in 10^6 and in 2^20
//   bytes, within the metric's tolerance;
// - each claim of a reduction against the two printed cells that it is about,
//   within what rounding of all three leaves open;
// - each claim of a smaller model by one INT8 part against that part's share of
//   the parameters (3 of 4 bytes go), within the claim's tolerance; where it
//   fails and another claim about the same row has a number that would fit,
//   the two look swapped and both are in doubt;
// - claims about an order of rows;
// - the sum of the three parts' size reductions against that of all parts,
//   within rounding: bytes add up.
// A reduction to a cell that is not printed is UNCHECKABLE.
std::vector<AuditFinding> AuditPaper(const PublishedPaper& paper,
                                     const PartParameters& parameters);

// The detail of the first INCONSISTENT finding about a claim; "" when none.
std::string InconsistencyOfClaim(const std::vector<AuditFinding>& findings,
                                 absl::string_view claim_id);

// The same for a value of a row: that of the claim it is derived from (FPS: of
// the claim that the row's latency is derived from).
std::string InconsistencyOfValue(const std::vector<AuditFinding>& findings,
                                 const PublishedRow& row, Metric metric);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_AUDIT_H_
