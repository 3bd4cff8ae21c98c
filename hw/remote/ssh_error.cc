#include "hw/remote/ssh_error.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace yoloq {
namespace {

// The last line that says something: banners and warnings come before it.
absl::string_view LastLine(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const size_t end_of_line = text.rfind('\n');
  return end_of_line == absl::string_view::npos
             ? text
             : absl::StripAsciiWhitespace(text.substr(end_of_line + 1));
}

std::string Key(const SshSpec& ssh) {
  return ssh.identity_file().empty()
             ? "any of this user's keys"
             : absl::StrCat("the key ", ssh.identity_file());
}

}  // namespace

absl::Status ClassifySshError(absl::string_view error_output,
                              const SshSpec& ssh) {
  const auto says = [&](absl::string_view words) {
    return absl::StrContains(error_output, words);
  };
  const std::string where = absl::StrCat(ssh.host(), ":", ssh.port());
  const std::string said = absl::StrCat(" (ssh: ", LastLine(error_output), ")");

  // Before the others: ssh then also says "Host key verification failed".
  if (says("REMOTE HOST IDENTIFICATION HAS CHANGED") || says("REVOKED")) {
    return absl::DataLossError(absl::StrCat(
        where, ": the host key has changed: it is another than the one in ",
        ssh.known_hosts_file(),
        ". After a new installation of the board compare the fingerprint on "
        "it, then record the key with `bazel run //hw:remote -- --device=... "
        "trust`; otherwise somebody else answers at this address"));
  }
  if (says("host key is known for") || says("Host key verification failed")) {
    return absl::FailedPreconditionError(absl::StrCat(
        where, ": the host key is not recorded in ", ssh.known_hosts_file(),
        "; compare and record it with `bazel run //hw:remote -- --device=... "
        "trust`"));
  }
  if (says("UNPROTECTED PRIVATE KEY FILE")) {
    return absl::FailedPreconditionError(absl::StrCat(
        ssh.identity_file(),
        ": others may read this private key, so that ssh does not use it; run "
        "`chmod 600 ",
        ssh.identity_file(), "`"));
  }
  if (says("Permission denied (") || says("Too many authentication failures")) {
    return absl::UnauthenticatedError(absl::StrCat(
        where, ": ", Key(ssh), " was rejected for user ", ssh.user(),
        "; put the public key into ~/.ssh/authorized_keys of that user "
        "(ssh-copy-id), or give another key by --key or $YOLOQ_DEVICE_KEY",
        said));
  }
  if (says("Could not resolve hostname")) {
    return absl::NotFoundError(absl::StrCat(
        ssh.host(),
        ": no host of this name is known; give its address by --host or "
        "$YOLOQ_DEVICE_HOST",
        said));
  }
  if (says("Connection refused")) {
    return absl::UnavailableError(absl::StrCat(
        where,
        ": connection refused: the machine is up, but no ssh server listens "
        "there; enable it (raspi-config) and check the port",
        said));
  }
  for (const char* words :
       {"Connection timed out", "Operation timed out", "No route to host",
        "Network is unreachable", "Host is down", "timed out"}) {
    if (!says(words)) continue;
    return absl::UnavailableError(absl::StrCat(
        where,
        ": unreachable: nothing answers; is the board powered and on the "
        "network, and is this its address?",
        said));
  }
  for (const char* words :
       {"Connection closed", "Connection reset", "Broken pipe", "Connection to",
        "mux_client", "Session open refused", "Control socket", "client_loop",
        "not responding", "closed by remote host",
        "kex_exchange_identification"}) {
    if (!says(words)) continue;
    return absl::UnavailableError(
        absl::StrCat(where, ": the connection was lost", said));
  }
  if (absl::StripAsciiWhitespace(error_output).empty()) {
    return absl::UnavailableError(
        absl::StrCat(where, ": the connection was lost without a word"));
  }
  return absl::InternalError(absl::StrCat(where, ": ssh failed", said));
}

}  // namespace yoloq
