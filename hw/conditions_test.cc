#include "hw/conditions.h"

#include <functional>

#include "hw/command_output.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A folder with the files of a device's /proc and /sys.
class FakeDevice {
 public:
  FakeDevice() : root_(TestFolder()) {
    sources_.root = root_;
    sources_.temperature_path = "/sys/temp";
    sources_.governor_path = "/sys/governor";
    sources_.clock_path = "/sys/clock";
    sources_.max_clock_path = "/sys/max_clock";
  }

  void Set(const std::string& path, absl::string_view content) {
    const std::string full = root_ + path;
    EXPECT_TRUE(MakeFolders(full.substr(0, full.rfind('/'))).ok());
    EXPECT_TRUE(WriteFileAtomically(full, content).ok());
  }

  const std::string& root() const { return root_; }
  ConditionSources& sources() { return sources_; }

 private:
  std::string root_;
  ConditionSources sources_;
};

TEST(ConditionsTest, ReadsTheSensors) {
  FakeDevice device;
  device.Set("/sys/temp", "51540\n");
  device.Set("/sys/governor", "ondemand\n");
  device.Set("/sys/clock", "600000\n");
  device.Set("/sys/max_clock", "1400000\n");
  device.sources().throttle_command = {"echo", "throttled=0x50005"};
  const DeviceCondition condition = ReadCondition(device.sources(), true);
  EXPECT_DOUBLE_EQ(condition.temperature_celsius(), 51.54);
  EXPECT_EQ(condition.governor(), "ondemand");
  EXPECT_EQ(condition.clock_khz(), 600000);
  EXPECT_EQ(condition.max_clock_khz(), 1400000);
  EXPECT_EQ(condition.throttled(), 0x50005u);
  EXPECT_FALSE(ReadCondition(device.sources(), false).has_throttled());
}

TEST(ConditionsTest, LeavesUnsetWhatTheDeviceDoesNotTell) {
  FakeDevice device;
  device.Set("/sys/temp", "warm\n");
  device.sources().throttle_command = {"/none/vcgencmd"};
  const DeviceCondition condition = ReadCondition(device.sources(), true);
  EXPECT_FALSE(condition.has_temperature_celsius());
  EXPECT_FALSE(condition.has_governor());
  EXPECT_FALSE(condition.has_clock_khz());
  EXPECT_FALSE(condition.has_throttled());
}

TEST(ConditionsTest, ParsesThrottleFlags) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const uint32_t none,
                             ParseThrottled("throttled=0x0\n"));
  EXPECT_EQ(none, 0u);
  for (const char* text : {"", "throttled=", "throttled=0xzz", "0x1"}) {
    EXPECT_THAT(ParseThrottled(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("is not \"throttled=0x...\"")));
  }
}

TEST(ConditionsTest, IdentifiesABoard) {
  FakeDevice device;
  device.Set("/proc/cpuinfo",
             "processor\t: 0\nFeatures\t: fp asimd crc32\nCPU part\t: 0xd03\n");
  device.Set("/proc/meminfo", "MemTotal:         934000 kB\n");
  device.Set("/proc/device-tree/model",
             absl::string_view("Raspberry Pi 3 Model B Plus Rev 1.3\0", 36));
  const DeviceIdentity identity = ReadDeviceIdentity(device.root());
  EXPECT_EQ(identity.cpu_model(), "0xd03");
  EXPECT_THAT(identity.cpu_features(), ElementsAre("fp", "asimd", "crc32"));
  EXPECT_EQ(identity.memory_bytes(), int64_t{934000} * 1024);
  EXPECT_EQ(identity.board_model(), "Raspberry Pi 3 Model B Plus Rev 1.3");
  EXPECT_FALSE(identity.emulated());
}

TEST(ConditionsTest, LabelsAnEmulatedBoard) {
  FakeDevice device;
  device.Set("/proc/cpuinfo", "CPU part\t: 0xd03\n");
  device.Set("/proc/device-tree/compatible",
             absl::string_view("linux,dummy-virt\0", 17));
  const DeviceIdentity identity = ReadDeviceIdentity(device.root());
  EXPECT_TRUE(identity.emulated());
  EXPECT_THAT(identity.emulated_reason(), HasSubstr("linux,dummy-virt"));
}

TEST(ConditionsTest, CountsBusyTime) {
  FakeDevice device;
  // 100 ticks a second; idle (4th) and waiting (5th) do not count.
  device.Set("/proc/stat",
             "cpu  100 20 30 9999 888 7 3 1 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n");
  EXPECT_DOUBLE_EQ(BusySeconds(device.root()), 1.6);
  EXPECT_LT(BusySeconds(device.root() + "/none"), 0);
}

TEST(ConditionsTest, WaitsUntilCool) {
  FakeDevice device;
  device.Set("/sys/temp", "70000");
  double slept_s = 0;
  const auto sleep = [&](double seconds) {
    slept_s += seconds;
    if (slept_s >= 6) device.Set("/sys/temp", "49900");
  };
  EXPECT_TRUE(WaitToCool(device.sources(), 50, 600, sleep));
  EXPECT_EQ(slept_s, 6);
}

