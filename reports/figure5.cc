#include "reports/figure5.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/comparison.h"
#include "reports/distinct.h"
#include "reports/format_number.h"
#include "reports/gnuplot.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kWidth = 960;
constexpr int kHeight = 1100;
// What fits of a note: characters in a line, and lines.
constexpr int kNoteWidth = 138;
constexpr size_t kNoteLines = 3;

// Okabe and Ito's palette, told apart with any kind of colour vision.
constexpr char kPaperColour[] = "#0072B2";
constexpr char kOurColour[] = "#D55E00";
constexpr char kGrey[] = "#666666";

// How far the two marks of a row are from its middle, in rows.
constexpr double kShift = 0.1;
// From a mark to its number.
constexpr double kGap = 0.065;

struct FigureRow {
  const char* id;
  const char* label;
};
constexpr FigureRow kRows[] = {
    {"table1/baseline", "Baseline"}, {"table2/b", "INT8 B"},
    {"table2/n", "INT8 N"},          {"table2/h", "INT8 H"},
    {"table1/ptq", "PTQ"},           {"table1/qat", "QAT"},
};

struct PanelKind {
  Metric metric;
  const char* title;
  bool may_start_above_zero;
};
constexpr PanelKind kPanels[] = {
    {MAP_PERCENT, "Accuracy: mAP (%)", true},
    {LATENCY_S, "Latency (s)", false},
    {MODEL_SIZE_MB, "Model size (MB)", false},
};

const ComparedValue* FindValue(const std::vector<Comparison>& tables,
                               const std::string& id, Metric metric,
                               const RunResult** result) {
  for (const Comparison& table : tables) {
    for (const ComparedRow& row : table.rows) {
      if (row.id != id) continue;
      *result = row.result;
      for (const ComparedValue& value : row.values) {
        if (value.metric == metric) return &value;
      }
    }
  }
  return nullptr;
}

FigureMark MakeMark(const ComparedValue& value, const RunResult* result) {
  FigureMark mark;
  const PublishedValue& published = *value.published;
  if (published.origin() != PublishedValue::UNPUBLISHED) {
    mark.paper = published.value();
    mark.paper_decimals = published.decimals();
    mark.paper_derived = published.origin() == PublishedValue::DERIVED;
    mark.paper_doubtful = !value.inconsistent.empty();
  }
  mark.ours = value.ours.value;
  mark.interval = value.ours.interval;
  mark.ours_invalid = value.metric == LATENCY_S && mark.ours.has_value() &&
                      !result->latency().valid();
  return mark;
}

std::string PaperMeasuredOn(const PublishedPaper& paper, Metric metric) {
  const PublishedConditions& conditions = paper.conditions();
  if (metric == MAP_PERCENT) {
    return absl::StrCat(FormatThousands(conditions.test_images()),
                        " images of ", conditions.test_set());
  }
  return metric == LATENCY_S ? conditions.device_description() : "";
}

// The axis of a panel.
struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  double step = 0;  // between numbers; 0: gnuplot's choice
};

Axis AxisOf(const FigurePanel& panel) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  const auto include = [&](double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const FigureMark& mark : panel.marks) {
    if (mark.paper.has_value()) include(*mark.paper);
    if (mark.ours.has_value()) include(*mark.ours);
    if (mark.ours.has_value() && mark.interval.has_value()) {
      include(mark.interval->low());
      include(mark.interval->high());
    }
  }
  Axis axis;
  if (low > high) return axis;
  if (panel.may_start_above_zero) {
    // Whole multiples of 5 with room below for words.
    axis.low =
        std::max(0.0, std::floor((low - 0.1 * (high - low)) / 5 - 0.2) * 5);
    axis.high = std::min(100.0, std::ceil(high / 5 + 0.2) * 5);
    axis.step = axis.high - axis.low > 40 ? 10 : 5;
    return axis;
  }
  if (low > 0 && high / low > 20) {
    axis.logarithmic = true;
    axis.low = low / 3;
    axis.high = high * 2;
    return axis;
  }
  axis.high = std::max(high * 1.15, std::numeric_limits<double>::min());
  return axis;
}

std::string Label(absl::string_view text, absl::string_view position,
                  absl::string_view style) {
  return absl::StrCat("set label ", GnuplotString(text), " at ", position, " ",
                      style, "\n");
}

std::string Colour(absl::string_view colour) {
  return absl::StrCat("textcolor rgb '", colour, "'");
}

std::string PaperText(const FigureMark& mark) {
  return absl::StrCat(FormatFixed(*mark.paper, mark.paper_decimals),
                      mark.paper_doubtful ? "?" : "");
}

std::string OurText(const FigureMark& mark) {
  const double value = *mark.ours;
  return FormatFixed(value, DecimalsFor(value, 2));
}

