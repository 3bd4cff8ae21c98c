#include "hw/remote/test_ssh_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "hw/remote/process_stat.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Where tools/openssh_server has put it.
std::string ServerFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  return JoinPath(cache != nullptr && cache[0] != '\0'
                      ? std::string(cache)
                      : JoinPath(UserHome(), ".cache"),
                  "yoloq/openssh_server");
}

sockaddr_in LoopbackAddress(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool Answers(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = LoopbackAddress(port);
  const bool answers = connect(fd, reinterpret_cast<const sockaddr*>(&address),
                               sizeof(address)) == 0;
  close(fd);
  return answers;
}

// Every folder of the unpacked server that holds shared libraries.
std::string LibraryPath(const std::string& root) {
  std::string path;
  for (const char* parent : {"/lib", "/usr/lib"}) {
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(root + parent, error)) {
      if (entry.is_directory())
        absl::StrAppend(&path, entry.path().string(), ":");
    }
  }
  return path;
}

std::string Config(const std::string& folder, int port) {
  return absl::StrCat("ListenAddress 127.0.0.1\nPort ", port, "\nHostKey ",
                      folder, "/host_key\nAuthorizedKeysFile ", folder,
                      "/key.pub\nStrictModes no\nUsePAM no\nPidFile none\n"
                      "PasswordAuthentication no\n"
                      "KbdInteractiveAuthentication no\n"
                      "PermitRootLogin prohibit-password\nMaxStartups 100\n");
}

}  // namespace

std::string UserHome() {
  const passwd* const user = getpwuid(getuid());
  return user == nullptr ? "/" : user->pw_dir;
}

absl::Status MakeKeyPair(const std::string& path) {
  ProcessOptions options;
  options.argv = {"ssh-keygen", "-q", "-t",         "ed25519", "-N",
                  "",           "-C", "yoloq-test", "-f",      path};
  YOLOQ_ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(options));
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("ssh-keygen: ", result.error_output));
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = LoopbackAddress(0);
  socklen_t size = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

absl::StatusOr<std::unique_ptr<TestSshServer>> TestSshServer::Start(
    const std::string& folder) {
  const std::string root = ServerFolder();
  const std::string program = root + "/usr/sbin/sshd";
  if (!PathExists(program)) {
    return absl::NotFoundError(absl::StrCat(
        "there is no ", program, "; tools/openssh_server puts it there"));
  }
  YOLOQ_RETURN_IF_ERROR(MakeKeyPair(folder + "/key"));
  YOLOQ_RETURN_IF_ERROR(MakeKeyPair(folder + "/host_key"));
  YOLOQ_RETURN_IF_ERROR(MakeFolders(folder + "/privileges"));
  chmod((folder + "/privileges").c_str(), 0755);
  YOLOQ_ASSIGN_OR_RETURN(const std::string host_key,
                         ReadFile(folder + "/host_key.pub"));
  std::unique_ptr<TestSshServer> server(new TestSshServer);
  std::string said;
  // The port may be taken between the search and the start.
  for (int attempt = 0; attempt < 5; ++attempt) {
    const int port = FreePort();
    YOLOQ_RETURN_IF_ERROR(
        WriteFileAtomically(folder + "/config", Config(folder, port)));
    YOLOQ_ASSIGN_OR_RETURN(
        server->server_,
        BackgroundProcess::Start(
            {program, "-D", "-e", "-f", folder + "/config"},
            {{"LD_LIBRARY_PATH", LibraryPath(root)},
             {"LD_PRELOAD",
              std::filesystem::absolute("hw/remote/libtest_ssh_users.so")
                  .string()},
             {"YOLOQ_TEST_SSHD_FOLDER", folder + "/privileges"}}));
    while (server->server_->IsRunning() && !Answers(port)) {
      absl::SleepFor(absl::Milliseconds(10));
    }
    if (!server->server_->IsRunning()) {
      said = server->server_->error_output();
      continue;
    }
    server->ssh_.set_host("127.0.0.1");
    server->ssh_.set_port(port);
    server->ssh_.set_user(getpwuid(getuid())->pw_name);
    server->ssh_.set_identity_file(folder + "/key");
    server->ssh_.set_known_hosts_file(folder + "/known_hosts");
    server->ssh_.set_connect_timeout_s(20);
    YOLOQ_RETURN_IF_ERROR(
        WriteFileAtomically(folder + "/known_hosts",
                            absl::StrCat("[127.0.0.1]:", port, " ", host_key)));
    return server;
  }
  return absl::InternalError(absl::StrCat("sshd did not start: ", said));
}

void TestSshServer::KillSessions() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    if (ReadProcessStat(pid).parent == server_->pid()) {
      kill(pid, SIGKILL);
    }
  }
}

}  // namespace yoloq
