#include "hw/conditions.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "hw/command_output.h"
#include "hw/latency.h"

namespace yoloq {
namespace {

constexpr double kCoolPollSeconds = 2;
constexpr uint32_t kThrottledNow = 0xf;
constexpr int kThrottledSinceBootShift = 16;
// A clock reads a little below its maximum when it is at it.
constexpr double kFullClockShare = 0.98;

// The content of a file of /proc or /sys, whose size the kernel does not tell;
// "" when it cannot be read.
std::string ReadKernelFile(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "re"),
                                                   &fclose);
  std::string content;
  if (file == nullptr) return content;
  char buffer[4096];
  size_t count;
  while ((count = fread(buffer, 1, sizeof(buffer), file.get())) > 0) {
    content.append(buffer, count);
  }
  return content;
}

std::string ReadWord(const ConditionSources& sources, const std::string& path) {
  if (path.empty()) return "";
  return std::string(
      absl::StripAsciiWhitespace(ReadKernelFile(sources.root + path)));
}

// The values of "key : value" lines, first occurrence.
std::map<std::string, std::string> KeyedLines(const std::string& text) {
  std::map<std::string, std::string> values;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    values.emplace(absl::StripAsciiWhitespace(pair.first),
                   absl::StripAsciiWhitespace(pair.second));
  }
  return values;
}

std::string FirstOf(const std::map<std::string, std::string>& values,
                    const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    const auto found = values.find(key);
    if (found != values.end() && !found->second.empty()) return found->second;
  }
  return "";
}

// Why this is no real board; empty when nothing says so.
std::string EmulatedReason(const std::string& board_model,
                           const std::map<std::string, std::string>& cpuinfo) {
  for (const absl::string_view word : {"dummy-virt", "QEMU", "qemu"}) {
    if (absl::StrContains(board_model, word)) {
      return absl::StrCat("the device tree says ", board_model);
    }
  }
  const std::string cpu = FirstOf(cpuinfo, {"model name"});
  if (absl::StrContains(cpu, "QEMU")) {
    return absl::StrCat("the processor says ", cpu);
  }
#if defined(__aarch64__)
  // User-mode emulation shows the host's own processor.
  if (FirstOf(cpuinfo, {"CPU part"}).empty()) {
    return "an aarch64 program runs where /proc/cpuinfo names no ARM part";
  }
#endif
  return "";
}

std::string ThrottleWords(uint32_t bits) {
  const char* const kWords[] = {"under-voltage", "frequency capped",
                                "throttled", "soft temperature limit"};
  std::vector<std::string> words;
  for (int i = 0; i < 4; ++i) {
    if (bits >> i & 1) words.push_back(kWords[i]);
  }
  return absl::StrJoin(words, ", ");
}

// Collects the reasons, each once however many looks show it.
class Reasons {
 public:
  void Add(std::string reason) {
    if (seen_.insert(reason).second) all_.push_back(std::move(reason));
  }
  std::vector<std::string> Take() { return std::move(all_); }

 private:
  std::set<std::string> seen_;
  std::vector<std::string> all_;
};

std::vector<DeviceCondition> AllLooks(const LatencyRepetition& repetition) {
  std::vector<DeviceCondition> looks = {repetition.before()};
  looks.insert(looks.end(), repetition.during().begin(),
               repetition.during().end());
  looks.push_back(repetition.after());
  return looks;
}

void CheckTemperature(const LatencyMeasurement& measurement,
                      const ValidityLimits& limits, Reasons* reasons) {
  double hottest = 0;
  for (const LatencyRepetition& repetition : measurement.repetitions()) {
    for (const DeviceCondition& look : AllLooks(repetition)) {
      hottest = std::max(hottest, look.temperature_celsius());
    }
  }
  if (limits.hot_celsius > 0 && hottest >= limits.hot_celsius) {
    reasons->Add(
        absl::StrFormat("too hot: %.1f degrees Celsius, the limit is %.1f; "
                        "cool the board (heat "
                        "sink, fan)",
                        hottest, limits.hot_celsius));
  }
}

