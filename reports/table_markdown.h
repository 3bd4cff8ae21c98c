// A comparison as a Markdown page that also reads in a terminal.
#ifndef YOLOQ_REPORTS_TABLE_MARKDOWN_H_
#define YOLOQ_REPORTS_TABLE_MARKDOWN_H_

#include <string>

#include "reports/comparison.h"

namespace yoloq {

// Sections: context, the table with a verdict a cell, changes against the
// baseline, model sizes, accuracy, latency, the paper's own arithmetic, stages,
// profile. Sections without content are left out. The same comparison gives the
// same bytes.
std::string RenderMarkdown(const Comparison& comparison);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_TABLE_MARKDOWN_H_
