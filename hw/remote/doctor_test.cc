#include "hw/remote/doctor.h"

#include "hw/devices/device_spec.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kNow = 1'790'000'000;

// What a Raspberry Pi 3B+ fit to measure on tells. The sections that a test
// changes come with their values as arguments.
struct Board {
  std::string machine = "aarch64";
  std::string bits = "64";
  std::string libc = "glibc 2.36";
  std::string model = "Raspberry Pi 3 Model B Plus Rev 1.3";
  std::string cpu_part = "0xd03";
  std::string temperature = "45084";
  std::string governor = "performance";
  std::string clock = "1400000";
  std::string throttle = "throttled=0x0";
  std::string available_kb = "780124";
  std::string swap_free_kb = "102396";
  std::string free_disk_kb = "25165824";
  std::string load = "0.04 0.10 0.05 1/130 812";
  int64_t time_s = kNow + 2;

  std::string Facts() const {
    return absl::StrCat(
        "== machine\n", machine, "\n\n== bits\n", bits, "\n\n== libc\n", libc,
        "\n\n== model\n", model,
        "\n\n== compatible\nraspberrypi,3-model-b-plusbrcm,bcm2837\n"
        "\n== cpuinfo\nprocessor\t: 0\nBogoMIPS\t: 38.40\n"
        "Features\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n"
        "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: ",
        cpu_part,
        "\nCPU revision\t: 4\n\nprocessor\t: 1\nCPU part\t: ", cpu_part,
        "\n\nRevision\t: a020d3\n\n== os\nID=debian\n\n== "
        "temperature\n",
        temperature, "\n\n== governor\n", governor, "\n\n== clock\n", clock,
        "\n\n== max_clock\n1400000\n\n== throttle\n", throttle,
        "\n\n== meminfo\nMemTotal:         930000 kB\nMemFree:          "
        "600000 kB\nMemAvailable:     ",
        available_kb,
        " kB\nSwapTotal:        102396 kB\nSwapFree:         ", swap_free_kb,
        " kB\n\n== disk\nFilesystem     1024-blocks    Used Available Capacity "
        "Mounted on\n/dev/mmcblk0p2    30000000 3000000  ",
        free_disk_kb, "      12% /\n\n== load\n", load, "\n\n== time\n", time_s,
        "\n\n");
  }
};

DoctorReport ExamineBoard(const Board& board,
                          const std::string& device = "pi3bplus") {
  auto report = Examine(board.Facts(), *LoadDeviceSpec(device), kNow);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : DoctorReport();
}

Finding Find(const DoctorReport& report, const std::string& subject) {
  for (const Finding& finding : report.findings) {
    if (finding.subject == subject) return finding;
  }
  ADD_FAILURE() << "no finding about " << subject;
  return {};
}

TEST(Doctor, AGoodBoardIsFit) {
  const DoctorReport report = ExamineBoard({});
  EXPECT_EQ(report.health(), Health::kOk) << FormatDoctorReport(report);
  EXPECT_EQ(report.board_model, "Raspberry Pi 3 Model B Plus Rev 1.3");
  EXPECT_FALSE(report.is_emulated);
  EXPECT_DOUBLE_EQ(report.temperature_celsius, 45.084);
  YOLOQ_ASSERT_OK(FitToMeasure(report, "pi3bplus"));
  EXPECT_THAT(FormatDoctorReport(report),
              AllOf(HasSubstr("OK    governor     performance\n"),
                    HasSubstr("OK    memory       799 of 952 MB free\n"),
                    HasSubstr("fit to measure on: 13 OK, 0 WARN, 0 FAIL\n")));
}

