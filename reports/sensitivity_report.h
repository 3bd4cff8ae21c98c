// Which layers suffer from INT8: a table and a chart.
#ifndef YOLOQ_REPORTS_SENSITIVITY_REPORT_H_
#define YOLOQ_REPORTS_SENSITIVITY_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "reports/sensitivity.pb.h"

namespace yoloq {

// A Markdown page: what it was measured on, the parts in short, then a line a
// layer in the order of execution, ranked by what it loses alone in INT8.
// `chart`: the picture's path relative to the page; "": none.
std::string RenderSensitivity(const SensitivityResult& result,
                              const std::string& chart);

// The gnuplot script of the chart, data included, without terminal and output:
// the change of mAP with each layer alone in INT8, and alone left in FP32.
std::string SensitivityScript(const SensitivityResult& result);

// Draws the chart; an empty path is left out. Errors as WritePictures;
// InvalidArgument without layers.
absl::Status WriteSensitivityChart(const SensitivityResult& result,
                                   const std::string& svg_path,
                                   const std::string& png_path);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_SENSITIVITY_REPORT_H_
