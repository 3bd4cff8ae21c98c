// What a study of one network was measured on, as lines of Markdown.
#ifndef YOLOQ_REPORTS_MARKDOWN_MEASURED_H_
#define YOLOQ_REPORTS_MARKDOWN_MEASURED_H_

#include <string>

#include "experiments/spec.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

// "- Profile: ...", "- Network: ...", "- Images: ...", "- Engine: ...",
// "- Host: ...", "- Commit: ..."; a line a fact.
std::string RenderMeasuredOn(const ProfileSpec& profile,
                             const Provenance& provenance,
                             const MeasuredModel& model, int images,
                             const std::string& engine);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_MARKDOWN_MEASURED_H_
