#include "hw/remote/device_run.h"

#include <signal.h>
#include <sys/wait.h>

#include <cmath>
#include <cstring>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Of a failed command's words, what goes into the error.
constexpr size_t kShownBytes = 2000;

std::string NewRunName() {
  std::random_device random;
  return absl::StrFormat("%08x%08x", random(), random());
}

bool IsVariableName(absl::string_view name) {
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return !name.empty() && !absl::ascii_isdigit(name[0]);
}

absl::StatusOr<std::vector<std::string>> StartArguments(
    const Session& session, const std::string& run,
    const std::vector<std::string>& argv, const RunOptions& options) {
  if (argv.empty() || argv[0].empty()) {
    return absl::InvalidArgumentError("there is no command to run");
  }
  if (argv[0][0] == '-') {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", argv[0], "\" reads as an option; call the program \"./", argv[0],
        "\""));
  }
  const double limit_s =
      options.time_limit > absl::ZeroDuration()
          ? std::ceil(absl::ToDoubleSeconds(options.time_limit))
          : session.spec().limits().run_s();
  std::vector<std::string> arguments = {
      run, absl::StrFormat("%.0f", limit_s), session.spec().lock_directory(),
      options.directory, absl::StrCat(options.environment.size())};
  for (const auto& [name, value] : options.environment) {
    if (!IsVariableName(name)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", name, "\" cannot be the name of an environment variable"));
    }
    arguments.push_back(absl::StrCat(name, "=", value));
  }
  arguments.insert(arguments.end(), argv.begin(), argv.end());
  return arguments;
}

// Collects the two streams; across reconnections it knows what it has.
class Output {
 public:
  explicit Output(const RunOptions& options)
      : out_([&](absl::string_view line) {
          if (options.on_line) {
            options.on_line(OutputStream::kStandardOutput, line);
          }
        }),
        error_([&](absl::string_view line) {
          if (options.on_line) {
            options.on_line(OutputStream::kStandardError, line);
          }
        }) {}

  void Add(OutputStream stream, absl::string_view piece) {
    if (stream == OutputStream::kStandardOutput) {
      absl::StrAppend(&text, piece);
      out_.Add(piece);
    } else {
      absl::StrAppend(&error_text, piece);
      error_.Add(piece);
    }
  }

  void Finish() {
    out_.Finish();
    error_.Finish();
  }

  std::string text;
  std::string error_text;

 private:
  LineSplitter out_;
  LineSplitter error_;
};

// Follows the run to its end, whatever happens to the connection.
absl::Status Follow(Session* session, const std::string& run,
                    absl::string_view what, Output* output) {
  for (;;) {
    ProcessOptions options;
    options.on_output = [&](OutputStream stream, absl::string_view piece) {
      output->Add(stream, piece);
    };
    const auto result =
        session->CallOnce("follow",
                          {run, absl::StrCat(output->text.size()),
                           absl::StrCat(output->error_text.size())},
                          what, options);
    if (result.ok()) return absl::OkStatus();
    if (result.status().code() != absl::StatusCode::kUnavailable) {
      return result.status();
    }
    YOLOQ_RETURN_IF_ERROR(session->Restore(result.status()));
  }
}

// Reads "WAIT_STATUS TIMED_OUT OOM_KILLS".
absl::Status ParseResult(absl::string_view line, absl::string_view what,
                         CommandResult* result) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(absl::StripAsciiWhitespace(line), ' ');
  int wait_status = 0;
  int timed_out = 0;
  int oom_kills = 0;
  if (words.size() != 3 || !absl::SimpleAtoi(words[1], &timed_out) ||
      !absl::SimpleAtoi(words[2], &oom_kills)) {
    return absl::InternalError(
        absl::StrCat(what, ": unexpected result \"", line, "\""));
  }
  if (!absl::SimpleAtoi(words[0], &wait_status)) {
    return absl::UnknownError(absl::StrCat(
        what,
        ": the device did not tell how it ended; a command that changes "
        "its user has to be started by a script"));
  }
  if (WIFSIGNALED(wait_status)) {
    result->signal = WTERMSIG(wait_status);
  } else {
    result->exit_code = WEXITSTATUS(wait_status);
  }
  result->timed_out = timed_out != 0;
  // A command may also pass on that one of its own was killed.
  result->out_of_memory = oom_kills > 0 && (result->signal == SIGKILL ||
                                            result->exit_code == 128 + SIGKILL);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunStatus(const CommandResult& result, absl::string_view what) {
  absl::string_view said = absl::StripAsciiWhitespace(result.error_output);
  if (said.size() > kShownBytes) said.remove_prefix(said.size() - kShownBytes);
  const std::string shown = said.empty() ? "" : absl::StrCat(": ", said);
  if (result.timed_out) {
    return absl::DeadlineExceededError(
        absl::StrCat(what, ": ended for its time limit", shown));
  }
  if (result.out_of_memory) {
    return absl::ResourceExhaustedError(absl::StrCat(
        what,
        ": killed by the kernel: the device is out of memory; close other "
        "programs there, or run a smaller network",
        shown));
  }
  if (result.signal != 0) {
    return absl::AbortedError(
        absl::StrCat(what, ": killed by signal ", result.signal, " (",
                     strsignal(result.signal), ")", shown));
  }
  if (result.exit_code != 0) {
    return absl::UnknownError(
        absl::StrCat(what, ": exit code ", result.exit_code, shown));
  }
  return absl::OkStatus();
}

absl::StatusOr<CommandResult> RunOnDevice(Session* session,
                                          const std::vector<std::string>& argv,
                                          const RunOptions& options) {
  const std::string run = NewRunName();
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<std::string> arguments,
                         StartArguments(*session, run, argv, options));
  const std::string what = absl::StrCat(session->spec().name(), ": ", argv[0]);
  const int reconnects = session->reconnects();
  YOLOQ_RETURN_IF_ERROR(session->Call("start", arguments, what).status());
  Output output(options);
  YOLOQ_RETURN_IF_ERROR(Follow(session, run, what, &output));
  output.Finish();
  YOLOQ_ASSIGN_OR_RETURN(const ProcessResult ended,
                         session->Call("result", {run}, what));
  CommandResult result;
  YOLOQ_RETURN_IF_ERROR(ParseResult(ended.output, what, &result));
  result.output = std::move(output.text);
  result.error_output = std::move(output.error_text);
  result.reconnects = session->reconnects() - reconnects;
  return result;
}

}  // namespace yoloq
