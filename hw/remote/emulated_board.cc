#include "hw/remote/emulated_board.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tools/base/file.h"

namespace yoloq {
namespace {

// A booted instance answers at once; its emulated processor does not.
constexpr int kConnectTimeoutSeconds = 60;

// The number that stands in a file; 0 without one.
int NumberIn(const std::string& path) {
  const auto text = ReadFile(path);
  int number = 0;
  if (!text.ok() ||
      !absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &number)) {
    return 0;
  }
  return number;
}

}  // namespace

std::string EmulatedBoardFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] != '\0') {
    return JoinPath(cache, "yoloq/emulated_pi");
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || home[0] == '\0') {
    const passwd* const user = getpwuid(getuid());
    home = user == nullptr ? "/" : user->pw_dir;
  }
  return JoinPath(home, ".cache/yoloq/emulated_pi");
}

absl::StatusOr<SshSpec> FindEmulatedBoard(const std::string& folder,
                                          const std::string& instance) {
  const std::string state =
      JoinPath(folder, absl::StrCat("instances/", instance));
  const int pid = NumberIn(JoinPath(state, "pid"));
  const int port = NumberIn(JoinPath(state, "port"));
  const bool runs = pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
  if (!runs || port == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        state,
        ": the emulated board does not run; start it with `bazel run "
        "//hw:emulated_pi -- ",
        instance == "default" ? "" : absl::StrCat("--instance=", instance, " "),
        "start`"));
  }
  SshSpec ssh;
  ssh.set_host("127.0.0.1");
  ssh.set_user("pi");
  ssh.set_port(port);
  ssh.set_identity_file(JoinPath(state, "key"));
  ssh.set_known_hosts_file(JoinPath(state, "known_hosts"));
  ssh.set_connect_timeout_s(kConnectTimeoutSeconds);
  return ssh;
}

}  // namespace yoloq
