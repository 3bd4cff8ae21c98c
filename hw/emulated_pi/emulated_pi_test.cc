// Boots the emulated board and does on it what is done on a Pi.
#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "hw/devices/device_spec.h"
#include "hw/emulated_pi/test_board.h"
#include "hw/remote/device.h"
#include "hw/remote/emulated_board.h"
#include "hw/remote/ssh_connection.h"
#include "hw/remote/subprocess.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Small enough for a test to fill.
constexpr int kDiskMegabytes = 64;

// One board for all tests: it takes seconds to boot.
class EmulatedPiTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    *why_skipped_ = WhyNoTestBoard();
    if (!why_skipped_->empty()) return;
    const ProcessResult started =
        RunBoardScript({absl::StrCat("--disk_mb=", kDiskMegabytes),
                        "--extra_disk=hw/emulated_pi/guest", "start"});
    ASSERT_EQ(started.exit_code, 0) << started.error_output;
    Connect();
  }

  // Anew: one locked connection serves all tests, as calls take a second each.
  static void Connect() {
    device_.reset();
    YOLOQ_ASSERT_OK_AND_ASSIGN(spec_, LoadDeviceSpec("emulated_pi"));
    spec_.mutable_emulated()->set_instance(TestBoardInstance());
    spec_.mutable_board()->set_free_disk_mb(10);
    YOLOQ_ASSERT_OK_AND_ASSIGN(device_, Device::Connect(spec_));
    YOLOQ_ASSERT_OK(device_->Lock("a test"));
  }

  static void TearDownTestSuite() {
    if (!why_skipped_->empty()) return;
    device_.reset();
    EXPECT_EQ(RunBoardScript({"stop"}).exit_code, 0);
    EXPECT_FALSE(PathExists(StateFolder()));
    EXPECT_EQ(RunBoardScript({"status"}).exit_code, 3);
  }

  void SetUp() override {
    if (!why_skipped_->empty()) GTEST_SKIP() << "skipped: " << *why_skipped_;
    ASSERT_NE(device_, nullptr);
  }

  static std::string StateFolder() {
    return absl::StrCat(EmulatedBoardFolder(), "/instances/",
                        TestBoardInstance());
  }

  CommandResult Shell(const std::string& script,
                      const RunOptions& options = {}) {
    auto result = device_->Run({"sh", "-c", script}, options);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : CommandResult();
  }

  // Examines the board after `spoil`, then undoes it by `restore`.
  DoctorReport Examine(const std::string& spoil, const std::string& restore) {
    EXPECT_EQ(Shell(spoil).exit_code, 0);
    auto report = device_->Examine();
    EXPECT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(Shell(restore).exit_code, 0);
    return report.ok() ? *report : DoctorReport();
  }

  static std::string* const why_skipped_;
  static DeviceSpec spec_;
  static std::unique_ptr<Device> device_;
};

std::string* const EmulatedPiTest::why_skipped_ = new std::string;
DeviceSpec EmulatedPiTest::spec_;
std::unique_ptr<Device> EmulatedPiTest::device_;

TEST_F(EmulatedPiTest, IsFitAndNoPi) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DoctorReport report, device_->Examine());
  EXPECT_TRUE(report.is_emulated);
  EXPECT_EQ(report.board_model, "linux,dummy-virt");
  YOLOQ_ASSERT_OK(FitToMeasure(report, "emulated_pi"));
  // The same board through the Pi's spec is refused.
  DeviceSpec pi = *LoadDeviceSpec("pi3bplus");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string facts, device_->GatherFacts());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DoctorReport as_pi,
                             ::yoloq::Examine(facts, pi, 0));
  EXPECT_THAT(FitToMeasure(as_pi, "pi3bplus"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("an emulated machine")));
}

TEST_F(EmulatedPiTest, ThrottledAndHotBoardsAreRefused) {
  const DoctorReport report = Examine(
      "vcgencmd get_throttled; echo 0x50005 >/run/board/throttled; "
      "echo 82100 >/sys/class/thermal/thermal_zone0/temp; "
      "cd /sys/devices/system/cpu/cpu0/cpufreq; echo ondemand "
      ">scaling_governor",
      "echo 0x0 >/run/board/throttled; "
      "echo 48312 >/sys/class/thermal/thermal_zone0/temp; "
      "cd /sys/devices/system/cpu/cpu0/cpufreq; echo performance "
      ">scaling_governor");
  EXPECT_EQ(report.throttle_flags, 0x50005);
  EXPECT_THAT(FitToMeasure(report, "emulated_pi"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("under-voltage now; throttled now"),
                             HasSubstr("82.1 degrees"),
                             HasSubstr("ondemand (wanted: performance)"))));
}

