// Results set against the paper, value by value: what every report is rendered
// from.
//
//   YOLOQ_ASSIGN_OR_RETURN(const Comparison comparison,
//                          Compare("table1", results, paper, parameters));
//   std::cout << RenderDocument({comparison}, {});   //
//   reports/table_markdown.h
#ifndef YOLOQ_REPORTS_COMPARISON_H_
#define YOLOQ_REPORTS_COMPARISON_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "reports/audit.h"
#include "reports/claim_verdict.h"
#include "reports/measurement.h"
#include "reports/published.pb.h"
#include "reports/result.pb.h"
#include "reports/verdict.h"

namespace yoloq {

// One cell of a table.
struct ComparedValue {
  Metric metric = METRIC_UNSPECIFIED;
  const PublishedValue* published =
      nullptr;  // null: the row is not the paper's
  // How the paper contradicts itself about its value; "": it does not.
  std::string inconsistent;
  Measurement ours;
  Judgement judgement;
};

struct ComparedRow {
  std::string id;      // the paper's ("table1/ptq"), or the experiment's name
  std::string label;   // unique within the report: "PTQ", "INT8 B+N"
  std::string method;  // as printed
  Precision backbone = PRECISION_UNSPECIFIED;
  Precision neck = PRECISION_UNSPECIFIED;
  Precision head = PRECISION_UNSPECIFIED;
  const RunResult* result = nullptr;  // null: none was given
  std::vector<ComparedValue> values;  // in the order of TableMetrics()
};

// One value's reduction from row a to row b in percent of a, as the paper
// computes all its changes, those of accuracy included.
struct ComparedChange {
  Metric metric = METRIC_UNSPECIFIED;
  const PublishedClaim* claim = nullptr;  // null: the paper says nothing
  absl::optional<double> from_cells;      // what the paper's two cells give
  absl::optional<double> ours;
  std::string inconsistent;  // as ComparedValue's, of the claim
  Judgement judgement;
};

struct ComparedPair {
  std::string label;     // "PTQ against Baseline"
  bool partial = false;  // row b has some of its parts in INT8, row a none
  std::vector<ComparedChange> changes;  // size, latency, mAP
  // mAP of row b minus that of row a, in points.
  absl::optional<double> cells_points;
  absl::optional<double> our_points;
  absl::optional<Interval> our_points_interval;  // paired bootstrap, 95 %
};

// Points into the results and the paper that it was made from: they outlive it.
struct Comparison {
  std::string table;  // "table1"
  const PublishedPaper* paper = nullptr;
  // The paper's rows of this table, then the results that are not the paper's.
  std::vector<ComparedRow> rows;
  std::vector<ComparedPair> pairs;
  std::vector<JudgedClaim> claims;  // about an order of this table's rows
  std::vector<AuditFinding> audit;
};

// Compares the rows of one table. Results of other tables' rows serve as
// baselines only. `parameters`: of the paper's network, for the audit and for
// what is comparable. InvalidArgument for a table that the paper does not have,
// a result of a row that it does not have, or two results of one row.
absl::StatusOr<Comparison> Compare(absl::string_view table,
                                   const std::vector<RunResult>& results,
                                   const PublishedPaper& paper,
                                   const PartParameters& parameters);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_COMPARISON_H_
