// Comparisons as a Markdown page that also reads in a terminal.
#ifndef YOLOQ_REPORTS_TABLE_MARKDOWN_H_
#define YOLOQ_REPORTS_TABLE_MARKDOWN_H_

#include <string>
#include <vector>

#include "reports/comparison.h"

namespace yoloq {

// What a page shows besides its tables.
struct DocumentOptions {
  // The picture of Figure 5, as a path relative to the page; "": none.
  std::string figure5;
};

// One page about several tables: context, each table with a verdict a cell, the
// figure, the claims about an order of rows, changes against the baseline,
// model sizes, accuracy, latency, the paper's own arithmetic, stages, profile.
// What the tables share is said once, and so is a row that is not the paper's.
// Sections without content are left out. The same comparisons give the same
// bytes. `tables`: at least one, all of the same results and paper.
std::string RenderDocument(const std::vector<Comparison>& tables,
                           const DocumentOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_TABLE_MARKDOWN_H_
