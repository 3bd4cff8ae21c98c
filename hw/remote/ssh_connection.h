// A connection by the system's ssh client: by key only, to a host whose key is
// recorded, shared by all commands, and never a question to the user.
#ifndef YOLOQ_HW_REMOTE_SSH_CONNECTION_H_
#define YOLOQ_HW_REMOTE_SSH_CONNECTION_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hw/devices/device.pb.h"
#include "hw/remote/connection.h"

namespace yoloq {

class SshConnection : public Connection {
 public:
  // `ssh`: complete (device_spec.h). Errors as ClassifySshError; NotFound when
  // the private key or the ssh client is missing.
  static absl::StatusOr<std::unique_ptr<SshConnection>> Open(
      const SshSpec& ssh);

  // Ends the connection and removes its socket.
  ~SshConnection() override;

  absl::StatusOr<ProcessResult> Execute(const std::string& command_line,
                                        ProcessOptions options) override;
  absl::Status Reconnect() override;

  // The client that holds the connection: tests kill it.
  pid_t master_pid() const { return master_ ? master_->pid() : -1; }

 private:
  explicit SshConnection(const SshSpec& ssh) : ssh_(ssh) {}

  // The client's words up to the host, with `extra` options.
  std::vector<std::string> Client(const std::vector<std::string>& extra) const;
  std::string ControlPath() const;

  const SshSpec ssh_;
  std::string folder_;
  std::unique_ptr<BackgroundProcess> master_;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_SSH_CONNECTION_H_
