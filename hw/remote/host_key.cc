#include "hw/remote/host_key.h"

#include <filesystem>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "hw/remote/subprocess.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::StatusOr<std::string> Fingerprint(const std::string& line) {
  ProcessOptions options;
  options.argv = {"ssh-keygen", "-l", "-f", "-"};
  options.input = absl::StrCat(line, "\n");
  YOLOQ_ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(options));
  // "256 SHA256:... comment (ED25519)"
  const std::vector<std::string> words = absl::StrSplit(result.output, ' ');
  if (result.exit_code != 0 || words.size() < 2) {
    return absl::DataLossError(
        absl::StrCat("ssh-keygen finds no key in \"", line, "\""));
  }
  return words[1];
}

}  // namespace

absl::StatusOr<HostKey> ScanHostKey(const SshSpec& ssh) {
  ProcessOptions options;
  options.argv = {"ssh-keyscan",
                  "-t",
                  "ed25519",
                  "-T",
                  absl::StrCat(ssh.connect_timeout_s()),
                  "-p",
                  absl::StrCat(ssh.port()),
                  "--",
                  ssh.host()};
  options.time_limit = absl::Seconds(2 * ssh.connect_timeout_s() + 30);
  YOLOQ_ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(options));
  for (const absl::string_view line : absl::StrSplit(result.output, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words.size() < 3) continue;
    HostKey key;
    key.line = std::string(line);
    key.type = words[1];
    YOLOQ_ASSIGN_OR_RETURN(key.fingerprint, Fingerprint(key.line));
    return key;
  }
  return absl::UnavailableError(absl::StrCat(
      ssh.host(), ":", ssh.port(),
      ": no ssh server gave an Ed25519 host key; is the board on the network, "
      "and is this its address?"));
}

absl::Status RecordHostKey(const SshSpec& ssh, const HostKey& key) {
  const std::string& path = ssh.known_hosts_file();
  // "host" or "[host]:port", as ssh-keyscan writes it.
  const std::string host =
      std::string(absl::string_view(key.line).substr(0, key.line.find(' ')));
  std::string text;
  if (PathExists(path)) {
    YOLOQ_ASSIGN_OR_RETURN(const std::string old, ReadFile(path));
    for (const absl::string_view line : absl::StrSplit(old, '\n')) {
      if (line.empty() || absl::StartsWith(line, absl::StrCat(host, " "))) {
        continue;
      }
      absl::StrAppend(&text, line, "\n");
    }
  }
  absl::StrAppend(&text, key.line, "\n");
  YOLOQ_RETURN_IF_ERROR(
      MakeFolders(std::filesystem::path(path).parent_path().string()));
  return WriteFileAtomically(path, text);
}

}  // namespace yoloq
