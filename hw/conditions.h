// What state a device is in: which board it is, how hot and fast it runs, and
// whether what was measured in that state counts.
#ifndef YOLOQ_HW_CONDITIONS_H_
#define YOLOQ_HW_CONDITIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hw/measurement.pb.h"

namespace yoloq {

// Where the device tells its condition: the fields of ConditionSpec
// (hw/devices/device.proto). What is empty or cannot be read is not recorded.
struct ConditionSources {
  std::string root;              // put before every path; for tests
  std::string temperature_path;  // thousandths of a degree Celsius
  std::string governor_path;
  std::string clock_path;      // kHz
  std::string max_clock_path;  // kHz
  // Program and arguments; prints "throttled=0x...".
  std::vector<std::string> throttle_command;
};

// Reads /proc and /sys below `root` ("" on a device).
DeviceIdentity ReadDeviceIdentity(const std::string& root);

// with_throttle: runs throttle_command too, which takes some milliseconds.
DeviceCondition ReadCondition(const ConditionSources& sources,
                              bool with_throttle);

// The flags in "throttled=0x50005". InvalidArgument for other text.
absl::StatusOr<uint32_t> ParseThrottled(absl::string_view text);

// Time that all processors spent working (not idle, not waiting for input or
// output) since the boot, in seconds, after /proc/stat; negative when it cannot
// be read.
double BusySeconds(const std::string& root);

// Reads the temperature every two seconds until it is at most `celsius`: true;
// or until timeout_s have passed: false. True at once when it cannot be read.
// sleep(seconds) waits.
bool WaitToCool(const ConditionSources& sources, double celsius,
                double timeout_s, const std::function<void(double)>& sleep);

struct ValidityLimits {
  double hot_celsius = 0;      // 0: not checked
  double max_variation = 0.1;  // coefficient; 0: not checked
  // Width of the 95 % interval of the median as a share of it; 0: not checked.
  double max_relative_interval = 0;
  double max_other_load_cores = 0.15;
};

// Why a measurement does not count, each reason with what to change; empty:
// it counts.
std::vector<std::string> InvalidReasons(const LatencyMeasurement& measurement,
                                        const ValidityLimits& limits);

}  // namespace yoloq

#endif  // YOLOQ_HW_CONDITIONS_H_
