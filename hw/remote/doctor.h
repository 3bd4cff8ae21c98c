// Says from what a board tells of itself whether it is fit to measure on, and
// what to change. A pure function of text: gathering is device.h's.
#ifndef YOLOQ_HW_REMOTE_DOCTOR_H_
#define YOLOQ_HW_REMOTE_DOCTOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hw/devices/device.pb.h"

namespace yoloq {

enum class Health {
  kOk,
  kWarn,  // measuring works; the figures may suffer
  kFail,  // do not measure
};

struct Finding {
  Health health = Health::kOk;
  std::string subject;      // "governor"
  std::string observation;  // "ondemand (wanted: performance)"
  std::string advice;       // "" when all is well
};

struct DoctorReport {
  std::vector<Finding> findings;
  std::string board_model;         // of the device tree, "" without one
  bool is_emulated = false;        // a virtual machine: its times are no Pi's
  bool is_32_bit = false;          // the system, whatever the kernel is
  double temperature_celsius = 0;  // 0: not known
  uint32_t throttle_flags = 0;     // of vcgencmd get_throttled

  // The worst of the findings.
  Health health() const;
};

// What a device tells (device.h, GatherFacts), section by section, judged by
// the spec. `now_s`: this machine's clock, seconds since 1970. DataLoss when
// the text is none of the agent's.
absl::StatusOr<DoctorReport> Examine(absl::string_view facts,
                                     const DeviceSpec& spec, int64_t now_s);

// A line for each finding, its advice below it, and the conclusion.
std::string FormatDoctorReport(const DoctorReport& report);

// The flags of `vcgencmd get_throttled` in words: "under-voltage now; the clock
// was capped since boot". Meaning of the bits: the Raspberry Pi documentation,
// vcgencmd.
std::string DescribeThrottleFlags(uint32_t flags);

// FailedPrecondition with every failing finding and its advice; else OK.
absl::Status FitToMeasure(const DoctorReport& report, absl::string_view device);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_DOCTOR_H_
