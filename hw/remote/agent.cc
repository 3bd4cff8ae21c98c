#include "hw/remote/agent.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "hw/remote/agent_script.h"
#include "hw/remote/shell_quote.h"

namespace yoloq {
namespace {

// Gives the agent its own text, from which it starts the supervisor of a run.
constexpr char kLoader[] = "agent=$1 loader=$2; shift 2; eval \"$agent\"";

bool IsDiskFull(absl::string_view error_output) {
  return absl::StrContains(error_output, "No space left on device") ||
         absl::StrContains(error_output, "Disk quota exceeded") ||
         absl::StrContains(error_output, "File too large");
}

}  // namespace

absl::StatusOr<std::string> AgentCommand(
    absl::string_view verb, absl::string_view work_directory,
    const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"exec",
                                    "sh",
                                    "-c",
                                    kLoader,
                                    "yoloq",
                                    kAgentScript,
                                    kLoader,
                                    std::string(verb),
                                    std::string(work_directory)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return ShellCommand(words);
}

absl::Status AgentError(int exit_code, absl::string_view error_output,
                        absl::string_view what) {
  const absl::string_view said = absl::StripAsciiWhitespace(error_output);
  if (IsDiskFull(error_output)) {
    return absl::ResourceExhaustedError(
        absl::StrCat(what, ": the device's disk is full (", said,
                     "); make room, or `bazel run //hw:remote -- "
                     "--device=... clean`"));
  }
  const std::string message = absl::StrCat(what, ": ", said);
  switch (exit_code) {
    case kAgentLocked:
    case kAgentBadFormat:
    case kAgentNotExecutable:
      return absl::FailedPreconditionError(message);
    case kAgentArchitecture:
      return absl::FailedPreconditionError(absl::StrCat(
          message,
          ". A Raspberry Pi needs programs of `bazel build --config=pi3` and a "
          "64-bit system (hw/devices/README.md)"));
    case kAgentNotFound:
      return absl::NotFoundError(message);
    case kAgentDigest:
      return absl::DataLossError(message);
    case kAgentNoResult:
      return absl::AbortedError(message);
    default:
      return absl::InternalError(absl::StrCat(
          what, ": failed on the device with exit code ", exit_code, ": ",
          said.empty() ? "nothing was said" : said));
  }
}

}  // namespace yoloq
