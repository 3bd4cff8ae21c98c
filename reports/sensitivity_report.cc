#include "reports/sensitivity_report.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "reports/format_number.h"
#include "reports/gnuplot.h"
#include "reports/markdown_measured.h"
#include "reports/markdown_table.h"

namespace yoloq {
namespace {

constexpr auto kRight = MarkdownTable::Align::kRight;
constexpr int kWidth = 1100;
constexpr int kHeight = 780;
// More layers than this are numbered, not named, along the axis.
constexpr int kMostNames = 40;

struct PartStyle {
  const char* name;
  const char* label;
  const char* colour;  // Okabe and Ito's palette
};
constexpr PartStyle kParts[] = {{"BACKBONE", "backbone", "#0072B2"},
                                {"NECK", "neck", "#009E73"},
                                {"HEAD", "head", "#D55E00"}};

// One of the two experiments on a layer.
struct Change {
  absl::optional<double> points;      // of mAP, against the reference
  absl::optional<Interval> interval;  // 95 %, in points
};

absl::optional<Interval> Points(bool has_interval, const Interval& interval) {
  if (!has_interval) return absl::nullopt;
  Interval points;
  points.set_low(interval.low() * 100);
  points.set_high(interval.high() * 100);
  return points;
}

Change AloneInInt8(const SensitivityResult& result,
                   const LayerSensitivity& layer) {
  if (!layer.has_map_alone_int8()) return Change();
  return {(layer.map_alone_int8() - result.map_fp32()) * 100,
          Points(layer.has_alone_int8_interval(), layer.alone_int8_interval())};
}

Change AloneInFp32(const SensitivityResult& result,
                   const LayerSensitivity& layer) {
  if (!layer.has_map_alone_fp32()) return Change();
  return {(layer.map_alone_fp32() - result.map_int8()) * 100,
          Points(layer.has_alone_fp32_interval(), layer.alone_fp32_interval())};
}

std::string Cell(const Change& change) {
  if (!change.points.has_value()) return "not run";
  std::string text = FormatSigned(*change.points, 2);
  if (change.interval.has_value()) {
    absl::StrAppend(&text, " ", FormatInterval(*change.interval, 1, 2));
  }
  return text;
}

std::string MapCell(bool there, double map) {
  return there ? FormatFixed(map * 100, 2) : "not run";
}

// 1 for the layer that loses the most alone in INT8; 0 for one not run. Equal
// losses rank in the order of execution.
std::vector<int> Ranks(const SensitivityResult& result) {
  std::vector<int> order;
  for (int i = 0; i < result.layers_size(); ++i) {
    if (result.layers(i).has_map_alone_int8()) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return result.layers(a).map_alone_int8() <
           result.layers(b).map_alone_int8();
  });
  std::vector<int> ranks(result.layers_size(), 0);
  for (size_t rank = 0; rank < order.size(); ++rank) {
    ranks[order[rank]] = rank + 1;
  }
  return ranks;
}

std::string RenderLayers(const SensitivityResult& result) {
  MarkdownTable table({{"#", kRight},
                       {"Layer"},
                       {"Part"},
                       {"Weights (bytes)", kRight},
                       {"Alone in INT8: mAP (%)", kRight},
                       {"change (points)", kRight},
                       {"rank", kRight},
                       {"Alone in FP32: mAP (%)", kRight},
                       {"change (points)", kRight},
                       {"SQNR (dB)", kRight}});
  const std::vector<int> ranks = Ranks(result);
  for (int i = 0; i < result.layers_size(); ++i) {
    const LayerSensitivity& layer = result.layers(i);
    table.AddRow({absl::StrCat(i + 1), layer.node(), layer.part(),
                  FormatThousands(layer.weight_bytes()),
                  MapCell(layer.has_map_alone_int8(), layer.map_alone_int8()),
                  Cell(AloneInInt8(result, layer)),
                  ranks[i] == 0 ? "" : absl::StrCat(ranks[i]),
                  MapCell(layer.has_map_alone_fp32(), layer.map_alone_fp32()),
                  Cell(AloneInFp32(result, layer)),
                  layer.has_sqnr_db() ? FormatFixed(layer.sqnr_db(), 1) : ""});
  }
  return table.Render();
}

std::string RenderParts(const SensitivityResult& result) {
  MarkdownTable table({{"Part"},
                       {"Layers", kRight},
                       {"Weights (bytes)", kRight},
                       {"Mean change, alone in INT8 (points)", kRight},
                       {"Lowest change (points)", kRight},
                       {"of layer"}});
  for (const PartStyle& part : kParts) {
    int layers = 0;
    int64_t weight_bytes = 0;
    std::vector<double> changes;
    std::string worst;
    double lowest = 0;
    for (const LayerSensitivity& layer : result.layers()) {
      if (layer.part() != part.name) continue;
      ++layers;
      weight_bytes += layer.weight_bytes();
      const Change change = AloneInInt8(result, layer);
      if (!change.points.has_value()) continue;
      if (changes.empty() || *change.points < lowest) {
        lowest = *change.points;
        worst = layer.node();
      }
      changes.push_back(*change.points);
    }
    if (layers == 0) continue;
    const double sum = std::accumulate(changes.begin(), changes.end(), 0.0);
    const int not_run = layers - static_cast<int>(changes.size());
    table.AddRow(
        {part.name,
         absl::StrCat(layers, not_run == 0
                                  ? ""
                                  : absl::StrCat(" (", not_run, " not run)")),
         FormatThousands(weight_bytes),
         changes.empty() ? "not run" : FormatSigned(sum / changes.size(), 3),
         changes.empty() ? "" : FormatSigned(lowest, 2), worst});
  }
  return table.empty() ? "" : table.Render();
}

using ChangeOf = Change (*)(const SensitivityResult&, const LayerSensitivity&);

// The boxes of one part.
std::string BoxRows(const SensitivityResult& result, ChangeOf change_of,
                    const char* part) {
  std::string rows;
  for (int i = 0; i < result.layers_size(); ++i) {
    const Change change = change_of(result, result.layers(i));
    if (result.layers(i).part() == part && change.points.has_value()) {
      absl::StrAppend(&rows, i + 1, " ", *change.points, "\n");
    }
  }
  return rows;
}

// Of each layer that has an interval: its number, the lower end, 0, the length.
std::string IntervalRows(const SensitivityResult& result, ChangeOf change_of) {
  std::string rows;
  for (int i = 0; i < result.layers_size(); ++i) {
    const Change change = change_of(result, result.layers(i));
    if (change.points.has_value() && change.interval.has_value()) {
      absl::StrAppend(&rows, i + 1, " ", change.interval->low(), " 0 ",
                      change.interval->high() - change.interval->low(), "\n");
    }
  }
  return rows;
}

// Marks on the axis.
std::string NotRunRows(const SensitivityResult& result, ChangeOf change_of) {
  std::string rows;
  for (int i = 0; i < result.layers_size(); ++i) {
    if (!change_of(result, result.layers(i)).points.has_value()) {
      absl::StrAppend(&rows, i + 1, " 0\n");
    }
  }
  return rows;
}

bool AnyNotRun(const SensitivityResult& result) {
  return !NotRunRows(result, AloneInInt8).empty() ||
         !NotRunRows(result, AloneInFp32).empty();
}

constexpr char kIntervalStyle[] =
    "with vectors heads size screen 0.003, 90 nofilled linewidth 1 linecolor "
    "rgb '#333333'";
constexpr char kNotRunStyle[] =
    "with points pointtype 2 pointsize 1 linewidth 1.5 linecolor rgb "
    "'#888888'";

std::string BoxStyle(const PartStyle& part) {
  return absl::StrCat("with boxes fillstyle solid noborder linecolor rgb '",
                      part.colour, "'");
}

// What the numbers along the axis are.
std::string AxisNote(const SensitivityResult& result) {
  if (result.layers_size() <= kMostNames) return "";
  return "set label 'number of the layer in the order of execution, as in the "
         "table' at graph 0.5, -0.2 center font ',11'\n";
}

std::string RenderPanel(const SensitivityResult& result, ChangeOf change_of,
                        const std::string& title, int index) {
  GnuplotLayers layers;
  for (const PartStyle& part : kParts) {
    layers.Add(absl::StrCat(part.label, index),
               BoxRows(result, change_of, part.name), BoxStyle(part), "");
  }
  layers.Add(absl::StrCat("intervals", index), IntervalRows(result, change_of),
             kIntervalStyle, "");
  layers.Add(absl::StrCat("notrun", index), NotRunRows(result, change_of),
             kNotRunStyle, "");
  if (index == 1) {
    for (const PartStyle& part : kParts) {
      layers.AddKeyEntry(BoxStyle(part), part.label);
    }
    layers.AddKeyEntry(kIntervalStyle, "95 % interval");
    if (AnyNotRun(result)) layers.AddKeyEntry(kNotRunStyle, "not run");
  }
  const double top = index == 1 ? 0.865 : 0.43;
  return absl::StrCat("\nunset label\nset tmargin at screen ", top,
                      "\nset bmargin at screen ", top - 0.3, "\nset label ",
                      GnuplotString(title),
                      " at graph 0, 1.07 left font ',15'\n",
                      index == 1 ? "set label 'Layers alone in INT8, and alone "
                                   "in FP32' at screen 0.5, 0.975 center font "
                                   "',18'\n"
                                   "set key at screen 0.5, 0.955 center top "
                                   "horizontal maxrows 1 Left reverse samplen "
                                   "1.5\n"
                                 : "unset key\n",
                      index == 2 ? AxisNote(result) : "", layers.Render());
}

std::string XTics(const SensitivityResult& result) {
  if (result.layers_size() > kMostNames) {
    return "set xtics 5 nomirror scale 0.5\n";
  }
  std::vector<std::string> tics;
  for (int i = 0; i < result.layers_size(); ++i) {
    tics.push_back(
        absl::StrCat(GnuplotString(result.layers(i).node()), " ", i + 1));
  }
  return absl::StrCat("set xtics (", absl::StrJoin(tics, ", "),
                      ") rotate by -50 nomirror scale 0.5 font ',11'\n");
}

}  // namespace

