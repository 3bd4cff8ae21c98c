// Finds, reads and checks device specs, and fills in what they leave out.
//
//   YOLOQ_ASSIGN_OR_RETURN(DeviceSpec spec, LoadDeviceSpec("pi3bplus"));
#ifndef YOLOQ_HW_DEVICES_DEVICE_SPEC_H_
#define YOLOQ_HW_DEVICES_DEVICE_SPEC_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hw/devices/device.pb.h"

namespace yoloq {

// How this user reaches the board, in place of what its file says. Empty
// fields and port 0 change nothing.
struct SshOverrides {
  std::string host;
  std::string user;
  int port = 0;
  std::string identity_file;
  std::string known_hosts_file;
};

// From $YOLOQ_DEVICE_HOST, _USER, _PORT, _KEY and _KNOWN_HOSTS. InvalidArgument
// for a port that is none.
absl::StatusOr<SshOverrides> SshOverridesFromEnvironment();

// `name`: of a spec of this folder ("pi3bplus"), or the path of a file (it
// contains '/' or '.'). The spec is checked, then completed: defaults are
// filled in and a leading "~/" of local paths is replaced. `overrides` apply
// to SSH devices; the others have no host, and giving one is an error.
// NotFound with the names that there are; InvalidArgument with file and field.
absl::StatusOr<DeviceSpec> LoadDeviceSpec(const std::string& name,
                                          const SshOverrides& overrides = {});

// The names of the specs of this folder.
std::vector<std::string> EmbeddedDevices();

// InvalidArgument that names `file` and the field. Defaults need not be there.
absl::Status CheckDeviceSpec(const DeviceSpec& spec, absl::string_view file);

// Fills in defaults. LoadDeviceSpec does it; for specs made in memory.
void CompleteDeviceSpec(DeviceSpec* spec);

}  // namespace yoloq

#endif  // YOLOQ_HW_DEVICES_DEVICE_SPEC_H_