void CheckClock(const LatencyMeasurement& measurement, Reasons* reasons) {
  int64_t slowest = 0;
  int64_t maximum = 0;
  for (const LatencyRepetition& repetition : measurement.repetitions()) {
    for (const DeviceCondition& look : AllLooks(repetition)) {
      if (look.has_governor() && look.governor() != "performance") {
        reasons->Add(absl::StrCat("the frequency governor is ", look.governor(),
                                  "; set it to performance"));
      }
    }
    // Before and after, an idle processor may rest at a lower clock.
    for (const DeviceCondition& look : repetition.during()) {
      if (!look.has_clock_khz() || !look.has_max_clock_khz()) continue;
      if (slowest == 0 || look.clock_khz() < slowest) {
        slowest = look.clock_khz();
        maximum = look.max_clock_khz();
      }
    }
  }
  if (slowest > 0 && slowest < kFullClockShare * maximum) {
    reasons->Add(
        absl::StrFormat("the clock fell to %d MHz of %d MHz; cool the board "
                        "and check its power "
                        "supply",
                        slowest / 1000, maximum / 1000));
  }
}

void CheckThrottle(const LatencyMeasurement& measurement, Reasons* reasons) {
  uint32_t now = 0;
  uint32_t since = 0;
  for (const LatencyRepetition& repetition : measurement.repetitions()) {
    now |= (repetition.before().throttled() | repetition.after().throttled()) &
           kThrottledNow;
    since |=
        (repetition.after().throttled() & ~repetition.before().throttled()) >>
            kThrottledSinceBootShift &
        kThrottledNow;
  }
  if ((now | since) != 0) {
    reasons->Add(absl::StrCat(
        "throttled (", ThrottleWords(now | since),
        "); use a power supply of 5.1 V and 2.5 A, and cool the board"));
  }
}

void CheckScatter(const LatencySamples& samples, const ValidityLimits& limits,
                  Reasons* reasons) {
  const char* const kAdvice = "leave the device to this program and run again";
  const double variation = samples.coefficient_of_variation();
  if (limits.max_variation > 0 && variation > limits.max_variation) {
    reasons->Add(
        absl::StrFormat("the runs vary too much: coefficient of variation "
                        "%.3f, the limit is %.3f; %s",
                        variation, limits.max_variation, kAdvice));
  }
  const std::string wide = WideIntervalReason(
      samples.median_ms(), samples.median_low_ms(), samples.median_high_ms(),
      limits.max_relative_interval);
  if (!wide.empty()) reasons->Add(absl::StrCat(wide, "; ", kAdvice));
}

void CheckLoad(const LatencyMeasurement& measurement,
               const ValidityLimits& limits, Reasons* reasons) {
  double most = 0;
  for (const LatencyRepetition& repetition : measurement.repetitions()) {
    most = std::max(most, repetition.other_load_cores());
  }
  if (most > limits.max_other_load_cores) {
    reasons->Add(absl::StrFormat(
        "other programs used %.2f cores, the limit is %.2f; stop them", most,
        limits.max_other_load_cores));
  }
}

}  // namespace

