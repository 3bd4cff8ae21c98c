#include "reports/table_markdown.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/distinct.h"
#include "reports/format_number.h"
#include "reports/markdown_claims.h"
#include "reports/markdown_context.h"
#include "reports/markdown_details.h"
#include "reports/markdown_table.h"
#include "reports/published.h"

namespace yoloq {
namespace {

constexpr auto kRight = MarkdownTable::Align::kRight;

// Notes that cells refer to by number; equal notes share one.
class Footnotes {
 public:
  // "MATCH", or "WITHIN [1]" with the reason as note 1.
  std::string Mark(const Judgement& judgement) {
    const std::string name(VerdictName(judgement.verdict));
    if (judgement.reason.empty()) return name;
    const auto note = std::find(notes_.begin(), notes_.end(), judgement.reason);
    const auto number = note - notes_.begin() + 1;
    if (note == notes_.end()) notes_.push_back(judgement.reason);
    return absl::StrCat(name, " [", number, "]");
  }

  std::string Render() const {
    std::string text;
    for (size_t i = 0; i < notes_.size(); ++i) {
      absl::StrAppend(&text, "- [", i + 1, "] ", notes_[i], "\n");
    }
    return text;
  }

 private:
  std::vector<std::string> notes_;
};

std::string ColumnTitle(Metric metric) {
  switch (metric) {
    case MODEL_SIZE_MB:
      return "Model size (MB)";
    case MAP_PERCENT:
      return "mAP (%)";
    case LATENCY_S:
      return "Latency (s)";
    case FPS:
      return "FPS";
    default:
      return "";
  }
}

// "table1" -> "Table 1".
std::string TableTitle(const std::string& table) {
  const size_t digit = table.find_first_of("0123456789");
  std::string title = table;
  if (digit != std::string::npos) title.insert(digit, " ");
  title[0] = absl::ascii_toupper(title[0]);
  return title;
}

std::string Bits(Precision precision) { return precision == INT8 ? "8" : "32"; }

std::string PrecisionText(const ComparedRow& row) {
  const bool uniform = row.backbone == row.neck && row.neck == row.head;
  return uniform ? Precision_Name(row.backbone) : "mixed";
}

// True when the table mixes precisions: then it has the columns B, N, H.
bool IsPartial(const Comparison& comparison) {
  return std::any_of(
      comparison.rows.begin(), comparison.rows.end(),
      [](const ComparedRow& row) { return PrecisionText(row) == "mixed"; });
}

std::string PublishedCell(const ComparedValue& value) {
  if (value.published == nullptr) return "";
  const std::string text =
      FormatFixed(value.published->value(), value.published->decimals());
  switch (value.published->origin()) {
    case PublishedValue::UNPUBLISHED:
      return "unpublished";
    case PublishedValue::DERIVED:
      return absl::StrCat(text, " (derived)");
    default:
      return text;
  }
}

std::string OurCell(const ComparedRow& row, const ComparedValue& value) {
  if (!value.ours.value.has_value()) return "not run";
  const int decimals = DecimalsFor(*value.ours.value, 2);
  std::string text = FormatFixed(*value.ours.value, decimals);
  if (value.ours.interval.has_value()) {
    absl::StrAppend(&text, " ",
                    FormatInterval(*value.ours.interval, 1, decimals));
  }
  const bool is_latency = value.metric == LATENCY_S || value.metric == FPS;
  if (is_latency && !row.result->latency().valid()) text += " INVALID";
  return text;
}

bool IsOfPaper(const ComparedRow& row) {
  return row.values.front().published != nullptr;
}

std::vector<std::string> LeadingCells(const ComparedRow& row, bool partial) {
  if (partial) return {Bits(row.backbone), Bits(row.neck), Bits(row.head)};
  return {IsOfPaper(row) ? row.method : row.label, PrecisionText(row)};
}

// Of the line with our values. A table by parts has no column for a name.
std::string OurKind(const ComparedRow& row, bool partial) {
  return partial && !IsOfPaper(row) ? absl::StrCat("ours: ", row.label)
                                    : "ours";
}

// Three lines a row: the paper's values, ours, the verdicts.
std::string RenderTable(const Comparison& comparison, Footnotes* notes) {
  const bool partial = IsPartial(comparison);
  std::vector<MarkdownTable::Column> columns;
  if (partial) {
    columns = {{"B", kRight}, {"N", kRight}, {"H", kRight}};
  } else {
    columns = {{"Method"}, {"Precision"}};
  }
  const size_t leading = columns.size();
  columns.push_back({""});
  for (const Metric metric : TableMetrics()) {
    columns.push_back({ColumnTitle(metric), kRight});
  }
  MarkdownTable table(std::move(columns));
  for (const ComparedRow& row : comparison.rows) {
    std::vector<std::string> paper = LeadingCells(row, partial);
    std::vector<std::string> ours(leading);
    if (!IsOfPaper(row)) ours.swap(paper);
    std::vector<std::string> verdicts(leading);
    paper.push_back("paper");
    ours.push_back(OurKind(row, partial));
    verdicts.push_back("verdict");
    for (const ComparedValue& value : row.values) {
      paper.push_back(PublishedCell(value));
      ours.push_back(OurCell(row, value));
      verdicts.push_back(notes->Mark(value.judgement));
    }
    if (IsOfPaper(row)) table.AddRow(std::move(paper));
    table.AddRow(std::move(ours));
    table.AddRow(std::move(verdicts));
  }
  return table.Render();
}

std::string RenderMeasuredOn(const Comparison& comparison) {
  std::string text;
  for (size_t i = 0; i < TableMetrics().size(); ++i) {
    std::vector<std::pair<std::string, std::string>> label_texts;
    for (const ComparedRow& row : comparison.rows) {
      label_texts.emplace_back(row.label, row.values[i].ours.measured_on);
    }
    const std::string measured_on = JoinDistinct(label_texts);
    absl::StrAppend(&text, "- ", ColumnTitle(TableMetrics()[i]), ": ",
                    measured_on.empty() ? "not run" : measured_on, "\n");
  }
  return text;
}

std::string RenderVerdictCounts(const Comparison& comparison) {
  std::map<Verdict, int> counts;
  for (const ComparedRow& row : comparison.rows) {
    for (const ComparedValue& value : row.values) {
      ++counts[value.judgement.verdict];
    }
  }
  return absl::StrCat("Verdicts: ",
                      absl::StrJoin(counts, ", ",
                                    [](std::string* out, const auto& count) {
                                      absl::StrAppend(out, count.second, " ",
                                                      VerdictName(count.first));
                                    }),
                      ".\n");
}

std::string RenderTolerances(const Comparison& comparison) {
  std::string text;
  for (const Metric metric : TableMetrics()) {
    const Tolerance& tolerance = ToleranceOf(*comparison.paper, metric);
    std::vector<std::string> terms;
    if (tolerance.absolute() > 0) {
      terms.push_back(absl::StrCat(tolerance.absolute()));
    }
    if (tolerance.percent() > 0) {
      terms.push_back(absl::StrCat(tolerance.percent(), " %"));
    }
    absl::StrAppend(&text, "- ", ColumnTitle(metric), ": ",
                    absl::StrJoin(terms, " + "), ": ", tolerance.reason(),
                    "\n");
  }
  return text;
}

// The factor that belongs to a reduction in percent.
std::string SpeedUp(absl::optional<double> reduction_percent) {
  if (!reduction_percent.has_value() || *reduction_percent >= 100) return "";
  return FormatFixed(1 / (1 - *reduction_percent / 100), 2);
}

std::string OptionalFixed(absl::optional<double> value, int decimals) {
  return value.has_value() ? FormatFixed(*value, decimals) : "";
}

using Cells = std::vector<std::string>;

// Cells of the columns from "Size reduction" on; empty: the line says nothing.
Cells ClaimCells(const ComparedPair& pair) {
  Cells cells;
  bool any = false;
  for (const ComparedChange& change : pair.changes) {
    absl::optional<double> claimed;
    if (change.claim != nullptr) claimed = change.claim->value();
    any = any || claimed.has_value();
    cells.push_back(claimed.has_value()
                        ? FormatFixed(*claimed, change.claim->decimals())
                        : "");
    if (change.metric == LATENCY_S) cells.push_back(SpeedUp(claimed));
  }
  return any ? cells : Cells();
}

Cells PaperCells(const ComparedPair& pair) {
  Cells cells;
  bool any = false;
  for (const ComparedChange& change : pair.changes) {
    any = any || change.from_cells.has_value();
    cells.push_back(OptionalFixed(change.from_cells, 2));
    if (change.metric == LATENCY_S) cells.push_back(SpeedUp(change.from_cells));
  }
  cells.push_back(
      pair.cells_points.has_value() ? FormatSigned(*pair.cells_points, 2) : "");
  return any ? cells : Cells();
}

Cells OurCells(const ComparedPair& pair) {
  Cells cells;
  for (const ComparedChange& change : pair.changes) {
    cells.push_back(change.ours.has_value() ? FormatFixed(*change.ours, 2)
                                            : "not run");
    if (change.metric == LATENCY_S) cells.push_back(SpeedUp(change.ours));
  }
  std::string points = pair.our_points.has_value()
                           ? FormatSigned(*pair.our_points, 2)
                           : "not run";
  if (pair.our_points_interval.has_value()) {
    absl::StrAppend(&points, " ",
                    FormatInterval(*pair.our_points_interval, 1, 2));
  }
  cells.push_back(points);
  return cells;
}

Cells VerdictCells(const ComparedPair& pair, Footnotes* notes) {
  Cells cells;
  bool any = false;
  for (const ComparedChange& change : pair.changes) {
    // Where the paper claims nothing there is nothing to judge.
    any = any || change.claim != nullptr;
    cells.push_back(change.claim == nullptr ? ""
                                            : notes->Mark(change.judgement));
    if (change.metric == LATENCY_S) cells.push_back("");
  }
  return any ? cells : Cells();
}

std::string RenderChanges(const Comparison& comparison) {
  MarkdownTable table({{"Change"},
                       {""},
                       {"Size reduction (%)", kRight},
                       {"Latency reduction (%)", kRight},
                       {"Speed-up (x)", kRight},
                       {"mAP loss, relative (%)", kRight},
                       {"mAP change (points)", kRight}});
  Footnotes notes;
  for (const ComparedPair& pair : comparison.pairs) {
    std::string label = pair.label;
    const auto add_line = [&](const std::string& kind, Cells cells) {
      if (cells.empty()) return;
      cells.insert(cells.begin(), {std::exchange(label, ""), kind});
      table.AddRow(std::move(cells));
    };
    add_line("paper's claim", ClaimCells(pair));
    add_line("paper's cells", PaperCells(pair));
    add_line("ours", OurCells(pair));
    add_line("verdict", VerdictCells(pair, &notes));
  }
  if (table.empty()) return "";
  return absl::StrCat(table.Render(), "\n", notes.Render());
}

std::string RenderAudit(const Comparison& comparison) {
  std::map<AuditFinding::Status, int> counts;
  std::string list;
  for (const AuditFinding& finding : comparison.audit) {
    ++counts[finding.status];
    absl::StrAppend(&list, "- ", AuditStatusName(finding.status), ": ",
                    finding.subject, ": ", finding.detail, "\n");
  }
  return absl::StrCat(absl::StrJoin(counts, ", ",
                                    [](std::string* out, const auto& count) {
                                      absl::StrAppend(
                                          out, count.second, " ",
                                          AuditStatusName(count.first));
                                    }),
                      ".\n\n", list);
}

std::string RenderTableSection(const Comparison& comparison) {
  const std::string title = TableTitle(comparison.table);
  Footnotes notes;
  const std::string table = RenderTable(comparison, &notes);
  return absl::StrCat("\n## ", title, "\n\n", table, "\n", notes.Render(), "\n",
                      RenderVerdictCounts(comparison),
                      "In brackets: 95 % intervals, and numbers of notes.\n");
}

std::string RenderFigure5(const std::string& path) {
  if (path.empty()) return "";
  return absl::StrCat(
      "![Accuracy, latency and model size of Baseline, INT8 B, "
      "INT8 N, INT8 H, PTQ and QAT, ours beside the paper's](",
      path, ")\n");
}

// Rows that are not the paper's belong to every table: kept in the first only.
std::vector<Comparison> WithoutRepeatedRows(std::vector<Comparison> tables) {
  for (size_t i = 1; i < tables.size(); ++i) {
    std::vector<ComparedRow>& rows = tables[i].rows;
    rows.erase(
        std::remove_if(rows.begin(), rows.end(),
                       [](const ComparedRow& row) { return !IsOfPaper(row); }),
        rows.end());
  }
  return tables;
}

// All rows, pairs and claims as if they were of one table.
Comparison Merge(const std::vector<Comparison>& tables) {
  Comparison all = tables.front();
  std::set<std::string> pairs;
  for (const ComparedPair& pair : all.pairs) pairs.insert(pair.label);
  for (size_t i = 1; i < tables.size(); ++i) {
    const Comparison& table = tables[i];
    all.rows.insert(all.rows.end(), table.rows.begin(), table.rows.end());
    all.claims.insert(all.claims.end(), table.claims.begin(),
                      table.claims.end());
    for (const ComparedPair& pair : table.pairs) {
      if (pairs.insert(pair.label).second) all.pairs.push_back(pair);
    }
  }
  return all;
}

std::string Section(absl::string_view title, const std::string& content) {
  return content.empty() ? "" : absl::StrCat("\n## ", title, "\n\n", content);
}

}  // namespace

std::string RenderDocument(const std::vector<Comparison>& tables,
                           const DocumentOptions& options) {
  const std::vector<Comparison> distinct = WithoutRepeatedRows(tables);
  const Comparison all = Merge(distinct);
  std::vector<std::string> titles;
  std::string sections;
  for (const Comparison& table : distinct) {
    titles.push_back(TableTitle(table.table));
    absl::StrAppend(&sections, RenderTableSection(table));
  }
  return absl::StrCat(
      "# ", absl::StrJoin(titles, " and "), " of ", all.paper->title(), "\n\n",
      RenderContext(all),
      Section("What ours was measured on", RenderMeasuredOn(all)), sections,
      Section("Figure 5", RenderFigure5(options.figure5)),
      Section("The paper's conclusions", RenderClaims(all)),
      Section("Calibration draws", RenderCalibrationDraws(all)),
      Section("Changes", RenderChanges(all)),
      Section("Model size", RenderModelSizes(all)),
      Section("Accuracy", RenderAccuracies(all)),
      Section("Integer execution against fake quantization",
              RenderFakeQuantization(all)),
      Section("AP of each class (%)", RenderClasses(all)),
      Section("Latency", RenderLatencies(all)),
      Section("Device", RenderDevices(all)),
      Section("Modelled latency on a Raspberry Pi 3B+",
              RenderModelledLatencies(all)),
      Section("The paper's own arithmetic", RenderAudit(all)),
      Section("Tolerances", RenderTolerances(all)),
      Section("Stages", RenderStages(all)),
      Section("Profile", RenderProfile(all)));
}

}  // namespace yoloq
