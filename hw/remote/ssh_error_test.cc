#include "hw/remote/ssh_error.h"

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// What OpenSSH 9.2 prints, word for word.
TEST(ClassifySshError, EachFailureHasItsCodeAndAdvice) {
  SshSpec ssh;
  ssh.set_host("10.0.0.7");
  ssh.set_port(22);
  ssh.set_user("pi");
  ssh.set_identity_file("/k/id");
  ssh.set_known_hosts_file("/k/hosts");
  const struct {
    const char* said;
    absl::StatusCode code;
    const char* message;
  } kCases[] = {
      {"ssh: connect to host 10.0.0.7 port 22: Connection refused\r\n",
       absl::StatusCode::kUnavailable, "10.0.0.7:22: connection refused"},
      {"ssh: connect to host 10.0.0.7 port 22: Connection timed out\r\n",
       absl::StatusCode::kUnavailable, "10.0.0.7:22: unreachable"},
      {"Connection timed out during banner exchange\r\n"
       "Connection to 10.0.0.7 port 22 timed out\r\n",
       absl::StatusCode::kUnavailable, "unreachable"},
      {"ssh: connect to host 10.0.0.7 port 22: No route to host\r\n",
       absl::StatusCode::kUnavailable, "unreachable"},
      {"ssh: Could not resolve hostname nix: Name or service not known\r\n",
       absl::StatusCode::kNotFound, "$YOLOQ_DEVICE_HOST"},
      {"@@@@@@@@@@@@@\r\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! "
       "@\r\nIT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n"
       "Host key verification failed.\r\n",
       absl::StatusCode::kDataLoss,
       "the host key has changed: it is another than the one in /k/hosts"},
      {"No ED25519 host key is known for 10.0.0.7 and you have requested "
       "strict "
       "checking.\r\nHost key verification failed.\r\n",
       absl::StatusCode::kFailedPrecondition, "not recorded in /k/hosts"},
      {"pi@10.0.0.7: Permission denied (publickey).\r\n",
       absl::StatusCode::kUnauthenticated,
       "the key /k/id was rejected for user pi"},
      {"@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\r\n"
       "pi@10.0.0.7: Permission denied (publickey).\r\n",
       absl::StatusCode::kFailedPrecondition, "chmod 600 /k/id"},
      {"client_loop: send disconnect: Broken pipe\r\n",
       absl::StatusCode::kUnavailable, "the connection was lost"},
      {"kex_exchange_identification: Connection closed by remote host\r\n",
       absl::StatusCode::kUnavailable, "the connection was lost"},
      {"", absl::StatusCode::kUnavailable, "without a word"},
      {"command-line: line 0: Bad configuration option: x\r\n",
       absl::StatusCode::kInternal,
       "(ssh: command-line: line 0: Bad configuration option: x)"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(ClassifySshError(c.said, ssh),
                StatusIs(c.code, HasSubstr(c.message)))
        << c.said;
  }
}

}  // namespace
}  // namespace yoloq
