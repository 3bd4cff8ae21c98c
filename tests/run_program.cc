#include "tests/run_program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

// In the child: never returns.
[[noreturn]] void Execute(const std::vector<std::string>& arguments,
                          const std::map<std::string, std::string>& environment,
                          const std::string& output, const std::string& error) {
  const auto redirect = [](int descriptor, const std::string& path, int flags) {
    const int file = open(path.c_str(), flags, 0644);
    dup2(file, descriptor);
  };
  redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
  redirect(STDOUT_FILENO, output, O_CREAT | O_WRONLY | O_TRUNC);
  redirect(STDERR_FILENO, error, O_CREAT | O_WRONLY | O_TRUNC);
  for (const auto& [name, value] : environment) {
    setenv(name.c_str(), value.c_str(), /*overwrite=*/1);
  }
  std::vector<char*> pointers;
  for (const std::string& each : arguments) {
    pointers.push_back(const_cast<char*>(each.c_str()));
  }
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  const std::string reason = arguments[0] + ": " + std::strerror(errno) + "\n";
  (void)!write(STDERR_FILENO, reason.data(), reason.size());
  _exit(127);
}

}  // namespace

ProgramOutcome RunProgram(
    const std::vector<std::string>& arguments,
    const std::map<std::string, std::string>& environment) {
  const std::string folder = TestFolder();
  const std::string output = JoinPath(folder, "stdout");
  const std::string error = JoinPath(folder, "stderr");
  const pid_t child = fork();
  if (child == 0) Execute(arguments, environment, output, error);
  int status = 0;
  waitpid(child, &status, 0);
  ProgramOutcome outcome;
  outcome.exit_code =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.standard_output = ReadFile(output).value_or("");
  outcome.standard_error = ReadFile(error).value_or("");
  return outcome;
}

}  // namespace yoloq
