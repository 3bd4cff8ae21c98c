// Reports as files, from results alone.
#ifndef YOLOQ_REPORTS_WRITE_REPORT_H_
#define YOLOQ_REPORTS_WRITE_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "reports/ablation.pb.h"
#include "reports/result.pb.h"
#include "reports/results_file.h"
#include "reports/sensitivity.pb.h"

namespace yoloq {

// Where a report goes: folder/name.md and its kin. The folder is made where it
// is not there.
struct ReportFiles {
  std::string folder;  // "": nothing is written
  std::string name;    // "all"
};

// Tables of the paper that the results have rows of, the baseline not counted;
// "table1" where there are none.
std::vector<std::string> TablesOf(const RunResults& results);

// Each renders a page, writes it as name.md and returns it. Nothing of the
// results is written: see WriteResults.

// Also name.json; and Figure 5 as name.svg and name.png, where `tables` has
// both of the tables that the figure shows rows of. `tables`: empty: those of
// TablesOf. Errors of Compare, of WriteFigure5 and of writing.
absl::StatusOr<std::string> WriteReport(const RunResults& results,
                                        const std::vector<std::string>& tables,
                                        const ReportFiles& files);

// Also the chart, as name.svg and name.png, where there are layers. Errors of
// WriteSensitivityChart and of writing.
absl::StatusOr<std::string> WriteReport(const SensitivityResult& result,
                                        const ReportFiles& files);

// Errors of RenderAblation and of writing.
absl::StatusOr<std::string> WriteReport(const AblationResult& result,
                                        const ReportFiles& files);

// Whichever it is; `tables` is about RunResults only.
absl::StatusOr<std::string> WriteReport(const AnyResults& results,
                                        const std::vector<std::string>& tables,
                                        const ReportFiles& files);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_WRITE_REPORT_H_
