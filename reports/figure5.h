// Figure 5: accuracy, latency and model size of Baseline, B, N, H, PTQ and QAT,
// ours beside the paper's.
#ifndef YOLOQ_REPORTS_FIGURE5_H_
#define YOLOQ_REPORTS_FIGURE5_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "reports/audit.h"
#include "reports/published.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

// One row in one panel.
struct FigureMark {
  absl::optional<double> paper;  // nothing: unpublished
  int paper_decimals = 0;
  bool paper_derived = false;         // not printed
  bool paper_doubtful = false;        // the paper contradicts itself about it
  absl::optional<double> ours;        // nothing: not run
  absl::optional<Interval> interval;  // of ours, 95 %
  bool ours_invalid = false;          // a latency that is not valid
};

struct FigurePanel {
  std::string title;  // "Accuracy: mAP (%)"
  // An axis that starts above 0 where the values leave no other way to tell
  // them apart: mAP. The other axes start at 0, or are logarithmic.
  bool may_start_above_zero = false;
  std::vector<FigureMark> marks;  // one for each of Figure5.rows
  std::string paper_measured_on;  // "" where the paper does not say
  std::string measured_on;        // ours; "" where nothing was run
};

struct Figure5 {
  std::vector<std::string> rows;  // "Baseline", "B", ...
  std::vector<FigurePanel> panels;
};

// Errors as Compare.
absl::StatusOr<Figure5> MakeFigure5(const std::vector<RunResult>& results,
                                    const PublishedPaper& paper,
                                    const PartParameters& parameters);

// The gnuplot script, data included, without terminal and output. Values are
// dots, not bars: the length of a bar on an axis without 0 would mislead. An
// axis is logarithmic, and says so, where the largest value is more than 20
// times the smallest. What was not run is said in words.
std::string Figure5Script(const Figure5& figure);

// Draws the figure; an empty path is left out. Errors as MakeFigure5 and
// WritePictures.
absl::Status WriteFigure5(const std::vector<RunResult>& results,
                          const PublishedPaper& paper,
                          const PartParameters& parameters,
                          const std::string& svg_path,
                          const std::string& png_path);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_FIGURE5_H_