DeviceIdentity ReadDeviceIdentity(const std::string& root) {
  DeviceIdentity identity;
  struct utsname system;
  if (uname(&system) == 0) {
    identity.set_host_name(system.nodename);
    identity.set_architecture(system.machine);
    identity.set_kernel(absl::StrCat(system.sysname, " ", system.release));
  }
  const std::map<std::string, std::string> cpuinfo =
      KeyedLines(ReadKernelFile(root + "/proc/cpuinfo"));
  identity.set_cpu_model(FirstOf(cpuinfo, {"model name", "CPU part"}));
  for (const absl::string_view feature : absl::StrSplit(
           FirstOf(cpuinfo, {"Features", "flags"}), ' ', absl::SkipEmpty())) {
    identity.add_cpu_features(std::string(feature));
  }
  identity.set_cpu_count(static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
  int64_t kilobytes = 0;
  const std::string total =
      FirstOf(KeyedLines(ReadKernelFile(root + "/proc/meminfo")), {"MemTotal"});
  if (absl::SimpleAtoi(absl::StripSuffix(total, " kB"), &kilobytes)) {
    identity.set_memory_bytes(kilobytes * 1024);
  }
  std::string board = ReadKernelFile(root + "/proc/device-tree/model");
  // Device tree strings end with a zero byte.
  board.erase(std::remove(board.begin(), board.end(), '\0'), board.end());
  if (board.empty()) {
    board = ReadKernelFile(root + "/proc/device-tree/compatible");
    std::replace(board.begin(), board.end(), '\0', ' ');
  }
  identity.set_board_model(std::string(absl::StripAsciiWhitespace(board)));
  identity.set_emulated_reason(EmulatedReason(identity.board_model(), cpuinfo));
  identity.set_emulated(!identity.emulated_reason().empty());
  return identity;
}

DeviceCondition ReadCondition(const ConditionSources& sources,
                              bool with_throttle) {
  DeviceCondition condition;
  condition.set_at_ns(std::chrono::steady_clock::now().time_since_epoch() /
                      std::chrono::nanoseconds(1));
  int64_t number = 0;
  if (absl::SimpleAtoi(ReadWord(sources, sources.temperature_path), &number)) {
    condition.set_temperature_celsius(static_cast<double>(number) / 1000);
  }
  const std::string governor = ReadWord(sources, sources.governor_path);
  if (!governor.empty()) condition.set_governor(governor);
  if (absl::SimpleAtoi(ReadWord(sources, sources.clock_path), &number)) {
    condition.set_clock_khz(number);
  }
  if (absl::SimpleAtoi(ReadWord(sources, sources.max_clock_path), &number)) {
    condition.set_max_clock_khz(number);
  }
  if (with_throttle && !sources.throttle_command.empty()) {
    const absl::StatusOr<std::string> output =
        CommandOutput(sources.throttle_command);
    const absl::StatusOr<uint32_t> flags =
        output.ok() ? ParseThrottled(*output) : output.status();
    if (flags.ok()) condition.set_throttled(*flags);
  }
  return condition;
}

absl::StatusOr<uint32_t> ParseThrottled(absl::string_view text) {
  absl::string_view digits = absl::StripAsciiWhitespace(text);
  uint32_t flags = 0;
  if (!absl::ConsumePrefix(&digits, "throttled=0x") ||
      !absl::SimpleHexAtoi(digits, &flags)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not \"throttled=0x...\""));
  }
  return flags;
}

double BusySeconds(const std::string& root) {
  const std::string stat = ReadKernelFile(root + "/proc/stat");
  const absl::string_view line(stat.data(),
                               std::min(stat.find('\n'), stat.size()));
  const std::vector<absl::string_view> fields =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  // cpu user nice system idle iowait irq softirq steal ...
  if (fields.size() < 8 || fields[0] != "cpu") return -1;
  int64_t ticks = 0;
  for (const int field : {1, 2, 3, 6, 7}) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(fields[field], &number)) return -1;
    ticks += number;
  }
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

bool WaitToCool(const ConditionSources& sources, double celsius,
                double timeout_s, const std::function<void(double)>& sleep) {
  for (double waited = 0;; waited += kCoolPollSeconds) {
    const DeviceCondition condition =
        ReadCondition(sources, /*with_throttle=*/false);
    if (!condition.has_temperature_celsius() ||
        condition.temperature_celsius() <= celsius) {
      return true;
    }
    if (waited >= timeout_s) return false;
    sleep(kCoolPollSeconds);
  }
}

std::vector<std::string> InvalidReasons(const LatencyMeasurement& measurement,
                                        const ValidityLimits& limits) {
  Reasons reasons;
  for (const LatencyRepetition& repetition : measurement.repetitions()) {
    if (!repetition.cooled()) {
      reasons.Add(
          "did not cool to the temperature asked for in time; cool the board "
          "(heat sink, fan) or ask for a higher one");
    }
  }
  CheckTemperature(measurement, limits, &reasons);
  CheckClock(measurement, &reasons);
  CheckThrottle(measurement, &reasons);
  CheckLoad(measurement, limits, &reasons);
  CheckScatter(measurement.end_to_end(), limits, &reasons);
  return reasons.Take();
}

}  // namespace yoloq