TEST(ConditionsTest, GivesUpCoolingInTime) {
  FakeDevice device;
  device.Set("/sys/temp", "70000");
  double slept_s = 0;
  EXPECT_FALSE(WaitToCool(device.sources(), 50, 10,
                          [&](double seconds) { slept_s += seconds; }));
  EXPECT_EQ(slept_s, 10);
}

TEST(ConditionsTest, DoesNotWaitWithoutASensor) {
  FakeDevice device;
  EXPECT_TRUE(WaitToCool(device.sources(), 50, 10, [](double) { FAIL(); }));
}

// A measurement that counts: cool, at full clock, alone.
LatencyMeasurement Good() {
  LatencyMeasurement good;
  LatencyRepetition* repetition = good.add_repetitions();
  repetition->set_cooled(true);
  DeviceCondition look;
  look.set_temperature_celsius(48);
  look.set_governor("performance");
  look.set_clock_khz(1400000);
  look.set_max_clock_khz(1400000);
  *repetition->add_during() = look;
  look.set_throttled(0);
  *repetition->mutable_before() = look;
  *repetition->mutable_after() = look;
  good.mutable_end_to_end()->set_coefficient_of_variation(0.01);
  return good;
}

ValidityLimits Limits() {
  ValidityLimits limits;
  limits.hot_celsius = 60;
  limits.max_variation = 0.1;
  limits.max_other_load_cores = 0.15;
  return limits;
}

TEST(ValidityTest, AGoodMeasurementCounts) {
  EXPECT_THAT(InvalidReasons(Good(), Limits()), IsEmpty());
}

TEST(ValidityTest, NamesEachReason) {
  const auto with = [](const std::function<void(LatencyRepetition*)>& change) {
    LatencyMeasurement measurement = Good();
    change(measurement.mutable_repetitions(0));
    return InvalidReasons(measurement, Limits());
  };
  EXPECT_THAT(with([](auto* r) { r->set_cooled(false); }),
              ElementsAre(HasSubstr("did not cool")));
  EXPECT_THAT(
      with([](auto* r) { r->mutable_during(0)->set_temperature_celsius(61); }),
      ElementsAre(HasSubstr("too hot: 61.0 degrees")));
  EXPECT_THAT(
      with([](auto* r) { r->mutable_before()->set_governor("ondemand"); }),
      ElementsAre(HasSubstr("governor is ondemand; set it to performance")));
  EXPECT_THAT(
      with([](auto* r) { r->mutable_during(0)->set_clock_khz(1200000); }),
      ElementsAre(HasSubstr("clock fell to 1200 MHz of 1400 MHz")));
  EXPECT_THAT(with([](auto* r) { r->mutable_after()->set_throttled(0x1); }),
              ElementsAre(HasSubstr("throttled (under-voltage)")));
  EXPECT_THAT(with([](auto* r) { r->mutable_after()->set_throttled(0x40000); }),
              ElementsAre(HasSubstr("throttled (throttled)")));
  EXPECT_THAT(with([](auto* r) { r->set_other_load_cores(0.5); }),
              ElementsAre(HasSubstr("used 0.50 cores")));
}

TEST(ValidityTest, WhatHappenedBeforeDoesNotCount) {
  LatencyMeasurement measurement = Good();
  LatencyRepetition* repetition = measurement.mutable_repetitions(0);
  repetition->mutable_before()->set_throttled(0x50000);
  repetition->mutable_after()->set_throttled(0x50000);
  // An idle processor rests.
  repetition->mutable_before()->set_clock_khz(600000);
  EXPECT_THAT(InvalidReasons(measurement, Limits()), IsEmpty());
}

TEST(ValidityTest, ScatteredRunsDoNotCount) {
  LatencyMeasurement measurement = Good();
  measurement.mutable_end_to_end()->set_coefficient_of_variation(0.2);
  EXPECT_THAT(InvalidReasons(measurement, Limits()),
              ElementsAre(HasSubstr("coefficient of variation 0.200")));
  ValidityLimits limits = Limits();
  limits.max_variation = 0;
  EXPECT_THAT(InvalidReasons(measurement, limits), IsEmpty());
}

TEST(CommandOutputTest, SaysWhatFailed) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string output,
                             CommandOutput({"echo", "a  b;c"}));
  EXPECT_EQ(output, "a  b;c\n");
  EXPECT_THAT(CommandOutput({"/none/program"}),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("/none/program: cannot be started")));
  EXPECT_THAT(CommandOutput({"false"}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("failed")));
}

TEST(ValidityTest, AWideIntervalDoesNotCount) {
  LatencyMeasurement measurement = Good();
  measurement.mutable_end_to_end()->set_median_ms(10);
  measurement.mutable_end_to_end()->set_median_low_ms(9);
  measurement.mutable_end_to_end()->set_median_high_ms(12);
  ValidityLimits limits = Limits();
  limits.max_relative_interval = 0.25;
  EXPECT_THAT(InvalidReasons(measurement, limits),
              ElementsAre(HasSubstr("median is 30 % of it, above 25 %")));
  limits.max_relative_interval = 0.35;
  EXPECT_THAT(InvalidReasons(measurement, limits), IsEmpty());
}

}  // namespace
}  // namespace yoloq