std::string RenderSensitivity(const SensitivityResult& result,
                              const std::string& chart) {
  std::string text = absl::StrCat(
      "# Sensitivity of each layer to INT8\n\n",
      RenderMeasuredOn(result.profile(), result.provenance(), result.model(),
                       result.images(), result.engine()),
      "- mAP of the references: ", FormatFixed(result.map_fp32() * 100, 2),
      " % with every layer in FP32, ", FormatFixed(result.map_int8() * 100, 2),
      " % with every layer in INT8 (",
      FormatSigned((result.map_int8() - result.map_fp32()) * 100, 2),
      " points)\n\nAlone in INT8: this layer in INT8 and all others in FP32, "
      "against every layer in FP32.\nAlone in FP32: this layer in FP32 and all "
      "others in INT8, against every layer in INT8.\nRank: 1 is the layer "
      "that loses the most alone in INT8. In brackets: 95 % intervals, paired "
      "bootstrap\nover images.\n");
  if (!chart.empty()) {
    absl::StrAppend(&text,
                    "\n![Change of mAP with each layer alone in INT8, and "
                    "alone in FP32](",
                    chart, ")\n");
  }
  return absl::StrCat(text, "\n## Parts\n\n", RenderParts(result),
                      "\n## Layers\n\n", RenderLayers(result));
}

