#include "hw/remote/device.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "hw/remote/emulated_board.h"
#include "hw/remote/ssh_connection.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Holds the lock for one call where the caller has not taken it.
class LockForCall {
 public:
  LockForCall(DeviceLock* lock, bool is_locked_by_caller)
      : lock_(lock), releases_(!is_locked_by_caller) {}
  ~LockForCall() {
    if (releases_) lock_->Release().IgnoreError();
  }

  absl::Status Take(absl::string_view purpose) { return lock_->Take(purpose); }

 private:
  DeviceLock* const lock_;
  const bool releases_;
};

}  // namespace

absl::StatusOr<SshSpec> SshSpecOf(const DeviceSpec& spec) {
  switch (spec.kind()) {
    case DeviceSpec::SSH:
      return spec.ssh();
    case DeviceSpec::EMULATED:
      return FindEmulatedBoard(EmulatedBoardFolder(),
                               spec.emulated().instance());
    default:
      return absl::InvalidArgumentError(
          absl::StrCat(spec.name(), ": this device is not reached by ssh"));
  }
}

absl::StatusOr<std::unique_ptr<Device>> Device::Connect(
    const DeviceSpec& spec) {
  if (spec.kind() == DeviceSpec::LOCAL) {
    return ConnectThrough(spec, MakeLocalConnection());
  }
  YOLOQ_ASSIGN_OR_RETURN(const SshSpec ssh, SshSpecOf(spec));
  auto connection = SshConnection::Open(ssh);
  if (!connection.ok()) return Annotate(connection.status(), spec.name());
  return ConnectThrough(spec, *std::move(connection));
}

absl::StatusOr<std::unique_ptr<Device>> Device::ConnectThrough(
    const DeviceSpec& spec, std::unique_ptr<Connection> connection) {
  YOLOQ_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
                         Session::Open(spec, std::move(connection)));
  return std::unique_ptr<Device>(new Device(std::move(session)));
}

std::string Device::DevicePath(absl::string_view path) const {
  return JoinPath(session_->work_directory(), path);
}

absl::Status Device::Lock(absl::string_view purpose) {
  YOLOQ_RETURN_IF_ERROR(lock_.Take(purpose));
  is_locked_by_caller_ = true;
  return absl::OkStatus();
}

absl::Status Device::Unlock() {
  is_locked_by_caller_ = false;
  return lock_.Release();
}

absl::StatusOr<PushReport> Device::Push(const std::vector<LocalFile>& files) {
  LockForCall lock(&lock_, is_locked_by_caller_);
  YOLOQ_RETURN_IF_ERROR(lock.Take("pushing files"));
  return PushFiles(session_.get(), files);
}

absl::Status Device::Pull(const std::string& device_path,
                          const std::string& local_path) {
  return PullFile(session_.get(), device_path, local_path);
}

absl::StatusOr<CommandResult> Device::Run(const std::vector<std::string>& argv,
                                          const RunOptions& options) {
  LockForCall lock(&lock_, is_locked_by_caller_);
  YOLOQ_RETURN_IF_ERROR(
      lock.Take(argv.empty() ? "a run" : absl::StrCat("running ", argv[0])));
  return RunOnDevice(session_.get(), argv, options);
}

absl::StatusOr<std::string> Device::GatherFacts() {
  const ConditionSpec& condition = spec().condition();
  std::vector<std::string> arguments = {
      condition.temperature_path(), condition.governor_path(),
      condition.clock_path(), condition.max_clock_path()};
  arguments.insert(arguments.end(), condition.throttle_command().begin(),
                   condition.throttle_command().end());
  YOLOQ_ASSIGN_OR_RETURN(
      ProcessResult result,
      session_->Call("facts", arguments,
                     absl::StrCat(spec().name(), ": facts")));
  return std::move(result.output);
}

absl::StatusOr<DoctorReport> Device::Examine() {
  YOLOQ_ASSIGN_OR_RETURN(const std::string facts, GatherFacts());
  return ::yoloq::Examine(facts, spec(), absl::ToUnixSeconds(absl::Now()));
}

absl::Status Device::Clean() {
  LockForCall lock(&lock_, is_locked_by_caller_);
  YOLOQ_RETURN_IF_ERROR(lock.Take("cleaning up"));
  return session_->Call("clean", {}, absl::StrCat(spec().name(), ": clean"))
      .status();
}

absl::StatusOr<std::string> Device::BreakLock() {
  return ::yoloq::BreakLock(session_.get());
}

}  // namespace yoloq
