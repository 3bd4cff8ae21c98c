// Where a run takes place: host, processor, memory, operating system, time.
#ifndef YOLOQ_REPORTS_PROVENANCE_H_
#define YOLOQ_REPORTS_PROVENANCE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "reports/result.pb.h"

namespace yoloq {

// Fills in host_name, cpu_model, cpu_count, operating_system, memory_bytes and
// started_utc of `provenance`; its other fields are kept. What cannot be found
// out is "unknown" or 0.
void FillHost(absl::Time started, Provenance* provenance);

// The value of the first "key : value" line of /proc/cpuinfo's text with one of
// the keys "model name" (x86-64) and "Model" (Raspberry Pi); else "unknown".
std::string CpuModel(absl::string_view cpuinfo);

// MemTotal of /proc/meminfo's text in bytes; 0 when it is not there.
int64_t MemoryBytes(absl::string_view meminfo);

// PRETTY_NAME of /etc/os-release's text; "unknown" when it is not there.
std::string OperatingSystem(absl::string_view os_release);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_PROVENANCE_H_
