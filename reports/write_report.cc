#include "reports/write_report.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "reports/ablation_report.h"
#include "reports/comparison.h"
#include "reports/figure5.h"
#include "reports/paper_network.h"
#include "reports/published.h"
#include "reports/results_json.h"
#include "reports/sensitivity_report.h"
#include "reports/table_markdown.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

std::string Path(const ReportFiles& files, absl::string_view suffix) {
  return JoinPath(files.folder, absl::StrCat(files.name, suffix));
}

absl::Status Write(const ReportFiles& files, absl::string_view suffix,
                   const std::string& text) {
  if (files.folder.empty()) return absl::OkStatus();
  YOLOQ_RETURN_IF_ERROR(MakeFolders(files.folder));
  return WriteFileAtomically(Path(files, suffix), text);
}

// The picture as the page names it; "": there is none.
std::string Picture(const ReportFiles& files, bool drawn) {
  return drawn && !files.folder.empty() ? files.name + ".svg" : "";
}

bool ShowFigure5(const std::vector<Comparison>& tables) {
  std::set<std::string> names;
  for (const Comparison& table : tables) names.insert(table.table);
  return names.count("table1") > 0 && names.count("table2") > 0;
}

}  // namespace

std::vector<std::string> TablesOf(const RunResults& results) {
  std::set<std::string> tables;
  for (const RunResult& result : results.results()) {
    // The baseline joins the results of every table.
    if (result.experiment().kind() == ExperimentSpec::BASELINE) continue;
    const std::string& row = result.experiment().paper_row();
    if (!row.empty()) tables.emplace(TableOf(row));
  }
  if (tables.empty()) tables.insert("table1");
  return {tables.begin(), tables.end()};
}

absl::StatusOr<std::string> WriteReport(const RunResults& results,
                                        const std::vector<std::string>& tables,
                                        const ReportFiles& files) {
  YOLOQ_ASSIGN_OR_RETURN(const PublishedPaper paper, LoadPublished());
  YOLOQ_ASSIGN_OR_RETURN(const PartParameters parameters,
                         PaperNetworkParameters(paper.conditions()));
  const std::vector<RunResult> runs(results.results().begin(),
                                    results.results().end());
  std::vector<Comparison> comparisons;
  for (const std::string& table : tables.empty() ? TablesOf(results) : tables) {
    YOLOQ_ASSIGN_OR_RETURN(Comparison comparison,
                           Compare(table, runs, paper, parameters));
    comparisons.push_back(std::move(comparison));
  }
  DocumentOptions options;
  options.figure5 = Picture(files, ShowFigure5(comparisons));
  const std::string page = RenderDocument(comparisons, options);
  YOLOQ_RETURN_IF_ERROR(Write(files, ".md", page));
  YOLOQ_ASSIGN_OR_RETURN(const std::string json, RenderJson(comparisons));
  YOLOQ_RETURN_IF_ERROR(Write(files, ".json", json));
  if (!options.figure5.empty()) {
    YOLOQ_RETURN_IF_ERROR(WriteFigure5(
        runs, paper, parameters, Path(files, ".svg"), Path(files, ".png")));
  }
  return page;
}

absl::StatusOr<std::string> WriteReport(const SensitivityResult& result,
                                        const ReportFiles& files) {
  const std::string chart = Picture(files, !result.layers().empty());
  const std::string page = RenderSensitivity(result, chart);
  YOLOQ_RETURN_IF_ERROR(Write(files, ".md", page));
  if (!chart.empty()) {
    YOLOQ_RETURN_IF_ERROR(WriteSensitivityChart(result, Path(files, ".svg"),
                                                Path(files, ".png")));
  }
  return page;
}

absl::StatusOr<std::string> WriteReport(const AblationResult& result,
                                        const ReportFiles& files) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string page, RenderAblation(result));
  YOLOQ_RETURN_IF_ERROR(Write(files, ".md", page));
  return page;
}

absl::StatusOr<std::string> WriteReport(const AnyResults& results,
                                        const std::vector<std::string>& tables,
                                        const ReportFiles& files) {
  if (const auto* runs = std::get_if<RunResults>(&results)) {
    return WriteReport(*runs, tables, files);
  }
  if (const auto* sensitivity = std::get_if<SensitivityResult>(&results)) {
    return WriteReport(*sensitivity, files);
  }
  return WriteReport(std::get<AblationResult>(results), files);
}

}  // namespace yoloq
