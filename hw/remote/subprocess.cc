#include "hw/remote/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Close();
    fd_ = other.Release();
    return *this;
  }
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(errno)));
}

struct Pipe {
  Descriptor ours;
  Descriptor theirs;
};

// A connected pair that no other child inherits. Sockets rather than a pipe:
// writing to a program that has ended is then an error and not a signal.
absl::StatusOr<Pipe> MakePipe() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return SystemError("socketpair");
  }
  return Pipe{Descriptor(fds[0]), Descriptor(fds[1])};
}

struct Child {
  pid_t pid = -1;
  Descriptor input;
  Descriptor output;
  Descriptor error;
};

absl::Status ExecError(const std::string& program, int error) {
  const std::string message =
      absl::StrCat("cannot start \"", program, "\": ", strerror(error));
  if (error == ENOENT) {
    return absl::NotFoundError(absl::StrCat(
        message, " (is its package installed? tools/setup installs them)"));
  }
  if (error == EACCES) return absl::PermissionDeniedError(message);
  return absl::FailedPreconditionError(message);
}

// Only async-signal-safe calls: other threads may hold any lock.
[[noreturn]] void ExecInChild(char* const* argv, char* const* environment,
                              int input, int output, int error, int report) {
  setpgid(0, 0);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  execvpe(argv[0], argv, environment);
  const int reason = errno;
  [[maybe_unused]] const ssize_t written =
      write(report, &reason, sizeof(reason));
  _exit(127);
}

std::vector<char*> Pointers(std::vector<std::string>* words) {
  std::vector<char*> pointers;
  for (std::string& word : *words) pointers.push_back(&word[0]);
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> MergedEnvironment(
    const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const bool replaced =
        std::any_of(added.begin(), added.end(), [&](const auto& variable) {
          return absl::StartsWith(*entry, absl::StrCat(variable.first, "="));
        });
    if (!replaced) merged.emplace_back(*entry);
  }
  for (const auto& [name, value] : added) {
    merged.push_back(absl::StrCat(name, "=", value));
  }
  return merged;
}

absl::StatusOr<Child> Spawn(
    std::vector<std::string> argv,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  if (argv.empty()) {
    return absl::InvalidArgumentError("there is no program to start");
  }
  YOLOQ_ASSIGN_OR_RETURN(Pipe input, MakePipe());
  YOLOQ_ASSIGN_OR_RETURN(Pipe output, MakePipe());
  YOLOQ_ASSIGN_OR_RETURN(Pipe error, MakePipe());
  // The end of this pipe closes at a successful exec, or carries errno.
  YOLOQ_ASSIGN_OR_RETURN(Pipe report, MakePipe());
  std::vector<std::string> variables = MergedEnvironment(environment);
  const std::vector<char*> argv_pointers = Pointers(&argv);
  const std::vector<char*> variable_pointers = Pointers(&variables);

  const pid_t pid = fork();
  if (pid < 0) return SystemError("fork");
  if (pid == 0) {
    ExecInChild(argv_pointers.data(), variable_pointers.data(),
                input.theirs.get(), output.theirs.get(), error.theirs.get(),
                report.theirs.get());
  }
  setpgid(pid, pid);  // Whoever comes first: both sides rely on the group.
  report.theirs.Close();
  int reason = 0;
  ssize_t size;
  do {
    size = read(report.ours.get(), &reason, sizeof(reason));
  } while (size < 0 && errno == EINTR);
  if (size == sizeof(reason)) {
    waitpid(pid, nullptr, 0);
    return ExecError(argv[0], reason);
  }
  Child child;
  child.pid = pid;
  child.input = std::move(input.ours);
  child.output = std::move(output.ours);
  child.error = std::move(error.ours);
  return child;
}

// Waits for the child. True when `wait_status` was set.
bool Reap(pid_t pid, int options, int* wait_status) {
  pid_t result;
  do {
    result = waitpid(pid, wait_status, options);
  } while (result < 0 && errno == EINTR);
  return result == pid;
}

