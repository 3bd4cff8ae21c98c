#include "reports/ablation_report.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "reports/format_number.h"
#include "reports/markdown_measured.h"
#include "reports/markdown_table.h"

namespace yoloq {
namespace {

constexpr auto kRight = MarkdownTable::Align::kRight;

double DropPoints(const AblationResult& result, const AblationRow& row) {
  return (result.map_fp32() - row.map()) * 100;
}

// The loss in percent of the plain recipe's; "" where that loses nothing.
std::string Share(double drop, double plain_drop) {
  return plain_drop > 0 ? FormatFixed(drop / plain_drop * 100, 1) : "";
}

std::string DropCell(const AblationResult& result, const AblationRow& row) {
  std::string text = FormatSigned(DropPoints(result, row), 2);
  if (row.has_drop_interval()) {
    absl::StrAppend(&text, " ", FormatInterval(row.drop_interval(), 100, 2));
  }
  return text;
}

std::string RenderRows(const AblationResult& result, const AblationRow& plain) {
  MarkdownTable table({{"Recipe"},
                       {"mAP (%)", kRight},
                       {"Loss against FP32 (points)", kRight},
                       {"Share of the plain recipe's loss (%)", kRight},
                       {"Seconds", kRight},
                       {"Specification"}});
  table.AddRow({"FP32", FormatFixed(result.map_fp32() * 100, 2)});
  for (const AblationRow& row : result.rows()) {
    if (!row.has_map()) {
      table.AddRow({row.recipe(), "not run", "", "", "", row.spec()});
      continue;
    }
    table.AddRow(
        {row.recipe(), FormatFixed(row.map() * 100, 2), DropCell(result, row),
         plain.has_map()
             ? Share(DropPoints(result, row), DropPoints(result, plain))
             : "",
         FormatFixed(row.seconds(), 1), row.spec()});
  }
  return table.Render();
}

// A line for each recipe that was not run and says why.
std::string RenderNotRun(const AblationResult& result) {
  std::string text;
  for (const AblationRow& row : result.rows()) {
    if (row.has_map() || row.not_run().empty()) continue;
    absl::StrAppend(&text, "- ", row.recipe(), ": not run: ", row.not_run(),
                    "\n");
  }
  return text.empty() ? "" : absl::StrCat("\n", text);
}

// "loses 0.90 points" or "gains 0.10 points".
std::string Loses(double drop_points) {
  return absl::StrCat(drop_points < 0 ? "gains " : "loses ",
                      FormatFixed(std::fabs(drop_points), 2), " points");
}

// The PTQ recipe of the highest mAP; null when none was run.
const AblationRow* BestPtq(const AblationResult& result) {
  const AblationRow* best = nullptr;
  for (const AblationRow& row : result.rows()) {
    if (row.has_map() && !row.trained() &&
        (best == nullptr || row.map() > best->map())) {
      best = &row;
    }
  }
  return best;
}

std::string RenderBest(const AblationResult& result, const AblationRow& plain) {
  const AblationRow* best = BestPtq(result);
  if (best == nullptr || !plain.has_map()) return "";
  std::string text =
      absl::StrCat("Best PTQ recipe: ", best->recipe(), ", which ",
                   Loses(DropPoints(result, *best)), " where ", plain.recipe(),
                   " ", Loses(DropPoints(result, plain)));
  const std::string share =
      Share(DropPoints(result, *best), DropPoints(result, plain));
  if (!share.empty()) absl::StrAppend(&text, ": ", share, " % of it");
  return absl::StrCat(text, ".\n");
}

absl::StatusOr<const AblationRow*> FindPlain(const AblationResult& result) {
  if (result.rows().empty()) {
    return absl::InvalidArgumentError("the ablation result has no rows");
  }
  if (result.plain_recipe().empty()) return &result.rows(0);
  for (const AblationRow& row : result.rows()) {
    if (row.recipe() == result.plain_recipe()) return &row;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the ablation result has no row of its plain_recipe \"",
                   result.plain_recipe(), "\""));
}

}  // namespace

absl::StatusOr<std::string> RenderAblation(const AblationResult& result) {
  const absl::StatusOr<const AblationRow*> plain = FindPlain(result);
  if (!plain.ok()) return plain.status();
  return absl::StrCat(
      "# Closing the gap between FP32 and INT8\n\n",
      RenderMeasuredOn(result.profile(), result.provenance(), result.model(),
                       result.images(), result.engine()),
      "\n", RenderRows(result, **plain), RenderNotRun(result), "\n",
      RenderBest(result, **plain),
      "In brackets: 95 % intervals, paired bootstrap over images. Seconds: "
      "making the INT8 model.\n");
}

}  // namespace yoloq
