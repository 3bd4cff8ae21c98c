// The parts of a report that say how its numbers came about: on which machine,
// from which commit, libraries, data, weights, seeds and stages.
#ifndef YOLOQ_REPORTS_MARKDOWN_CONTEXT_H_
#define YOLOQ_REPORTS_MARKDOWN_CONTEXT_H_

#include <string>

#include "reports/comparison.h"

namespace yoloq {

// One line a fact. A fact that differs between rows names them.
std::string RenderContext(const Comparison& comparison);

// The stages of all rows with the time that each took, cached or not.
std::string RenderStages(const Comparison& comparison);

// The resolved profile in text format: with it, the run can be repeated.
std::string RenderProfile(const Comparison& comparison);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_MARKDOWN_CONTEXT_H_