std::string SensitivityScript(const SensitivityResult& result) {
  return absl::StrCat(
      "# The change of mAP with each layer alone in INT8, and alone in FP32.\n"
      "set encoding utf8\n"
      "set multiplot\n"
      "set lmargin at screen 0.07\n"
      "set rmargin at screen 0.98\n"
      "set border 3 linecolor rgb '#666666'\n"
      "set boxwidth 0.7\n"
      "set xrange [0.3:",
      result.layers_size() + 0.7, "]\n", XTics(result),
      "set ytics nomirror scale 0.5 autofreq\n"
      "set ytics add ('0' 0)\n"
      "set format y '%+g'\n"
      "set grid ytics linetype 1 linecolor rgb '#e4e4e4' linewidth 1\n"
      "set xzeroaxis linetype 1 linecolor rgb '#666666'\n"
      "set bars 0.4\n",
      RenderPanel(result, AloneInInt8,
                  "Alone in INT8: mAP against every layer in FP32 (points)", 1),
      RenderPanel(result, AloneInFp32,
                  "Alone in FP32: mAP against every layer in INT8 (points)", 2),
      "unset multiplot\n");
}

absl::Status WriteSensitivityChart(const SensitivityResult& result,
                                   const std::string& svg_path,
                                   const std::string& png_path) {
  if (result.layers().empty()) {
    return absl::InvalidArgumentError(
        "the sensitivity result has no layers to draw");
  }
  return WritePictures(SensitivityScript(result), kWidth, kHeight, svg_path,
                       png_path);
}

}  // namespace yoloq