TEST(Doctor, EachFaultIsFoundWithAdvice) {
  const struct {
    void (*spoil)(Board*);
    const char* subject;
    Health health;
    const char* observation;
    const char* advice;
  } kCases[] = {
      {[](Board* b) { b->model = "Raspberry Pi 4 Model B Rev 1.4"; }, "board",
       Health::kFail, "wanted: Raspberry Pi 3 Model B Plus", "--host"},
      {[](Board* b) { b->model = "linux,dummy-virt"; }, "board", Health::kFail,
       "an emulated machine", "on the board itself"},
      // A 64-bit kernel under the 32-bit system: the default of old cards.
      {[](Board* b) { b->bits = "32"; }, "system", Health::kFail,
       "aarch64, 32-bit programs", "64-bit Raspberry Pi OS Lite"},
      {[](Board* b) { b->machine = "armv7l", b->bits = "32"; }, "system",
       Health::kFail, "armv7l", "64-bit"},
      {[](Board* b) { b->libc = "glibc 2.31"; }, "C library", Health::kFail,
       "glibc 2.31 (wanted: 2.36 or newer)", "bookworm"},
      {[](Board* b) { b->libc = ""; }, "C library", Health::kFail, "not glibc",
       "bookworm"},
      {[](Board* b) { b->cpu_part = "0xd08"; }, "processor", Health::kFail,
       "part 0xd08 (wanted: 0xd03)", "another processor"},
      {[](Board* b) { b->governor = "ondemand"; }, "governor", Health::kFail,
       "ondemand (wanted: performance)", "scaling_governor"},
      {[](Board* b) { b->governor = ""; }, "governor", Health::kWarn,
       "not told", "cpufreq"},
      {[](Board* b) { b->clock = "600000"; }, "clock", Health::kWarn,
       "600 of 1400 MHz", "governor"},
      {[](Board* b) { b->temperature = "55100"; }, "temperature", Health::kWarn,
       "55.1 degrees", "cool to 50"},
      {[](Board* b) { b->temperature = "71000"; }, "temperature", Health::kFail,
       "too hot from 60 on", "heat sink"},
      {[](Board* b) { b->temperature = ""; }, "temperature", Health::kWarn,
       "not told", "thermal_zone0"},
      {[](Board* b) { b->throttle = "throttled=0x50005"; }, "throttling",
       Health::kFail, "under-voltage now; throttled now", "5.1 V"},
      {[](Board* b) { b->throttle = "throttled=0x50000"; }, "throttling",
       Health::kWarn, "under-voltage since boot; throttled since boot",
       "restart"},
      {[](Board* b) { b->throttle = "throttled=0x80008"; }, "throttling",
       Health::kFail, "soft temperature limit now", "cool the board"},
      {[](Board* b) { b->throttle = "VCHI initialization failed"; },
       "throttling", Health::kWarn, "not told", "group video"},
      {[](Board* b) { b->available_kb = "200000"; }, "memory", Health::kFail,
       "205 of 952 MB free (wanted: 600)", "desktop"},
      {[](Board* b) { b->free_disk_kb = "100000"; }, "disk", Health::kFail,
       "102 of 30720 MB free (wanted: 700)", "make room"},
      {[](Board* b) { b->swap_free_kb = "50000"; }, "swap", Health::kWarn,
       "54 of 105 MB in use", "swapoff"},
      {[](Board* b) { b->load = "2.31 1.00 0.50 2/140 900"; }, "load",
       Health::kWarn, "2.31", "top"},
      {[](Board* b) { b->time_s = kNow - 86'400; }, "time", Health::kWarn,
       "differ by 86400 s", "timedatectl"},
  };
  for (const auto& c : kCases) {
    Board board;
    c.spoil(&board);
    const DoctorReport report = ExamineBoard(board);
    const Finding finding = Find(report, c.subject);
    EXPECT_EQ(finding.health, c.health) << c.observation;
    EXPECT_THAT(finding.observation, HasSubstr(c.observation));
    EXPECT_THAT(finding.advice, HasSubstr(c.advice)) << c.observation;
    // Nothing else is blamed.
    int blamed = 0;
    for (const Finding& other : report.findings) {
      blamed += other.health != Health::kOk;
    }
    EXPECT_EQ(blamed, 1) << FormatDoctorReport(report);
    if (c.health == Health::kFail) {
      EXPECT_THAT(FitToMeasure(report, "pi3bplus"),
                  StatusIs(absl::StatusCode::kFailedPrecondition,
                           AllOf(HasSubstr("pi3bplus is not fit to measure on"),
                                 HasSubstr(c.observation))));
    } else {
      YOLOQ_ASSERT_OK(FitToMeasure(report, "pi3bplus"));
    }
  }
}

TEST(Doctor, AnEmulatedBoardIsNeverAPi) {
  Board board;
  board.model = "linux,dummy-virt";
  const DoctorReport meant = ExamineBoard(board, "emulated_pi");
  EXPECT_TRUE(meant.is_emulated);
  EXPECT_EQ(Find(meant, "board").health, Health::kWarn);
  EXPECT_TRUE(ExamineBoard(board, "pi3bplus").is_emulated);
  // Nor is a board taken for the emulated one.
  EXPECT_EQ(Find(ExamineBoard({}, "emulated_pi"), "board").health,
            Health::kFail);
}

TEST(Doctor, ThrottleFlagsInWords) {
  EXPECT_EQ(DescribeThrottleFlags(0), "none");
  EXPECT_EQ(DescribeThrottleFlags(0x2), "the clock is capped now");
  EXPECT_EQ(DescribeThrottleFlags(0x20000), "the clock was capped since boot");
  EXPECT_EQ(DescribeThrottleFlags(0x100001),
            "under-voltage now; unknown flags 0x100000");
}

TEST(Doctor, OtherTextIsRefused) {
  EXPECT_THAT(
      Examine("bash: getconf: not found\n", *LoadDeviceSpec("host"), 0),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no facts of a device")));
}

}  // namespace
}  // namespace yoloq
