// Comparisons as JSON, for programs: reports/document.proto.
#ifndef YOLOQ_REPORTS_RESULTS_JSON_H_
#define YOLOQ_REPORTS_RESULTS_JSON_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "reports/comparison.h"
#include "reports/document.pb.h"

namespace yoloq {

// For each row the table's four metrics, then those that stand behind them:
// "model_size_mib", "map_area", "map_eleven_point", "map_fake_quantized",
// "map_change", "latency_p90", "latency_min", where they were measured.
// Rows that are not the paper's are those of the first table. `tables`: at
// least one, all of the same results and paper.
ReportDocument MakeDocument(const std::vector<Comparison>& tables);

// MakeDocument as JSON text, indented, with a line end at its end. Internal
// when the text is not valid UTF-8.
absl::StatusOr<std::string> RenderJson(const std::vector<Comparison>& tables);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_RESULTS_JSON_H_
