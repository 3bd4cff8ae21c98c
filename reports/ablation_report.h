// What each way to close the gap between FP32 and INT8 is worth: a table.
#ifndef YOLOQ_REPORTS_ABLATION_REPORT_H_
#define YOLOQ_REPORTS_ABLATION_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "reports/ablation.pb.h"

namespace yoloq {

// A Markdown page: what it was measured on, a line a recipe in the order given,
// each recipe's loss as a share of the plain recipe's, and which PTQ recipe is
// best. InvalidArgument without rows, or when there is no row of the name
// plain_recipe.
absl::StatusOr<std::string> RenderAblation(const AblationResult& result);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_ABLATION_REPORT_H_
