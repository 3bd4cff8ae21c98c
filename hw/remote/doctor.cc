#include "hw/remote/doctor.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Programs for the board are built against Debian 12's C library.
constexpr int kLibcMajor = 2;
constexpr int kLibcMinor = 36;

// A load average above this means that something else is computing.
constexpr double kHighLoad = 0.5;

// A clock that is further off makes times of results confusing.
constexpr int64_t kClockSkewSeconds = 60;

using Facts = std::map<std::string, std::string>;

absl::StatusOr<Facts> ParseFacts(absl::string_view text) {
  Facts facts;
  std::string* section = nullptr;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "== ")) {
      section = &facts[std::string(line)];
    } else if (section != nullptr) {
      absl::StrAppend(section, line, "\n");
    }
  }
  if (facts.count("machine") == 0) {
    return absl::DataLossError(absl::StrCat(
        "these are no facts of a device: \"", text.substr(0, 200), "\""));
  }
  for (auto& [name, value] : facts) {
    value = std::string(absl::StripAsciiWhitespace(value));
  }
  return facts;
}

// The first "KEY<separator>value" of a section, "" without one.
std::string ValueOf(absl::string_view section, absl::string_view key,
                    char separator) {
  for (const absl::string_view line : absl::StrSplit(section, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(separator, 1));
    if (absl::StripAsciiWhitespace(parts.first) == key) {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

// Every value of the key, without repetition.
std::vector<std::string> ValuesOf(absl::string_view section,
                                  absl::string_view key) {
  std::vector<std::string> values;
  for (const absl::string_view line : absl::StrSplit(section, '\n')) {
    const std::string value = ValueOf(line, key, ':');
    if (!value.empty() &&
        std::find(values.begin(), values.end(), value) == values.end()) {
      values.push_back(value);
    }
  }
  return values;
}

// "123 kB" in megabytes (1e6 bytes); -1 when it is no number.
double Megabytes(absl::string_view text) {
  double kilobytes = 0;
  absl::ConsumeSuffix(&text, "kB");
  if (!absl::SimpleAtod(absl::StripAsciiWhitespace(text), &kilobytes)) {
    return -1;
  }
  return kilobytes * 1024 / 1e6;
}

class Examiner {
 public:
  Examiner(Facts facts, const DeviceSpec& spec, int64_t now_s)
      : facts_(std::move(facts)), spec_(spec), now_s_(now_s) {}

  DoctorReport Run() {
    Model();
    System();
    Libc();
    Cpu();
    Governor();
    Clock();
    Temperature();
    Throttling();
    Memory();
    Swap();
    Disk();
    Load();
    Time();
    return std::move(report_);
  }

 private:
  const std::string& Fact(const char* name) { return facts_[name]; }

  void Add(Health health, absl::string_view subject, std::string observation,
           absl::string_view advice = "") {
    report_.findings.push_back({health, std::string(subject),
                                std::move(observation), std::string(advice)});
  }

  void Model() {
    report_.board_model = Fact("model");
    const std::string known =
        absl::StrCat(Fact("model"), " ", Fact("compatible"));
    report_.is_emulated = absl::StrContains(known, "linux,dummy-virt") ||
                          absl::StrContains(known, "qemu");
    const std::string shown =
        report_.board_model.empty() ? "unknown" : report_.board_model;
    if (report_.is_emulated) {
      const bool meant = spec_.kind() == DeviceSpec::EMULATED;
      Add(meant ? Health::kWarn : Health::kFail, "board",
          absl::StrCat(shown, ": an emulated machine"),
          meant ? "its times are the emulator's and are never compared with a "
                  "Pi's"
                : "measure on the board itself: this is a virtual machine");
    } else if (spec_.kind() == DeviceSpec::EMULATED) {
      Add(Health::kFail, "board", absl::StrCat(shown, ": no emulated machine"),
          "use a device spec of kind SSH for a board");
    } else if (!spec_.board().model().empty() &&
               !absl::StrContains(shown, spec_.board().model())) {
      Add(Health::kFail, "board",
          absl::StrCat(shown, " (wanted: ", spec_.board().model(), ")"),
          "name the right host (--host), or use the spec of this board");
    } else {
      Add(Health::kOk, "board", shown);
    }
  }

  void System() {
    report_.is_32_bit = Fact("bits") == "32";
    const std::string shown =
        absl::StrCat(Fact("machine"), ", ", Fact("bits"), "-bit programs");
    const std::string& wanted = spec_.board().machine();
    const bool needs_64 = wanted == "aarch64" || wanted == "x86_64";
    if (report_.is_32_bit && needs_64) {
      Add(Health::kFail, "system", shown,
          "install the 64-bit Raspberry Pi OS Lite (bookworm): a 64-bit kernel "
          "alone does not run 64-bit programs");
    } else if (!wanted.empty() && Fact("machine") != wanted) {
      Add(Health::kFail, "system",
          absl::StrCat(shown, " (wanted: ", wanted, ")"),
          "install a 64-bit system for this board");
    } else {
      Add(Health::kOk, "system", shown);
    }
  }

  void Libc() {
    int major = 0;
    int minor = 0;
    const std::vector<std::string> words = absl::StrSplit(Fact("libc"), ' ');
    const std::vector<std::string> version = absl::StrSplit(words.back(), '.');
    const bool known = words.size() == 2 && words[0] == "glibc" &&
                       version.size() >= 2 &&
                       absl::SimpleAtoi(version[0], &major) &&
                       absl::SimpleAtoi(version[1], &minor);
    if (!known) {
      Add(Health::kFail, "C library",
          Fact("libc").empty() ? "not glibc" : Fact("libc"),
          "install a system with glibc 2.36 or newer: Raspberry Pi OS "
          "bookworm");
    } else if (std::make_pair(major, minor) <
               std::make_pair(kLibcMajor, kLibcMinor)) {
      Add(Health::kFail, "C library",
          absl::StrCat(Fact("libc"), " (wanted: 2.36 or newer)"),
          "install Raspberry Pi OS bookworm: programs built for Debian 12 do "
          "not start on older systems");
    } else {
      Add(Health::kOk, "C library", Fact("libc"));
    }
  }

  void Cpu() {
    const std::vector<std::string> parts =
        ValuesOf(Fact("cpuinfo"), "CPU part");
    const std::string& wanted = spec_.board().cpu_part();
    if (wanted.empty()) return;
    const std::string shown =
        parts.empty() ? "no CPU part is told" : absl::StrJoin(parts, ", ");
    if (parts.size() == 1 && parts[0] == wanted) {
      Add(Health::kOk, "processor", absl::StrCat("part ", shown));
    } else {
      Add(Health::kFail, "processor",
          absl::StrCat("part ", shown, " (wanted: ", wanted, ")"),
          "this is another processor than the spec's: its times belong to "
          "another device");
    }
  }

  void Governor() {
    if (spec_.condition().governor_path().empty()) return;
    const std::string& governor = Fact("governor");
    if (governor == "performance") {
      Add(Health::kOk, "governor", governor);
    } else if (governor.empty()) {
      Add(Health::kWarn, "governor", "not told",
          absl::StrCat("is there ", spec_.condition().governor_path(), "?"));
    } else {
      Add(spec_.kind() == DeviceSpec::LOCAL ? Health::kWarn : Health::kFail,
          "governor", absl::StrCat(governor, " (wanted: performance)"),
          "keep the clock at its maximum: echo performance | sudo tee "
          "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
    }
  }

  void Clock() {
    double now_khz = 0;
    double max_khz = 0;
    if (!absl::SimpleAtod(Fact("clock"), &now_khz) ||
        !absl::SimpleAtod(Fact("max_clock"), &max_khz) || max_khz <= 0) {
      return;
    }
    const std::string shown =
        absl::StrFormat("%.0f of %.0f MHz", now_khz / 1e3, max_khz / 1e3);
    if (now_khz >= 0.99 * max_khz) {
      Add(Health::kOk, "clock", shown);
    } else {
      Add(Health::kWarn, "clock", shown,
          "set the governor to performance; if it is, the board is hot or its "
          "supply is weak");
    }
  }

  void Temperature() {
    if (spec_.condition().temperature_path().empty()) return;
    double thousandths = 0;
    if (!absl::SimpleAtod(Fact("temperature"), &thousandths)) {
      Add(Health::kWarn, "temperature", "not told",
          absl::StrCat("is there ", spec_.condition().temperature_path(), "?"));
      return;
    }
    report_.temperature_celsius = thousandths / 1000;
    const std::string shown =
        absl::StrFormat("%.1f degrees Celsius", report_.temperature_celsius);
    const double hot = spec_.condition().hot_celsius();
    const double cool = spec_.condition().cool_to_celsius();
    if (hot > 0 && report_.temperature_celsius >= hot) {
      Add(Health::kFail, "temperature",
          absl::StrFormat("%s (too hot from %.0f on)", shown, hot),
          "let it cool; add a heat sink or a fan");
    } else if (cool > 0 && report_.temperature_celsius > cool) {
      Add(Health::kWarn, "temperature", shown,
          absl::StrFormat("before each run it has to cool to %.0f: a heat sink "
                          "or a fan saves the time",
                          cool));
    } else {
      Add(Health::kOk, "temperature", shown);
    }
  }

  void Throttling() {
    if (spec_.condition().throttle_command().empty()) return;
    absl::string_view text = Fact("throttle");
    uint32_t flags = 0;
    if (!absl::ConsumePrefix(&text, "throttled=") ||
        !absl::SimpleHexAtoi(text, &flags)) {
      Add(Health::kWarn, "throttling", "not told",
          absl::StrCat("does `",
                       absl::StrJoin(spec_.condition().throttle_command(), " "),
                       "` work for this user? It may have to be in the group "
                       "video"));
      return;
    }
    report_.throttle_flags = flags;
    constexpr uint32_t kNow = 0xf;
    constexpr uint32_t kUnderVoltage = 0x1 | 0x10000;
    if (flags == 0) {
      Add(Health::kOk, "throttling", "none since boot");
      return;
    }
    std::string advice;
    if ((flags & kUnderVoltage) != 0) {
      advice = "use a supply of 5.1 V and 2.5 A with a short, thick cable; ";
    }
    if ((flags & ~kUnderVoltage) != 0) {
      absl::StrAppend(&advice, "cool the board: a heat sink or a fan; ");
    }
    absl::StrAppend(&advice, "then restart it, which clears the flags");
    Add((flags & kNow) != 0 ? Health::kFail : Health::kWarn, "throttling",
        DescribeThrottleFlags(flags), advice);
  }

  void Memory() {
    const double free =
        Megabytes(ValueOf(Fact("meminfo"), "MemAvailable", ':'));
    const double total = Megabytes(ValueOf(Fact("meminfo"), "MemTotal", ':'));
    Room("memory", free, total, spec_.board().free_memory_mb(),
         "end other programs (a desktop above all), or use the Lite system");
  }

  void Disk() {
    // The last line of df -Pk: device, size, used, free, share, folder.
    const std::vector<absl::string_view> lines =
        absl::StrSplit(Fact("disk"), '\n');
    const std::vector<absl::string_view> words =
        absl::StrSplit(lines.back(), ' ', absl::SkipEmpty());
    const bool known = words.size() >= 6;
    Room("disk", known ? Megabytes(words[3]) : -1,
         known ? Megabytes(words[1]) : -1, spec_.board().free_disk_mb(),
         "make room in the work folder's file system");
  }

  void Room(absl::string_view subject, double free_mb, double total_mb,
            int wanted_mb, absl::string_view advice) {
    if (free_mb < 0) {
      Add(Health::kWarn, subject, "not told", "");
      return;
    }
    const std::string shown =
        absl::StrFormat("%.0f of %.0f MB free", free_mb, total_mb);
    if (free_mb < wanted_mb) {
      Add(Health::kFail, subject,
          absl::StrCat(shown, " (wanted: ", wanted_mb, ")"), advice);
    } else {
      Add(Health::kOk, subject, shown);
    }
  }

  void Swap() {
    const double total = Megabytes(ValueOf(Fact("meminfo"), "SwapTotal", ':'));
    const double free = Megabytes(ValueOf(Fact("meminfo"), "SwapFree", ':'));
    if (total <= 0) return;
    const std::string shown =
        absl::StrFormat("%.0f of %.0f MB in use", total - free, total);
    if (total - free > 1) {
      Add(Health::kWarn, "swap", shown,
          "end other programs, then: sudo dphys-swapfile swapoff");
    } else {
      Add(Health::kOk, "swap", shown);
    }
  }

  void Load() {
    double load = 0;
    const std::vector<std::string> words = absl::StrSplit(Fact("load"), ' ');
    if (!absl::SimpleAtod(words[0], &load)) return;
    const std::string shown =
        absl::StrFormat("%.2f over the last minute", load);
    if (load > kHighLoad) {
      Add(Health::kWarn, "load", shown,
          "something else is computing: look with top; just after boot, wait "
          "a minute");
    } else {
      Add(Health::kOk, "load", shown);
    }
  }

  void Time() {
    int64_t there = 0;
    if (!absl::SimpleAtoi(Fact("time"), &there)) return;
    const int64_t skew = std::abs(there - now_s_);
    if (skew > kClockSkewSeconds) {
      Add(Health::kWarn, "time",
          absl::StrFormat("the clocks differ by %d s", skew),
          "let it take the time from the network: timedatectl set-ntp true");
    } else {
      Add(Health::kOk, "time",
          absl::StrFormat("the clocks agree within %d s", kClockSkewSeconds));
    }
  }

  Facts facts_;
  const DeviceSpec& spec_;
  const int64_t now_s_;
  DoctorReport report_;
};

const char* HealthName(Health health) {
  switch (health) {
    case Health::kOk:
      return "OK  ";
    case Health::kWarn:
      return "WARN";
    case Health::kFail:
      return "FAIL";
  }
  return "";
}

}  // namespace

Health DoctorReport::health() const {
  Health worst = Health::kOk;
  for (const Finding& finding : findings) {
    worst = std::max(worst, finding.health);
  }
  return worst;
}

std::string DescribeThrottleFlags(uint32_t flags) {
  const struct {
    uint32_t bit;
    const char* now;
    const char* since_boot;
  } kFlags[] = {
      {0x1, "under-voltage now", "under-voltage since boot"},
      {0x2, "the clock is capped now", "the clock was capped since boot"},
      {0x4, "throttled now", "throttled since boot"},
      {0x8, "at the soft temperature limit now",
       "at the soft temperature limit since boot"},
  };
  std::vector<std::string> words;
  for (const auto& flag : kFlags) {
    if ((flags & flag.bit) != 0) words.push_back(flag.now);
  }
  for (const auto& flag : kFlags) {
    if ((flags & (flag.bit << 16)) != 0) words.push_back(flag.since_boot);
  }
  if ((flags & ~0xf000fu) != 0) {
    words.push_back(absl::StrFormat("unknown flags 0x%x", flags & ~0xf000fu));
  }
  return words.empty() ? "none" : absl::StrJoin(words, "; ");
}

absl::StatusOr<DoctorReport> Examine(absl::string_view facts,
                                     const DeviceSpec& spec, int64_t now_s) {
  YOLOQ_ASSIGN_OR_RETURN(Facts parsed, ParseFacts(facts));
  return Examiner(std::move(parsed), spec, now_s).Run();
}

std::string FormatDoctorReport(const DoctorReport& report) {
  std::string text;
  int count[3] = {};
  for (const Finding& finding : report.findings) {
    ++count[static_cast<int>(finding.health)];
    absl::StrAppend(
        &text, absl::StrFormat("%s  %-12s %s\n", HealthName(finding.health),
                               finding.subject, finding.observation));
    if (!finding.advice.empty()) {
      absl::StrAppend(&text, "                   -> ", finding.advice, "\n");
    }
  }
  absl::StrAppend(&text,
                  count[2] > 0   ? "not fit to measure on"
                  : count[1] > 0 ? "fit to measure on, with reservations"
                                 : "fit to measure on",
                  ": ", count[0], " OK, ", count[1], " WARN, ", count[2],
                  " FAIL\n");
  return text;
}

absl::Status FitToMeasure(const DoctorReport& report,
                          absl::string_view device) {
  std::vector<std::string> reasons;
  for (const Finding& finding : report.findings) {
    if (finding.health != Health::kFail) continue;
    reasons.push_back(absl::StrCat(finding.subject, ": ", finding.observation,
                                   " (", finding.advice, ")"));
  }
  if (reasons.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      device, " is not fit to measure on: ", absl::StrJoin(reasons, "; ")));
}

}  // namespace yoloq
