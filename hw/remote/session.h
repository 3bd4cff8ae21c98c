// Calls verbs of the agent on a device, and finds a lost connection again.
#ifndef YOLOQ_HW_REMOTE_SESSION_H_
#define YOLOQ_HW_REMOTE_SESSION_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hw/devices/device.pb.h"
#include "hw/remote/connection.h"

namespace yoloq {

class Session {
 public:
  // Makes the work folder on the device.
  static absl::StatusOr<std::unique_ptr<Session>> Open(
      const DeviceSpec& spec, std::unique_ptr<Connection> connection);

  const DeviceSpec& spec() const { return spec_; }

  // The absolute path of the work folder on the device.
  const std::string& work_directory() const { return work_directory_; }

  // Calls a verb once. Unavailable when the connection was lost; an agent that
  // fails is an error too (AgentError), which begins with `what`.
  absl::StatusOr<ProcessResult> CallOnce(
      absl::string_view verb, const std::vector<std::string>& arguments,
      absl::string_view what, ProcessOptions options = {});

  // Calls a verb that may be called again, and does so after a reconnection.
  absl::StatusOr<ProcessResult> Call(absl::string_view verb,
                                     const std::vector<std::string>& arguments,
                                     absl::string_view what,
                                     ProcessOptions options = {});

  // As CallOnce, but gives the agent's failures as they are.
  absl::StatusOr<ProcessResult> CallRaw(
      absl::string_view verb, const std::vector<std::string>& arguments,
      ProcessOptions options = {});

  // Connects anew, trying for limits.reconnect_s seconds. `loss`: what
  // happened; returned with the time spent when it stays.
  absl::Status Restore(const absl::Status& loss);

  // How often a lost connection was found again.
  int reconnects() const { return reconnects_; }

 private:
  Session(const DeviceSpec& spec, std::unique_ptr<Connection> connection)
      : spec_(spec), connection_(std::move(connection)) {}

  const DeviceSpec spec_;
  const std::unique_ptr<Connection> connection_;
  std::string work_directory_;
  int reconnects_ = 0;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_SESSION_H_
