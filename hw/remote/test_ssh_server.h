// A real ssh server for tests: on the loopback interface, on a free port, with
// throw-away keys, as this user.
#ifndef YOLOQ_HW_REMOTE_TEST_SSH_SERVER_H_
#define YOLOQ_HW_REMOTE_TEST_SSH_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hw/devices/device.pb.h"
#include "hw/remote/subprocess.h"

namespace yoloq {

class TestSshServer {
 public:
  // Keys and settings go to `folder`. NotFound when tools/setup has not put a
  // server into the cache: tests are then skipped with this reason.
  static absl::StatusOr<std::unique_ptr<TestSshServer>> Start(
      const std::string& folder);

  // How this user gets in: key, recorded host key, port.
  const SshSpec& ssh() const { return ssh_; }

  // Cuts every connection, as a network would.
  void KillSessions();

  // Answers no more.
  void Stop() { server_.reset(); }

 private:
  TestSshServer() = default;

  SshSpec ssh_;
  std::unique_ptr<BackgroundProcess> server_;
};

// A key pair without a passphrase, `path` and `path`.pub.
absl::Status MakeKeyPair(const std::string& path);

// A port of the loopback interface that nobody listens on.
int FreePort();

// This user's home, whatever the environment says: tests run with another.
std::string UserHome();

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_TEST_SSH_SERVER_H_