TEST_F(EmulatedPiTest, PushesRunsAndPulls) {
  const std::string folder = TestFolder();
  const std::string script = folder + "/script";
  YOLOQ_ASSERT_OK(WriteFileAtomically(
      script, "#!/bin/sh\nuname -m\necho result >\"$1\"\nexit 7\n"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const PushReport report,
      device_->Push({{script, "bin/it's a script", true}}));
  EXPECT_EQ(report.files_sent, 1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const CommandResult run,
                             device_->Run({"bin/it's a script", "$(result)"}));
  EXPECT_EQ(run.exit_code, 7);
  EXPECT_EQ(run.output, "aarch64\n");
  YOLOQ_ASSERT_OK(device_->Pull("$(result)", folder + "/result"));
  EXPECT_EQ(*ReadFile(folder + "/result"), "result\n");
  EXPECT_EQ(Shell("kill -SEGV $$").signal, SIGSEGV);
  // The second disk.
  EXPECT_EQ(Shell("cat /media/vcgencmd; ! echo x >/media/x").output,
            *ReadFile("hw/emulated_pi/guest/vcgencmd"));
}

TEST_F(EmulatedPiTest, RefusesAProgramOfThisMachine) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(std::string elf, ReadFile("/proc/self/exe"));
  elf.resize(4096);
  const std::string path = TestFolder() + "/program";
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, elf));
  YOLOQ_ASSERT_OK(device_->Push({{path, "program", true}}));
#if defined(__x86_64__)
  EXPECT_THAT(
      device_->Run({"./program"}),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("./program is built for x86-64; here is aarch64")));
#endif
}

TEST_F(EmulatedPiTest, SaysThatMemoryRanOut) {
  // tail keeps its last line, and this one has no end.
  YOLOQ_ASSERT_OK_AND_ASSIGN(const CommandResult run,
                             device_->Run({"tail", "/dev/zero"}));
  EXPECT_EQ(run.signal, SIGKILL);
  EXPECT_TRUE(run.out_of_memory);
  EXPECT_THAT(RunStatus(run, "tail"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("out of memory")));
}

TEST_F(EmulatedPiTest, SaysThatTheDiskIsFull) {
  const std::string path = TestFolder() + "/large";
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "x"));
  std::filesystem::resize_file(path, kDiskMegabytes << 20);
  EXPECT_THAT(device_->Push({{path, "large"}}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("disk is full"),
                             HasSubstr("67.1 MB are to be sent"))));
  // A run that fills the disk still tells how it ended.
  const CommandResult run = Shell("exec cat /dev/zero >filler");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.error_output, HasSubstr("No space left on device"));
  EXPECT_THAT(device_->Run({"true"}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("disk is full")));
  YOLOQ_ASSERT_OK(device_->Clean());
  Connect();
  EXPECT_EQ(Shell("true").exit_code, 0);
}

TEST_F(EmulatedPiTest, ARunOutlivesItsConnection) {
  device_.reset();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const SshSpec ssh,
      FindEmulatedBoard(EmulatedBoardFolder(), TestBoardInstance()));
  YOLOQ_ASSERT_OK_AND_ASSIGN(auto connection, SshConnection::Open(ssh));
  SshConnection* const raw = connection.get();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      device_, Device::ConnectThrough(spec_, std::move(connection)));
  RunOptions options;
  options.on_line = [&](OutputStream, absl::string_view line) {
    if (line == "1") kill(raw->master_pid(), SIGKILL);
  };
  const CommandResult run = Shell("echo 1; sleep 1; echo 2; exit 4", options);
  EXPECT_EQ(run.exit_code, 4);
  EXPECT_EQ(run.output, "1\n2\n");
  EXPECT_EQ(run.reconnects, 1);
  Connect();
}

TEST_F(EmulatedPiTest, StartsOnceAndCleansUpTheStale) {
  const ProcessResult again = RunBoardScript({"start"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.output, HasSubstr("runs already, on port"));
  EXPECT_THAT(RunBoardScript({"status"}).output,
              HasSubstr(absl::StrCat(TestBoardInstance(), " runs, on port")));
  // An instance whose process has ended without a word.
  const std::string stale = StateFolder() + "_stale";
  YOLOQ_ASSERT_OK(MakeFolders(stale));
  YOLOQ_ASSERT_OK(WriteFileAtomically(stale + "/pid", "999999999\n"));
  EXPECT_THAT(RunBoardScript({"status"}).output,
              HasSubstr("_stale is what an ended instance left"));
  EXPECT_EQ(
      RunBoardScript(
          {absl::StrCat("--instance=", TestBoardInstance(), "_stale"), "stop"})
          .exit_code,
      0);
  EXPECT_FALSE(PathExists(stale));
}

TEST(EmulatedPiScript, RefusesWhatItDoesNotKnow) {
  for (const auto& [words, message] :
       std::vector<std::pair<std::string, std::string>>{
           {"--colour=red start", "unknown option '--colour=red'"},
           {"begin", "unknown verb 'begin'"},
           {"start stop", "one verb only"},
           {"--disk_mb=big start", "--disk_mb: 'big' is no number"},
           {"--extra_disk=/none start", "there is no /none"},
           {"--instance=../x start", "is not made of letters"}}) {
    const ProcessResult result = RunBoardScript(absl::StrSplit(words, ' '));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.error_output, HasSubstr(message));
  }
}

}  // namespace
}  // namespace yoloq
