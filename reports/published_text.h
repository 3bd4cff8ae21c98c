// The text of reports/published.textproto, as a part of the program: a binary
// that was moved away from its source tree still has it.
#ifndef YOLOQ_REPORTS_PUBLISHED_TEXT_H_
#define YOLOQ_REPORTS_PUBLISHED_TEXT_H_

#include "absl/strings/string_view.h"

namespace yoloq {

absl::string_view PublishedText();

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_PUBLISHED_TEXT_H_
