// A comparison as JSON, for programs: reports/document.proto.
#ifndef YOLOQ_REPORTS_RESULTS_JSON_H_
#define YOLOQ_REPORTS_RESULTS_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "reports/comparison.h"
#include "reports/document.pb.h"

namespace yoloq {

// For each row the table's four metrics, then those that stand behind them:
// "model_size_mib", "map_area", "map_eleven_point", "map_fake_quantized",
// "map_change", "latency_p90", "latency_min", where they were measured.
ReportDocument MakeDocument(const Comparison& comparison);

// MakeDocument as JSON text, indented, with a line end at its end. Internal
// when the text is not valid UTF-8.
absl::StatusOr<std::string> RenderJson(const Comparison& comparison);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_RESULTS_JSON_H_
