// Files of results: text format, with a "# proto-message:" line that says of
// which kind. Reports are rendered from these alone.
#ifndef YOLOQ_REPORTS_RESULTS_FILE_H_
#define YOLOQ_REPORTS_RESULTS_FILE_H_

#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "reports/ablation.pb.h"
#include "reports/result.pb.h"
#include "reports/sensitivity.pb.h"

namespace yoloq {

using AnyResults = std::variant<RunResults, SensitivityResult, AblationResult>;

// Writes one of the three with its header. Errors of WriteFileAtomically.
absl::Status WriteResults(const std::string& path,
                          const google::protobuf::Message& results);

// Reads and checks a file; one without a header is a RunResults. Errors of
// ReadFile; InvalidArgument, naming the file and the line or field, for text
// that does not parse, another kind of message, a schema_version that this
// build does not know, a mAP outside [0, 1], an interval with low > high, a
// comparison without the name of the other run, a layer or recipe without a
// name, or a layer that is of no part of the network.
absl::StatusOr<AnyResults> ReadResults(const std::string& path);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_RESULTS_FILE_H_
