// Keeps two runs from disturbing each other on a device: one holder at a time.
//
// The lock is a file on the device. It holds while a run is under way there,
// whatever became of its holder, and otherwise until its holder gives it back,
// is known to have ended (same machine), or was not heard of for
// limits.lock_lease_s seconds. A reboot of the device ends it.
#ifndef YOLOQ_HW_REMOTE_DEVICE_LOCK_H_
#define YOLOQ_HW_REMOTE_DEVICE_LOCK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hw/remote/session.h"

namespace yoloq {

class DeviceLock {
 public:
  // `session` outlives the lock.
  explicit DeviceLock(Session* session);
  ~DeviceLock();

  DeviceLock(const DeviceLock&) = delete;
  DeviceLock& operator=(const DeviceLock&) = delete;

  // Takes the lock, or extends it. `purpose`: shown to others. A lapsed lock is
  // taken over, with a line on standard error. FailedPrecondition says who
  // holds the device, for what, since when, and how to take the lock away.
  absl::Status Take(absl::string_view purpose);

  // Gives it back; nothing when it is not held.
  absl::Status Release();

  bool is_held() const { return held_; }

 private:
  Session* const session_;
  const std::string token_;
  bool held_ = false;
  absl::Time extended_;
};

// Ends the run that is under way, if any, and takes the lock from whoever holds
// it. Returns who that was, "" for nobody.
absl::StatusOr<std::string> BreakLock(Session* session);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_DEVICE_LOCK_H_
