#include "hw/remote/ssh_connection.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "hw/remote/ssh_error.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Exit code of the client for its own failures.
constexpr int kSshFailed = 255;

// What the master says once it is connected. It then reads its input to the
// end, which comes when this process ends, in whatever way.
constexpr char kConnected[] = "yoloq-connected";
constexpr char kMasterCommand[] = "echo yoloq-connected; exec cat >/dev/null";

// Beyond the client's own time-out: for the key exchange with a slow board.
constexpr absl::Duration kHandshake = absl::Seconds(60);

// Sockets have short paths: not below a long $TMPDIR.
constexpr char kFolderPrefix[] = "/tmp/yoloq-ssh-";

const std::vector<std::pair<std::string, std::string>>& Environment() {
  // Messages are told apart by their English words.
  static const auto* const environment =
      new std::vector<std::pair<std::string, std::string>>{{"LC_ALL", "C"}};
  return *environment;
}

// Folders of processes that were killed before they could remove them.
void RemoveStaleFolders() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/tmp", error)) {
    const std::string path = entry.path().string();
    absl::string_view rest = path;
    if (!absl::ConsumePrefix(&rest, kFolderPrefix)) continue;
    int pid = 0;
    const std::vector<absl::string_view> parts = absl::StrSplit(rest, '-');
    if (absl::SimpleAtoi(parts[0], &pid) && kill(pid, 0) != 0 &&
        errno == ESRCH) {
      // Fails, as it should, where it is another user's.
      std::filesystem::remove_all(path, error);
    }
  }
}

absl::StatusOr<std::string> MakeSocketFolder() {
  RemoveStaleFolders();
  std::string path = absl::StrCat(kFolderPrefix, getpid(), "-XXXXXX");
  if (mkdtemp(&path[0]) == nullptr) {
    return absl::InternalError(
        absl::StrCat(path, ": cannot make a folder for the ssh client"));
  }
  return path;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SshConnection>> SshConnection::Open(
    const SshSpec& ssh) {
  if (!ssh.identity_file().empty() && !PathExists(ssh.identity_file())) {
    return absl::NotFoundError(absl::StrCat(
        ssh.identity_file(),
        ": there is no such private key; make one with `ssh-keygen -t ed25519 "
        "-f ",
        ssh.identity_file(),
        "`, or name another by --key or $YOLOQ_DEVICE_KEY"));
  }
  std::unique_ptr<SshConnection> connection(new SshConnection(ssh));
  YOLOQ_ASSIGN_OR_RETURN(connection->folder_, MakeSocketFolder());
  YOLOQ_RETURN_IF_ERROR(connection->Reconnect());
  return connection;
}

SshConnection::~SshConnection() {
  master_.reset();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string SshConnection::ControlPath() const {
  return JoinPath(folder_, "socket");
}

std::vector<std::string> SshConnection::Client(
    const std::vector<std::string>& extra) const {
  std::vector<std::string> words = {"ssh", "-F", "/dev/null", "-T", "-a", "-x"};
  const auto option = [&](const std::string& text) {
    words.push_back("-o");
    words.push_back(text);
  };
  for (const char* text :
       {"BatchMode=yes", "PreferredAuthentications=publickey",
        "PasswordAuthentication=no", "KbdInteractiveAuthentication=no",
        "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null",
        "UpdateHostKeys=no", "VerifyHostKeyDNS=no", "CheckHostIP=no",
        "EscapeChar=none", "ConnectionAttempts=1",
        // A vanished board is noticed within 20 s.
        "ServerAliveInterval=5", "ServerAliveCountMax=3"}) {
    option(text);
  }
  option(absl::StrCat("UserKnownHostsFile=", ssh_.known_hosts_file()));
  option(absl::StrCat("ConnectTimeout=", ssh_.connect_timeout_s()));
  option(absl::StrCat("ControlPath=", ControlPath()));
  if (!ssh_.identity_file().empty()) {
    option("IdentitiesOnly=yes");
    words.insert(words.end(), {"-i", ssh_.identity_file()});
  }
  words.insert(words.end(), extra.begin(), extra.end());
  words.insert(words.end(), {"-p", absl::StrCat(ssh_.port()), "-l", ssh_.user(),
                             "--", ssh_.host()});
  return words;
}

absl::Status SshConnection::Reconnect() {
  master_.reset();
  std::error_code ignored;
  std::filesystem::remove(ControlPath(), ignored);
  std::vector<std::string> words =
      Client({"-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-o",
              "LogLevel=ERROR"});
  words.push_back(kMasterCommand);
  YOLOQ_ASSIGN_OR_RETURN(master_,
                         BackgroundProcess::Start(words, Environment()));
  if (master_->WaitForLine(
          kConnected, absl::Seconds(ssh_.connect_timeout_s()) + kHandshake)) {
    return absl::OkStatus();
  }
  const bool hangs = master_->IsRunning();
  const std::string said = master_->error_output();
  master_.reset();
  return ClassifySshError(hangs ? "the login timed out" : said, ssh_);
}

absl::StatusOr<ProcessResult> SshConnection::Execute(
    const std::string& command_line, ProcessOptions options) {
  if (master_ == nullptr || !master_->IsRunning()) {
    return absl::UnavailableError(absl::StrCat(ssh_.host(), ":", ssh_.port(),
                                               ": the connection was lost"));
  }
  // Where output is followed, the client's own words must not get into it.
  const bool followed = options.on_output != nullptr;
  options.argv = Client({"-o", "ControlMaster=no", "-o",
                         followed ? "LogLevel=QUIET" : "LogLevel=ERROR"});
  options.argv.push_back(command_line);
  options.environment = Environment();
  YOLOQ_ASSIGN_OR_RETURN(ProcessResult result, RunProcess(options));
  if (result.timed_out) return result;
  if (result.signal != 0 || result.exit_code == kSshFailed) {
    const absl::Status error = ClassifySshError(result.error_output, ssh_);
    // Whatever it says of a session of an open connection, that one is gone.
    return error.code() == absl::StatusCode::kInternal
               ? absl::UnavailableError(error.message())
               : error;
  }
  return result;
}

}  // namespace yoloq