// Feeds the input piece by piece. The child may close it early: the rest is
// then not wanted.
class InputFeeder {
 public:
  static absl::StatusOr<InputFeeder> Open(const ProcessOptions& options) {
    InputFeeder feeder(options);
    if (!options.input_path.empty()) {
      YOLOQ_RETURN_IF_ERROR(FileSizeBytes(options.input_path).status());
      feeder.file_ =
          Descriptor(open(options.input_path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!feeder.file_.is_open() ||
          lseek(feeder.file_.get(), options.input_offset, SEEK_SET) < 0) {
        return SystemError(options.input_path);
      }
    } else {
      feeder.piece_ = options.input;
    }
    return feeder;
  }

  // True when all has been written, or is not wanted.
  bool Feed(int fd) {
    if (position_ == piece_.size() && !ReadPiece()) return true;
    const ssize_t written =
        send(fd, piece_.data() + position_, piece_.size() - position_,
             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0) return errno != EAGAIN && errno != EINTR;
    position_ += written;
    if (on_written_) on_written_(written);
    return false;
  }

 private:
  explicit InputFeeder(const ProcessOptions& options)
      : on_written_(options.on_input_written) {}

  bool ReadPiece() {
    if (!file_.is_open()) return false;
    piece_.resize(kPieceBytes);
    const ssize_t size = read(file_.get(), &piece_[0], piece_.size());
    piece_.resize(std::max<ssize_t>(size, 0));
    position_ = 0;
    return size > 0;
  }

  std::function<void(int64_t)> on_written_;
  Descriptor file_;
  std::string piece_;
  size_t position_ = 0;
};

// Reads one piece. False at the end.
bool ReadSome(int fd, std::string* piece) {
  piece->resize(kPieceBytes);
  ssize_t size;
  do {
    size = read(fd, &(*piece)[0], piece->size());
  } while (size < 0 && errno == EINTR);
  piece->resize(std::max<ssize_t>(size, 0));
  return size > 0;
}

// Milliseconds for poll(): -1 for ever.
int PollTimeout(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return -1;
  const absl::Duration left = deadline - absl::Now();
  return std::clamp<int64_t>(absl::ToInt64Milliseconds(left) + 1, 0, 60'000);
}

// Moves input and output until both outputs have ended. False when the
// deadline came first.
bool Communicate(Child* child, InputFeeder* feeder, absl::Time deadline,
                 const OutputCallback& on_output) {
  std::string piece;
  while (child->output.is_open() || child->error.is_open()) {
    pollfd fds[3] = {{child->output.get(), POLLIN, 0},
                     {child->error.get(), POLLIN, 0},
                     {child->input.get(), POLLOUT, 0}};
    const int ready = poll(fds, 3, PollTimeout(deadline));
    if (absl::Now() >= deadline) return false;
    if (ready <= 0) continue;
    if (fds[0].revents != 0) {
      if (ReadSome(child->output.get(), &piece)) {
        on_output(OutputStream::kStandardOutput, piece);
      } else {
        child->output.Close();
      }
    }
    if (fds[1].revents != 0) {
      if (ReadSome(child->error.get(), &piece)) {
        on_output(OutputStream::kStandardError, piece);
      } else {
        child->error.Close();
      }
    }
    if (fds[2].revents != 0 && feeder->Feed(child->input.get())) {
      child->input.Close();
    }
  }
  return true;
}

// Waits for the child until the deadline; then kills its group.
int WaitOrKill(pid_t pid, absl::Time deadline, bool* timed_out) {
  int wait_status = 0;
  absl::Duration pause = absl::Milliseconds(1);
  while (!*timed_out && deadline != absl::InfiniteFuture()) {
    if (Reap(pid, WNOHANG, &wait_status)) return wait_status;
    if (absl::Now() >= deadline) *timed_out = true;
    absl::SleepFor(pause);
    pause = std::min(pause * 2, absl::Milliseconds(50));
  }
  if (*timed_out) kill(-pid, SIGKILL);
  Reap(pid, 0, &wait_status);
  return wait_status;
}

}  // namespace

absl::StatusOr<ProcessResult> RunProcess(const ProcessOptions& options) {
  YOLOQ_ASSIGN_OR_RETURN(InputFeeder feeder, InputFeeder::Open(options));
  YOLOQ_ASSIGN_OR_RETURN(Child child, Spawn(options.argv, options.environment));
  ProcessResult result;
  OutputCallback on_output = options.on_output;
  if (!on_output) {
    on_output = [&](OutputStream stream, absl::string_view piece) {
      std::string* const text = stream == OutputStream::kStandardOutput
                                    ? &result.output
                                    : &result.error_output;
      text->append(piece.data(), piece.size());
    };
  }
  const absl::Time deadline = absl::Now() + options.time_limit;
  result.timed_out = !Communicate(&child, &feeder, deadline, on_output);
  child.input.Close();
  const int wait_status = WaitOrKill(child.pid, deadline, &result.timed_out);
  if (WIFSIGNALED(wait_status)) {
    result.signal = WTERMSIG(wait_status);
  } else {
    result.exit_code = WEXITSTATUS(wait_status);
  }
  return result;
}

absl::StatusOr<std::unique_ptr<BackgroundProcess>> BackgroundProcess::Start(
    const std::vector<std::string>& argv,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  YOLOQ_ASSIGN_OR_RETURN(Child child, Spawn(argv, environment));
  std::unique_ptr<BackgroundProcess> process(new BackgroundProcess);
  process->pid_ = child.pid;
  process->running_ = true;
  process->input_ = child.input.Release();
  process->output_ = child.output.Release();
  process->error_ = child.error.Release();
  return process;
}

BackgroundProcess::~BackgroundProcess() {
  close(input_);
  if (IsRunning()) {
    kill(-pid_, SIGTERM);
    bool timed_out = false;
    WaitOrKill(pid_, absl::Now() + absl::Seconds(2), &timed_out);
  }
  close(output_);
  close(error_);
}

void BackgroundProcess::Drain(absl::Duration wait) {
  pollfd fds[2] = {{output_, POLLIN, 0}, {error_, POLLIN, 0}};
  if (poll(fds, 2, absl::ToInt64Milliseconds(wait)) <= 0) return;
  std::string piece;
  if (fds[0].revents != 0 && ReadSome(output_, &piece)) output_text_ += piece;
  if (fds[1].revents != 0 && ReadSome(error_, &piece)) error_text_ += piece;
}

bool BackgroundProcess::IsRunning() {
  if (!running_) return false;
  int wait_status = 0;
  if (Reap(pid_, WNOHANG, &wait_status)) running_ = false;
  return running_;
}

std::string BackgroundProcess::error_output() {
  Drain(absl::ZeroDuration());
  return error_text_;
}

bool BackgroundProcess::WaitForLine(absl::string_view line,
                                    absl::Duration time_limit) {
  const std::string wanted = absl::StrCat(line, "\n");
  const absl::Time deadline = absl::Now() + time_limit;
  while (!absl::StrContains(output_text_, wanted)) {
    const bool running = IsRunning();
    // Once more after the end: it may have written just before.
    Drain(running ? absl::Milliseconds(20) : absl::ZeroDuration());
    if (absl::StrContains(output_text_, wanted)) return true;
    if (!running || absl::Now() >= deadline) return false;
  }
  return true;
}

void LineSplitter::Add(absl::string_view piece) {
  for (size_t end; (end = piece.find('\n')) != absl::string_view::npos;) {
    partial_.append(piece.data(), end);
    on_line_(partial_);
    partial_.clear();
    piece.remove_prefix(end + 1);
  }
  partial_.append(piece.data(), piece.size());
}

void LineSplitter::Finish() {
  if (!partial_.empty()) on_line_(partial_);
  partial_.clear();
}

}  // namespace yoloq
