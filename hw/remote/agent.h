// The script that does a device's side of the work (agent.sh), as a command.
#ifndef YOLOQ_HW_REMOTE_AGENT_H_
#define YOLOQ_HW_REMOTE_AGENT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace yoloq {

// Exit codes of the agent; agent.sh lists the same.
enum AgentExitCode {
  kAgentFailed = 64,         // what a program said stands in the error output
  kAgentLocked = 72,         // standard output: who holds the device
  kAgentNotFound = 73,       // no such program or file
  kAgentNotExecutable = 74,  // a file without the executable bit
  kAgentBadFormat = 75,      // neither ELF nor a script
  kAgentArchitecture = 76,   // built for another machine
  kAgentDigest = 77,         // what arrived differs from what was sent
  kAgentNoResult = 78,       // the run was lost: killed, or a reboot
};

// A command line for the device's shell that runs `verb` with `arguments` in
// the work folder. InvalidArgument for an argument that no command can have.
absl::StatusOr<std::string> AgentCommand(
    absl::string_view verb, absl::string_view work_directory,
    const std::vector<std::string>& arguments);

// The error of an agent that exited with `exit_code` (not 0): a full disk is
// ResourceExhausted wherever it occurs. `what` begins the message.
absl::Status AgentError(int exit_code, absl::string_view error_output,
                        absl::string_view what);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_AGENT_H_
