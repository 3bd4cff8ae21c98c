// Runs programs: fork and exec of an argument vector, no shell in between.
//
//   ProcessOptions options;
//   options.argv = {"ssh", "-V"};
//   YOLOQ_ASSIGN_OR_RETURN(ProcessResult result, RunProcess(options));
#ifndef YOLOQ_HW_REMOTE_SUBPROCESS_H_
#define YOLOQ_HW_REMOTE_SUBPROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace yoloq {

enum class OutputStream { kStandardOutput, kStandardError };

// Receives output as it comes, in pieces of any size.
using OutputCallback = std::function<void(OutputStream, absl::string_view)>;

struct ProcessOptions {
  // The program, found through $PATH, and its arguments.
  std::vector<std::string> argv;

  // Variables added to those of this process.
  std::vector<std::pair<std::string, std::string>> environment;

  // What the program reads from standard input: `input`, or the bytes of the
  // file `input_path` from `input_offset` on. Neither: nothing.
  std::string input;
  std::string input_path;
  int64_t input_offset = 0;

  // Called with the count of bytes each time some of the input was written.
  std::function<void(int64_t bytes)> on_input_written;

  // Replaces the collection of output in ProcessResult.
  OutputCallback on_output;

  // After this the program and its descendants are killed.
  absl::Duration time_limit = absl::InfiniteDuration();
};

struct ProcessResult {
  int exit_code = 0;       // meaningless when signal is not 0
  int signal = 0;          // that ended the program; 0: it exited
  bool timed_out = false;  // it was killed for the time limit
  std::string output;
  std::string error_output;
};

// Runs a program to its end. Its process group is its own, and killed as a
// whole at the time limit. NotFound when there is no such program,
// PermissionDenied when it may not be executed; errors of the input file as
// ReadFile. A program that fails is no error here: look at the result.
absl::StatusOr<ProcessResult> RunProcess(const ProcessOptions& options);

// A program that goes on in the background, for as long as this object lives.
// Its standard input stays open until then, so that a program which ends at the
// end of its input ends with us, however we end.
class BackgroundProcess {
 public:
  // Errors as RunProcess.
  static absl::StatusOr<std::unique_ptr<BackgroundProcess>> Start(
      const std::vector<std::string>& argv,
      const std::vector<std::pair<std::string, std::string>>& environment);

  // Closes its input, then ends its process group.
  ~BackgroundProcess();

  BackgroundProcess(const BackgroundProcess&) = delete;
  BackgroundProcess& operator=(const BackgroundProcess&) = delete;

  // Waits until the program has written `line` to standard output. False when
  // it ended or the time was over before.
  bool WaitForLine(absl::string_view line, absl::Duration time_limit);

  bool IsRunning();
  pid_t pid() const { return pid_; }

  // What it has written to standard error so far.
  std::string error_output();

 private:
  BackgroundProcess() = default;

  void Drain(absl::Duration wait);

  pid_t pid_ = -1;
  bool running_ = false;
  int input_ = -1;
  int output_ = -1;
  int error_ = -1;
  std::string output_text_;
  std::string error_text_;
};

// Cuts a stream that comes in pieces into lines.
class LineSplitter {
 public:
  explicit LineSplitter(std::function<void(absl::string_view line)> on_line)
      : on_line_(std::move(on_line)) {}

  void Add(absl::string_view piece);
  // Hands over a last line without an end of line.
  void Finish();

 private:
  const std::function<void(absl::string_view)> on_line_;
  std::string partial_;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_SUBPROCESS_H_
