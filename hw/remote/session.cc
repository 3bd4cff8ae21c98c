#include "hw/remote/session.h"

#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "hw/remote/agent.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr absl::Duration kPause = absl::Seconds(1);

bool IsLoss(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Open(
    const DeviceSpec& spec, std::unique_ptr<Connection> connection) {
  std::unique_ptr<Session> session(new Session(spec, std::move(connection)));
  session->work_directory_ = spec.work_directory();
  YOLOQ_ASSIGN_OR_RETURN(
      const ProcessResult result,
      session->CallOnce(
          "prepare", {},
          absl::StrCat(spec.name(), ": work folder ", spec.work_directory())));
  session->work_directory_ =
      std::string(absl::StripSuffix(result.output, "\n"));
  return session;
}

absl::StatusOr<ProcessResult> Session::CallRaw(
    absl::string_view verb, const std::vector<std::string>& arguments,
    ProcessOptions options) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string command,
                         AgentCommand(verb, work_directory_, arguments));
  return connection_->Execute(command, std::move(options));
}

absl::StatusOr<ProcessResult> Session::CallOnce(
    absl::string_view verb, const std::vector<std::string>& arguments,
    absl::string_view what, ProcessOptions options) {
  YOLOQ_ASSIGN_OR_RETURN(ProcessResult result,
                         CallRaw(verb, arguments, std::move(options)));
  if (result.timed_out) {
    return absl::DeadlineExceededError(absl::StrCat(what, ": no answer"));
  }
  if (result.signal != 0) {
    const std::string reason = strsignal(result.signal);
    return AgentError(128 + result.signal,
                      absl::StrCat(result.error_output, " killed: ", reason),
                      what);
  }
  if (result.exit_code != 0) {
    return AgentError(result.exit_code, result.error_output, what);
  }
  return result;
}

absl::StatusOr<ProcessResult> Session::Call(
    absl::string_view verb, const std::vector<std::string>& arguments,
    absl::string_view what, ProcessOptions options) {
  for (;;) {
    auto result = CallOnce(verb, arguments, what, options);
    if (!IsLoss(result.status())) return result;
    YOLOQ_RETURN_IF_ERROR(Restore(result.status()));
  }
}

absl::Status Session::Restore(const absl::Status& loss) {
  std::fprintf(stderr, "%s: %s; reconnecting\n", spec_.name().c_str(),
               std::string(loss.message()).c_str());
  const absl::Time deadline =
      absl::Now() + absl::Seconds(spec_.limits().reconnect_s());
  for (;;) {
    const absl::Status status = connection_->Reconnect();
    if (status.ok()) {
      ++reconnects_;
      return status;
    }
    if (!IsLoss(status)) return status;
    if (absl::Now() + kPause >= deadline) {
      return absl::UnavailableError(absl::StrCat(
          status.message(), "; given up after ", spec_.limits().reconnect_s(),
          " s (limits.reconnect_s). What was running there goes on until its "
          "own time limit"));
    }
    absl::SleepFor(kPause);
  }
}

}  // namespace yoloq
