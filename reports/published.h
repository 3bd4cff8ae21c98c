// The paper's values as typed data: embedded, checked and completed.
//
//   YOLOQ_ASSIGN_OR_RETURN(const PublishedPaper paper, LoadPublished());
//   const PublishedRow* row = FindRow(paper, "table1/ptq");
#ifndef YOLOQ_REPORTS_PUBLISHED_H_
#define YOLOQ_REPORTS_PUBLISHED_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "reports/published.pb.h"

namespace yoloq {

// The content of reports/published.textproto, which is part of the program,
// with the values of origin DERIVED filled in.
absl::StatusOr<PublishedPaper> LoadPublished();

// As LoadPublished for any text; `name` stands in errors.
absl::StatusOr<PublishedPaper> ParsePublished(absl::string_view text,
                                              absl::string_view name);

// Null where there is none.
const PublishedRow* FindRow(const PublishedPaper& paper, absl::string_view id);
const PublishedValue* FindValue(const PublishedRow& row, Metric metric);
const PublishedClaim* FindClaim(const PublishedPaper& paper,
                                absl::string_view id);

// The tolerance of a metric; every paper that was loaded has it.
const Tolerance& ToleranceOf(const PublishedPaper& paper, Metric metric);

// How far from a published value still counts as replicated, in its unit.
double AbsoluteTolerance(const PublishedPaper& paper,
                         const PublishedValue& value);

// The four metrics in the order of the tables' columns.
const std::vector<Metric>& TableMetrics();

// "table1" of "table1/ptq".
absl::string_view TableOf(absl::string_view row_id);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_PUBLISHED_H_
