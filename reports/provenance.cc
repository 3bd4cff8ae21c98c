#include "reports/provenance.h"

#include <unistd.h>

#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/base/parallel.h"

namespace yoloq {
namespace {

constexpr char kUnknown[] = "unknown";

// Files of /proc have no size, so they cannot be mapped. "" on an error.
std::string ReadStream(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file),
                     std::istreambuf_iterator<char>());
}

// The value of the first line "key<separator>value"; "" when there is none.
std::string ValueOf(absl::string_view text, absl::string_view key,
                    char separator) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(separator, 1));
    if (absl::StripAsciiWhitespace(parts.first) == key) {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 && name[0] != '\0' ? name
                                                                     : kUnknown;
}

}  // namespace

void FillHost(absl::Time started, Provenance* provenance) {
  provenance->set_host_name(HostName());
  provenance->set_cpu_model(CpuModel(ReadStream("/proc/cpuinfo")));
  provenance->set_cpu_count(CoreCount());
  provenance->set_operating_system(
      OperatingSystem(ReadStream("/etc/os-release")));
  provenance->set_memory_bytes(MemoryBytes(ReadStream("/proc/meminfo")));
  provenance->set_started_utc(
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", started, absl::UTCTimeZone()));
}

std::string CpuModel(absl::string_view cpuinfo) {
  for (const absl::string_view key : {"model name", "Model"}) {
    std::string model = ValueOf(cpuinfo, key, ':');
    if (!model.empty()) return model;
  }
  return kUnknown;
}

int64_t MemoryBytes(absl::string_view meminfo) {
  const std::string value = ValueOf(meminfo, "MemTotal", ':');
  absl::string_view number = value;
  int64_t kib = 0;
  if (!absl::ConsumeSuffix(&number, " kB") || !absl::SimpleAtoi(number, &kib)) {
    return 0;
  }
  return kib * 1024;
}

std::string OperatingSystem(absl::string_view os_release) {
  const std::string value = ValueOf(os_release, "PRETTY_NAME", '=');
  absl::string_view name = value;
  absl::ConsumePrefix(&name, "\"");
  absl::ConsumeSuffix(&name, "\"");
  return name.empty() ? kUnknown : std::string(name);
}

}  // namespace yoloq
