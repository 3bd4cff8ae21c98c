// Runs a command on a device so that it outlives the connection, and tells
// exactly how it ended.
#ifndef YOLOQ_HW_REMOTE_DEVICE_RUN_H_
#define YOLOQ_HW_REMOTE_DEVICE_RUN_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hw/remote/session.h"

namespace yoloq {

struct RunOptions {
  // After this the command is ended on the device, connected or not: by
  // SIGTERM, and 5 s later by SIGKILL. Whole seconds, rounded up. Default: the
  // spec's limits.run_s.
  absl::Duration time_limit = absl::ZeroDuration();

  std::vector<std::pair<std::string, std::string>> environment;

  // Where the command runs: relative to the work folder, or absolute. It is
  // made if need be.
  std::string directory = ".";

  // Called with each line as it comes, without its end.
  std::function<void(OutputStream, absl::string_view line)> on_line;
};

struct CommandResult {
  int exit_code = 0;           // meaningless when signal is not 0
  int signal = 0;              // that ended the command; 0: it exited
  bool timed_out = false;      // it was ended for the time limit
  bool out_of_memory = false;  // the kernel killed it for want of memory
  std::string output;
  std::string error_output;
  int reconnects = 0;  // how often the connection was lost and found again
};

// OK for a command that exited with 0; else DeadlineExceeded (time limit),
// ResourceExhausted (memory), Aborted (another signal), Unknown (exit code),
// with `what` and the end of its error output.
absl::Status RunStatus(const CommandResult& result, absl::string_view what);

// Runs `argv` (the program's path is relative to options.directory, or found
// through the device's $PATH) and waits for its end. A command that fails is no
// error here: see RunStatus. Errors: NotFound, FailedPrecondition (not
// executable, no program, another architecture), ResourceExhausted (no room for
// its output), Unavailable (the connection stayed lost), Aborted (the run was
// killed together with its supervisor, or the device restarted),
// InvalidArgument. The device should be locked.
absl::StatusOr<CommandResult> RunOnDevice(Session* session,
                                          const std::vector<std::string>& argv,
                                          const RunOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_DEVICE_RUN_H_
