// Tells from what the ssh client says why a connection failed.
#ifndef YOLOQ_HW_REMOTE_SSH_ERROR_H_
#define YOLOQ_HW_REMOTE_SSH_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hw/devices/device.pb.h"

namespace yoloq {

// `error_output`: of an ssh client that exited with 255 or was killed. Says
// what failed, of which host, and what to do:
//   Unavailable         unreachable, refused, closed or lost on the way
//   NotFound            the host's name is unknown
//   Unauthenticated     the board does not accept the key
//   FailedPrecondition  the host key is not recorded; the key file is readable
//                       by others or cannot be used
//   DataLoss            the host key is another than the recorded one
//   Internal            anything else, with what ssh said
absl::Status ClassifySshError(absl::string_view error_output,
                              const SshSpec& ssh);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_SSH_ERROR_H_
