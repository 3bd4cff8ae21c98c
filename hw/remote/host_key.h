// Shows and records the host key of a board, once, so that every later
// connection can be checked against it.
#ifndef YOLOQ_HW_REMOTE_HOST_KEY_H_
#define YOLOQ_HW_REMOTE_HOST_KEY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hw/devices/device.pb.h"

namespace yoloq {

struct HostKey {
  std::string line;         // as it stands in a known_hosts file
  std::string fingerprint;  // "SHA256:..."
  std::string type;         // "ssh-ed25519"
};

// Asks the board for its key (Ed25519). Whoever answers may give any key: it is
// for a person to compare. Unavailable when nothing answers.
absl::StatusOr<HostKey> ScanHostKey(const SshSpec& ssh);

// Puts the key into the known_hosts file in place of those that stood there for
// the same host and port.
absl::Status RecordHostKey(const SshSpec& ssh, const HostKey& key);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_HOST_KEY_H_