// The numbers beside the marks: the paper's on the left, ours on the right.
std::string RenderLabels(const FigurePanel& panel) {
  std::string text;
  for (size_t row = 0; row < panel.marks.size(); ++row) {
    const FigureMark& mark = panel.marks[row];
    const double x = row + 1;
    const auto at = [&](double shift, const std::string& y) {
      return absl::StrCat("first ", x + shift, ", ", y);
    };
    if (mark.paper.has_value()) {
      absl::StrAppend(
          &text,
          Label(PaperText(mark),
                at(-kShift - kGap, absl::StrCat("first ", *mark.paper)),
                absl::StrCat("right font ',11' ", Colour(kPaperColour))));
    } else {
      absl::StrAppend(&text,
                      Label("unpublished", at(-kShift, "graph 0.16"),
                            absl::StrCat("center font ',11' ", Colour(kGrey))));
    }
    if (mark.ours.has_value()) {
      absl::StrAppend(
          &text, Label(OurText(mark),
                       at(kShift + kGap, absl::StrCat("first ", *mark.ours)),
                       absl::StrCat("left font ',11' ", Colour(kOurColour))));
    } else {
      absl::StrAppend(&text,
                      Label("not run", at(kShift, "graph 0.06"),
                            absl::StrCat("center font ',11' ", Colour(kGrey))));
    }
    if (mark.ours_invalid) {
      absl::StrAppend(
          &text, Label("invalid", at(kShift, "graph 0.06"),
                       absl::StrCat("center font ',11' ", Colour(kOurColour))));
    }
  }
  return text;
}

std::string PointStyle(const char* colour, int type, double size) {
  return absl::StrCat("linecolor rgb '", colour, "' pointtype ", type,
                      " pointsize ", size);
}

std::string RenderPlot(const FigurePanel& panel, size_t index) {
  std::string printed, derived, ours, invalid, intervals;
  for (size_t row = 0; row < panel.marks.size(); ++row) {
    const FigureMark& mark = panel.marks[row];
    const double x = row + 1;
    if (mark.paper.has_value()) {
      absl::StrAppend(mark.paper_derived ? &derived : &printed, x - kShift, " ",
                      *mark.paper, "\n");
    }
    if (!mark.ours.has_value()) continue;
    absl::StrAppend(mark.ours_invalid ? &invalid : &ours, x + kShift, " ",
                    *mark.ours, "\n");
    if (mark.interval.has_value()) {
      absl::StrAppend(&intervals, x + kShift, " ", *mark.ours, " ",
                      mark.interval->low(), " ", mark.interval->high(), "\n");
    }
  }
  const auto name = [&](const char* layer) {
    return absl::StrCat(layer, index + 1);
  };
  GnuplotLayers layers;
  layers.Add(name("intervals"), intervals,
             absl::StrCat("with yerrorbars linewidth 1.5 ",
                          PointStyle(kOurColour, 0, 0)),
             "");
  layers.Add(name("printed"), printed,
             absl::StrCat("with points ", PointStyle(kPaperColour, 7, 1)), "");
  layers.Add(name("derived"), derived,
             absl::StrCat("with points linewidth 1.5 ",
                          PointStyle(kPaperColour, 6, 1)),
             "");
  layers.Add(name("ours"), ours,
             absl::StrCat("with points ", PointStyle(kOurColour, 13, 1.4)), "");
  layers.Add(name("invalid"), invalid,
             absl::StrCat("with points linewidth 1.5 ",
                          PointStyle(kOurColour, 12, 1.4)),
             "");
  if (index == 0) {
    layers.AddKeyEntry(
        absl::StrCat("with points ", PointStyle(kPaperColour, 7, 1)),
        "paper, printed");
    layers.AddKeyEntry(absl::StrCat("with points linewidth 1.5 ",
                                    PointStyle(kPaperColour, 6, 1)),
                       "paper, derived from its text");
    layers.AddKeyEntry(absl::StrCat("with yerrorbars linewidth 1.5 ",
                                    PointStyle(kOurColour, 13, 1.4)),
                       "ours, 95 % interval");
  }
  return layers.Render();
}

std::string RenderAxis(const FigurePanel& panel) {
  const Axis axis = AxisOf(panel);
  std::string title = panel.title;
  if (axis.logarithmic) absl::StrAppend(&title, ", logarithmic axis");
  if (axis.low > 0 && !axis.logarithmic) {
    absl::StrAppend(&title, ", axis starts at ", axis.low);
  }
  return absl::StrCat(
      axis.logarithmic ? "set logscale y\n" : "unset logscale y\n",
      axis.step > 0
          ? absl::StrCat("set ytics ", axis.low, ", ", axis.step, "\n")
          : "set ytics autofreq\n",
      "set yrange [", axis.low, ":", axis.high, "]\n",
      Label(title, "graph 0, 1.07", "left font ',15'"));
}

std::string RenderNotes(const FigurePanel& panel) {
  const std::string text = absl::StrCat(
      panel.paper_measured_on.empty()
          ? ""
          : absl::StrCat("paper: ", panel.paper_measured_on, "; "),
      "ours: ", panel.measured_on.empty() ? "not run" : panel.measured_on);
  std::string labels;
  double y = -0.17;
  std::vector<std::string> lines = WrapText(text, kNoteWidth);
  if (lines.size() > kNoteLines) {
    lines.resize(kNoteLines);
    lines.back() += " ...";
  }
  for (const std::string& line : lines) {
    absl::StrAppend(&labels,
                    Label(line, absl::StrCat("graph 0, ", y),
                          absl::StrCat("left font ',11' ", Colour(kGrey))));
    y -= 0.075;
  }
  return labels;
}

