// A device to run on: this machine, a board, or the emulated one, by one path.
//
//   YOLOQ_ASSIGN_OR_RETURN(DeviceSpec spec, LoadDeviceSpec("pi3bplus"));
//   YOLOQ_ASSIGN_OR_RETURN(auto device, Device::Connect(spec));
//   YOLOQ_RETURN_IF_ERROR(device->Lock("table1"));
//   YOLOQ_RETURN_IF_ERROR(
//       device->Push({{"bazel-bin/hw/bench", "bin/bench", true}}).status());
//   YOLOQ_ASSIGN_OR_RETURN(CommandResult run, device->Run({"bin/bench"}));
//   YOLOQ_RETURN_IF_ERROR(RunStatus(run, "bench"));
//   YOLOQ_RETURN_IF_ERROR(device->Pull("result.pb", "/tmp/result.pb"));
//
// A lost connection is found again; Unavailable means that it stayed lost.
// Not thread-safe.
#ifndef YOLOQ_HW_REMOTE_DEVICE_H_
#define YOLOQ_HW_REMOTE_DEVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hw/devices/device.pb.h"
#include "hw/remote/connection.h"
#include "hw/remote/device_lock.h"
#include "hw/remote/device_run.h"
#include "hw/remote/doctor.h"
#include "hw/remote/file_transfer.h"
#include "hw/remote/session.h"

namespace yoloq {

class Device {
 public:
  // `spec`: as LoadDeviceSpec gives it. Errors: ClassifySshError, NotFound (the
  // key file), FailedPrecondition (the emulated board does not run).
  static absl::StatusOr<std::unique_ptr<Device>> Connect(
      const DeviceSpec& spec);

  // The same through a connection that is there already.
  static absl::StatusOr<std::unique_ptr<Device>> ConnectThrough(
      const DeviceSpec& spec, std::unique_ptr<Connection> connection);

  const DeviceSpec& spec() const { return session_->spec(); }

  // Absolute path on the device of a path in the work folder.
  std::string DevicePath(absl::string_view path) const;

  // Keeps others from the device until Unlock() or the end of this object
  // (device_lock.h). Push, Run and Clean lock for themselves where this was not
  // called.
  absl::Status Lock(absl::string_view purpose);
  absl::Status Unlock();

  // See file_transfer.h.
  absl::StatusOr<PushReport> Push(const std::vector<LocalFile>& files);
  absl::Status Pull(const std::string& device_path,
                    const std::string& local_path);

  // See device_run.h.
  absl::StatusOr<CommandResult> Run(const std::vector<std::string>& argv,
                                    const RunOptions& options = {});

  // What the device tells of itself, and what follows from it.
  absl::StatusOr<std::string> GatherFacts();
  absl::StatusOr<DoctorReport> Examine();

  // Removes the work folder with everything in it.
  absl::Status Clean();

  // Takes the lock from whoever holds it and ends their run. Returns who it
  // was, "" for nobody.
  absl::StatusOr<std::string> BreakLock();

 private:
  explicit Device(std::unique_ptr<Session> session)
      : session_(std::move(session)), lock_(session_.get()) {}

  const std::unique_ptr<Session> session_;
  DeviceLock lock_;
  bool is_locked_by_caller_ = false;
};

// How a device of kind SSH or EMULATED is reached; InvalidArgument for LOCAL.
absl::StatusOr<SshSpec> SshSpecOf(const DeviceSpec& spec);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_DEVICE_H_
