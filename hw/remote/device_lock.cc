#include "hw/remote/device_lock.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "hw/remote/agent.h"
#include "hw/remote/process_stat.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

std::string RandomToken() {
  std::random_device random;
  return absl::StrFormat("%08x%08x%08x", random(), random(), random());
}

// Where the process ids of this process mean what they mean to us: this boot of
// this machine, and this container of it.
std::string ProcessSpace() {
  const std::string boot = ReadProcFile("/proc/sys/kernel/random/boot_id");
  std::error_code error;
  const std::string space =
      std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  return absl::StrCat(absl::StripAsciiWhitespace(boot), "/", space);
}

std::string ThisHolder(absl::string_view purpose) {
  char host[256] = "?";
  gethostname(host, sizeof(host) - 1);
  const char* user = std::getenv("USER");
  std::string text =
      absl::StrCat(user == nullptr ? absl::StrCat("user ", getuid()) : user,
                   "@", host, ", pid ", getpid(), ", for ", purpose);
  // One line, whatever the purpose holds.
  for (char& c : text) {
    if (!absl::ascii_isprint(c) || c == '|') c = ' ';
  }
  return absl::StrCat(text, " |", ProcessSpace(), " ", getpid(), " ",
                      ReadProcessStat(getpid()).start_time);
}

struct Owner {
  std::string token;
  std::string holder;   // for people
  std::string process;  // "SPACE PID START"
  std::string since;
};

Owner ParseOwner(absl::string_view text) {
  Owner owner;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "token ")) owner.token = std::string(line);
    if (absl::ConsumePrefix(&line, "since ")) owner.since = std::string(line);
    if (absl::ConsumePrefix(&line, "holder ")) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(line, absl::MaxSplits(" |", 1));
      owner.holder = std::string(parts.first);
      owner.process = std::string(parts.second);
    }
  }
  return owner;
}

// True when the holder was a process of this machine that is no more.
bool HasEnded(const Owner& owner) {
  const std::vector<std::string> words = absl::StrSplit(owner.process, ' ');
  int pid = 0;
  return words.size() == 3 && words[0] == ProcessSpace() &&
         absl::SimpleAtoi(words[1], &pid) &&
         ReadProcessStat(pid).start_time != words[2];
}

}  // namespace

DeviceLock::DeviceLock(Session* session)
    : session_(session), token_(RandomToken()) {}

DeviceLock::~DeviceLock() { Release().IgnoreError(); }

absl::Status DeviceLock::Take(absl::string_view purpose) {
  const DeviceSpec& spec = session_->spec();
  const absl::Duration lease = absl::Seconds(spec.limits().lock_lease_s());
  if (held_ && absl::Now() - extended_ < lease / 4) return absl::OkStatus();
  std::string ended = "-";
  for (;;) {
    auto result =
        session_->CallRaw("lock", {spec.lock_directory(), token_,
                                   absl::StrCat(spec.limits().lock_lease_s()),
                                   ended, ThisHolder(purpose)});
    if (result.status().code() == absl::StatusCode::kUnavailable) {
      YOLOQ_RETURN_IF_ERROR(session_->Restore(result.status()));
      continue;
    }
    YOLOQ_RETURN_IF_ERROR(result.status());
    if (result->exit_code == kAgentLocked) {
      const Owner owner = ParseOwner(result->output);
      if (ended == "-" && HasEnded(owner)) {
        ended = owner.token;
        continue;
      }
      return absl::FailedPreconditionError(absl::StrCat(
          spec.name(), " is in use by ", owner.holder, ", since ", owner.since,
          " by its clock (", absl::StripAsciiWhitespace(result->error_output),
          "). If that is no longer so: bazel run //hw:remote -- --device=",
          spec.name(), " unlock"));
    }
    if (result->exit_code != 0) {
      return AgentError(result->exit_code, result->error_output,
                        absl::StrCat(spec.name(), ": lock"));
    }
    absl::string_view said = result->output;
    if (absl::ConsumePrefix(&said, "stale ")) {
      std::fprintf(stderr, "%s: took over the lapsed lock of %s\n",
                   spec.name().c_str(),
                   ParseOwner(absl::StrCat("holder ", said)).holder.c_str());
    }
    held_ = true;
    extended_ = absl::Now();
    return absl::OkStatus();
  }
}

absl::Status DeviceLock::Release() {
  if (!held_) return absl::OkStatus();
  held_ = false;
  return session_
      ->CallOnce("unlock", {session_->spec().lock_directory(), token_},
                 absl::StrCat(session_->spec().name(), ": unlock"))
      .status();
}

absl::StatusOr<std::string> BreakLock(Session* session) {
  YOLOQ_ASSIGN_OR_RETURN(
      const ProcessResult result,
      session->Call("unlock", {session->spec().lock_directory(), "-"},
                    absl::StrCat(session->spec().name(), ": unlock")));
  return ParseOwner(result.output).holder;
}

}  // namespace yoloq
