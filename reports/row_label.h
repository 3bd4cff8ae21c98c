// How reports name a row in running text.
#ifndef YOLOQ_REPORTS_ROW_LABEL_H_
#define YOLOQ_REPORTS_ROW_LABEL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// "INT8 B+N" where some of the parts are in INT8, else the method: "PTQ".
std::string RowLabel(absl::string_view method, Precision backbone,
                     Precision neck, Precision head);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_ROW_LABEL_H_