// Explains the marks that the figure has.
std::string RenderFooter(const Figure5& figure) {
  for (const FigurePanel& panel : figure.panels) {
    for (const FigureMark& mark : panel.marks) {
      if (!mark.paper_doubtful) continue;
      return Label("?: the paper contradicts itself about this value",
                   "screen 0.98, 0.012",
                   absl::StrCat("right font ',11' ", Colour(kPaperColour)));
    }
  }
  return "";
}

// What stands once, drawn with the first panel.
std::string RenderHeader(const Figure5& figure) {
  return absl::StrCat(
      Label("Figure 5: ours beside the paper's", "screen 0.5, 0.983",
            "center font ',18'"),
      RenderFooter(figure),
      "set key at screen 0.5, 0.965 center top horizontal maxrows 1 Left "
      "reverse samplen 1.5\n");
}

std::string RenderPanel(const Figure5& figure, size_t index) {
  const FigurePanel& panel = figure.panels[index];
  const double top = 0.9 - 0.302 * index;
  std::string text =
      absl::StrCat("\n# ", panel.title, "\nunset label\nset tmargin at screen ",
                   top, "\nset bmargin at screen ", top - 0.2, "\n",
                   RenderAxis(panel), RenderLabels(panel), RenderNotes(panel),
                   index == 0 ? RenderHeader(figure) : "unset key\n");
  return absl::StrCat(text, RenderPlot(panel, index));
}

}  // namespace

absl::StatusOr<Figure5> MakeFigure5(const std::vector<RunResult>& results,
                                    const PublishedPaper& paper,
                                    const PartParameters& parameters) {
  std::vector<Comparison> tables;
  for (const char* table : {"table1", "table2"}) {
    YOLOQ_ASSIGN_OR_RETURN(Comparison comparison,
                           Compare(table, results, paper, parameters));
    tables.push_back(std::move(comparison));
  }
  Figure5 figure;
  for (const FigureRow& row : kRows) figure.rows.push_back(row.label);
  for (const PanelKind& kind : kPanels) {
    FigurePanel panel;
    panel.title = kind.title;
    panel.may_start_above_zero = kind.may_start_above_zero;
    panel.paper_measured_on = PaperMeasuredOn(paper, kind.metric);
    std::vector<std::pair<std::string, std::string>> measured_on;
    for (const FigureRow& row : kRows) {
      const RunResult* result = nullptr;
      const ComparedValue* value =
          FindValue(tables, row.id, kind.metric, &result);
      if (value == nullptr) {
        return absl::InvalidArgumentError(absl::StrCat(
            "the paper has no row \"", row.id, "\", which Figure 5 shows"));
      }
      panel.marks.push_back(MakeMark(*value, result));
      measured_on.emplace_back(row.label, value->ours.measured_on);
    }
    panel.measured_on = JoinDistinct(measured_on);
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

std::string Figure5Script(const Figure5& figure) {
  std::vector<std::string> tics;
  for (size_t row = 0; row < figure.rows.size(); ++row) {
    tics.push_back(absl::StrCat(GnuplotString(figure.rows[row]), " ", row + 1));
  }
  std::string script = absl::StrCat(
      "# Figure 5: ours beside the paper's.\n"
      "set encoding utf8\n"
      "set multiplot\n"
      "set lmargin at screen 0.075\n"
      "set rmargin at screen 0.98\n"
      "set border 3 linecolor rgb '#666666'\n"
      "set xrange [0.5:",
      figure.rows.size() + 0.5, "]\nset xtics (", absl::StrJoin(tics, ", "),
      ") nomirror scale 0\n"
      "set ytics nomirror scale 0.5\n"
      "set format y '%g'\n"
      "set grid ytics linetype 1 linecolor rgb '#e4e4e4' linewidth 1\n"
      "set bars 0.6\n");
  for (size_t row = 1; row < figure.rows.size(); ++row) {
    absl::StrAppend(&script, "set arrow from first ", row + 0.5,
                    ", graph 0 to first ", row + 0.5,
                    ", graph 1 nohead back linecolor rgb '#cccccc' "
                    "dashtype 3\n");
  }
  for (size_t index = 0; index < figure.panels.size(); ++index) {
    absl::StrAppend(&script, RenderPanel(figure, index));
  }
  absl::StrAppend(&script, "unset multiplot\n");
  return script;
}

absl::Status WriteFigure5(const std::vector<RunResult>& results,
                          const PublishedPaper& paper,
                          const PartParameters& parameters,
                          const std::string& svg_path,
                          const std::string& png_path) {
  YOLOQ_ASSIGN_OR_RETURN(const Figure5 figure,
                         MakeFigure5(results, paper, parameters));
  return WritePictures(Figure5Script(figure), kWidth, kHeight, svg_path,
                       png_path);
}

}  // namespace yoloq
