#include "reports/markdown_claims.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/format_number.h"
#include "reports/markdown_table.h"

namespace yoloq {
namespace {

constexpr auto kRight = MarkdownTable::Align::kRight;

std::string Points(const ClaimDifference& difference) {
  if (!difference.points.has_value()) return "not run";
  std::string text = FormatSigned(*difference.points, 2);
  if (difference.interval.has_value()) {
    absl::StrAppend(&text, " ", FormatInterval(*difference.interval, 1, 2));
  }
  return text;
}

std::string DrawRange(const std::vector<double>& draws) {
  if (draws.empty()) return "not run";
  const auto [low, high] = std::minmax_element(draws.begin(), draws.end());
  return absl::StrCat(draws.size(), ": ", FormatSigned(*low, 2), " to ",
                      FormatSigned(*high, 2));
}

std::string Result(const JudgedClaim& judged) {
  const std::string name(ClaimVerdictName(judged.verdict));
  return judged.reason.empty() ? name : absl::StrCat(name, ": ", judged.reason);
}

std::string RenderVerdicts(const Comparison& comparison) {
  MarkdownTable table({{"Claim"},
                       {"Verdict"},
                       {"mAP difference"},
                       {"Points", kRight},
                       {"Calibration draws (points)", kRight}});
  for (const JudgedClaim& judged : comparison.claims) {
    std::string claim =
        absl::StrCat(judged.claim->text(), " (", judged.claim->source(), ")");
    std::string result = Result(judged);
    for (const ClaimDifference& difference : judged.differences) {
      table.AddRow({std::exchange(claim, ""), std::exchange(result, ""),
                    difference.label, Points(difference),
                    DrawRange(difference.draws)});
    }
  }
  return table.empty() ? "" : table.Render();
}

const ComparedChange* FindChange(const ComparedPair& pair, Metric metric) {
  for (const ComparedChange& change : pair.changes) {
    if (change.metric == metric) return &change;
  }
  return nullptr;
}

// Points of mAP that are lost for each 10 % of the size that is saved.
absl::optional<double> Cost(absl::optional<double> points,
                            absl::optional<double> size_percent) {
  if (!points.has_value() || size_percent.value_or(0) <= 0) {
    return absl::nullopt;
  }
  return -*points / *size_percent * 10;
}

std::string OurCost(const ComparedPair& pair,
                    absl::optional<double> size_percent) {
  if (!pair.our_points.has_value() || !size_percent.has_value()) {
    return "not run";
  }
  const absl::optional<double> cost = Cost(pair.our_points, size_percent);
  if (!cost.has_value()) return "nothing saved";
  std::string text = FormatFixed(*cost, 3);
  if (pair.our_points_interval.has_value()) {
    Interval interval;
    interval.set_low(*Cost(pair.our_points_interval->high(), size_percent));
    interval.set_high(*Cost(pair.our_points_interval->low(), size_percent));
    absl::StrAppend(&text, " ", FormatInterval(interval, 1, 3));
  }
  return text;
}

bool IsOfRows(const JudgedClaim& judged) {
  return judged.claim->formula() == PublishedClaim::LOWEST;
}

std::string RenderCosts(const Comparison& comparison) {
  if (std::none_of(comparison.claims.begin(), comparison.claims.end(),
                   IsOfRows)) {
    return "";
  }
  MarkdownTable table(
      {{"Change"}, {"Paper", kRight}, {"Ours", kRight}, {"Note"}});
  for (const ComparedPair& pair : comparison.pairs) {
    const ComparedChange* size = FindChange(pair, MODEL_SIZE_MB);
    if (!pair.partial || size == nullptr) continue;
    const absl::optional<double> paper =
        Cost(pair.cells_points, size->from_cells);
    table.AddRow({pair.label,
                  paper.has_value() ? FormatFixed(*paper, 3) : "unpublished",
                  OurCost(pair, size->ours),
                  size->inconsistent.empty()
                      ? ""
                      : "the paper contradicts itself about the size"});
  }
  return table.empty()
             ? ""
             : absl::StrCat(
                   "\nPoints of mAP lost for each 10 % of the size saved:\n\n",
                   table.Render());
}

}  // namespace

std::string RenderClaims(const Comparison& comparison) {
  const std::string verdicts = RenderVerdicts(comparison);
  if (verdicts.empty()) return "";
  return absl::StrCat(
      "Judged by our measurements alone. A claim holds when the 95 % interval "
      "of each difference\n(in brackets: paired bootstrap over images) is on "
      "the claimed side of 0, and so is the difference\nwith each draw of "
      "calibration images.\n\n",
      verdicts, RenderCosts(comparison));
}

std::string RenderCalibrationDraws(const Comparison& comparison) {
  MarkdownTable table({{"Row"},
                       {"Draws", kRight},
                       {"mAP of each (%)"},
                       {"Mean (%)", kRight},
                       {"Largest - smallest (points)", kRight}});
  for (const ComparedRow& row : comparison.rows) {
    if (row.result == nullptr || row.result->calibration_draws().empty()) {
      continue;
    }
    std::vector<double> maps;
    double sum = 0;
    for (const CalibrationDraw& draw : row.result->calibration_draws()) {
      maps.push_back(draw.map() * 100);
      sum += maps.back();
    }
    const auto [low, high] = std::minmax_element(maps.begin(), maps.end());
    table.AddRow({row.label, absl::StrCat(maps.size()),
                  absl::StrJoin(maps, ", ",
                                [](std::string* out, double map) {
                                  absl::StrAppend(out, FormatFixed(map, 2));
                                }),
                  FormatFixed(sum / maps.size(), 2),
                  FormatFixed(*high - *low, 2)});
  }
  return table.empty() ? "" : table.Render();
}

}  // namespace yoloq
