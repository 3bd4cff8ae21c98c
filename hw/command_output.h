// What a short command prints.
#ifndef YOLOQ_HW_COMMAND_OUTPUT_H_
#define YOLOQ_HW_COMMAND_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace yoloq {

// Standard output of a program (found in $PATH) run with its arguments, without
// a shell; the first 64 KiB. NotFound when it cannot be started; Unavailable
// when it fails.
absl::StatusOr<std::string> CommandOutput(
    const std::vector<std::string>& command);

}  // namespace yoloq

#endif  // YOLOQ_HW_COMMAND_OUTPUT_H_
