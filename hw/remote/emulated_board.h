// Finds the board that `bazel run //hw:emulated_pi -- start` has booted.
#ifndef YOLOQ_HW_REMOTE_EMULATED_BOARD_H_
#define YOLOQ_HW_REMOTE_EMULATED_BOARD_H_

#include <string>

#include "absl/status/statusor.h"
#include "hw/devices/device.pb.h"

namespace yoloq {

// The folder of what //hw:emulated_pi keeps: $XDG_CACHE_HOME/yoloq/emulated_pi,
// or ~/.cache/yoloq/emulated_pi.
std::string EmulatedBoardFolder();

// How the running instance is reached. FailedPrecondition, with the command
// that starts it, when it does not run. `folder`: as EmulatedBoardFolder().
absl::StatusOr<SshSpec> FindEmulatedBoard(const std::string& folder,
                                          const std::string& instance);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_EMULATED_BOARD_H_
