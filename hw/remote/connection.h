// A way to have command lines executed on a device: by this machine's shell, or
// through ssh. Everything above it is the same for all devices.
#ifndef YOLOQ_HW_REMOTE_CONNECTION_H_
#define YOLOQ_HW_REMOTE_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hw/remote/subprocess.h"

namespace yoloq {

class Connection {
 public:
  virtual ~Connection() = default;

  // Executes `command_line` with the device's shell; `options` as for
  // RunProcess, without argv. Unavailable when the connection was lost on the
  // way, whatever the command may have done; other errors say why there is
  // none (ClassifySshError).
  virtual absl::StatusOr<ProcessResult> Execute(const std::string& command_line,
                                                ProcessOptions options) = 0;

  // Connects anew after a loss.
  virtual absl::Status Reconnect() = 0;
};

// This machine.
std::unique_ptr<Connection> MakeLocalConnection();

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_CONNECTION_H_
