// A slim model's rows on the emulated board, as on a Pi: pushed, run, fetched,
// compared with the host bit for bit, and labelled.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hw/devices/device_spec.h"
#include "hw/emulated_pi/test_board.h"
#include "hw/remote/device.h"
#include "tests/tiny_run.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// The embedded spec, for this test's instance.
std::string WriteDeviceSpec() {
  const std::string path = JoinPath(TestFolder(), "board.textproto");
  EXPECT_TRUE(
      WriteFileAtomically(
          path,
          absl::StrCat(
              R"pb(
                name: "emulated_pi"
                kind: EMULATED
                work_directory: "~/yoloq"
                board { cpu_part: "0xd03" machine: "aarch64" }
                condition {
                  temperature_path: "/sys/class/thermal/thermal_zone0/temp"
                  throttle_command: "vcgencmd"
                  throttle_command: "get_throttled"
                  hot_celsius: 70
                }
                emulated { instance: ")pb",
              TestBoardInstance(), "\" }"))
          .ok());
  return path;
}

class EmulatedBoardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why_not = WhyNoTestBoard();
    if (!why_not.empty()) GTEST_SKIP() << "skipped: " << why_not;
    const ProcessResult started = RunBoardScript({"start"});
    ASSERT_EQ(started.exit_code, 0) << started.error_output;
    started_ = true;
  }

  void TearDown() override {
    if (!started_) return;
    EXPECT_EQ(RunBoardScript({"stop"}).exit_code, 0);
  }

  bool started_ = false;
};

TEST_F(EmulatedBoardTest, RowsAreMeasuredOnTheBoardAndTiedToTheHost) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 4, 3));
  const std::string device = WriteDeviceSpec();
  profile.mutable_latency()->set_device(device);
  const std::string cache = TestFolder();
  const std::vector<std::string> rows = {"baseline", "ptq", "partial_h"};
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults results,
      RunByName(rows, profile, OptionsFor(cache, "native")));
  for (const RunResult& result : results.results()) {
    SCOPED_TRACE(result.experiment().name());
    const LatencyResult& latency = result.latency();
    EXPECT_EQ(latency.device(), "emulated_pi");
    EXPECT_EQ(latency.engine(), "native");
    EXPECT_THAT(latency.samples_ns(), SizeIs(1));
    EXPECT_TRUE(latency.device_run().emulated());
    EXPECT_EQ(latency.device_run().board_model(), "linux,dummy-virt");
    EXPECT_GT(latency.device_run().peak_memory_bytes(), 1 << 20);
    const DeviceCheck& check = result.device_check();
    EXPECT_EQ(check.images(), 3);
    EXPECT_EQ(check.close_detections(), 3);
  }
  const RunResult int8 = Row(results, "ptq");
  EXPECT_TRUE(int8.device_check().must_be_equal());
  EXPECT_EQ(int8.device_check().equal_heads(), 3);

  // All of it comes from the cache, without a board.
  EXPECT_EQ(RunBoardScript({"stop"}).exit_code, 0);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults again,
      RunByName(rows, profile, OptionsFor(cache, "native")));
  EXPECT_EQ(Row(again, "ptq").latency().samples_ns(0),
            int8.latency().samples_ns(0));

  // And without a board, what is not in the cache says what to do.
  EXPECT_THAT(
      RunByName(rows, profile, OptionsFor(TestFolder(), "native")).status(),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("emulated_pi -- ")));
  started_ = false;
}

TEST_F(EmulatedBoardTest, AThrottledBoardIsRefused) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 4, 3));
  const std::string path = WriteDeviceSpec();
  profile.mutable_latency()->set_device(path);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DeviceSpec spec, LoadDeviceSpec(path));
  {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const auto board, Device::Connect(spec));
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        const CommandResult run,
        board->Run({"sh", "-c", "echo 0x50005 >/run/board/throttled"}));
    ASSERT_EQ(run.exit_code, 0);
  }
  EXPECT_THAT(
      RunByName({"baseline"}, profile, OptionsFor(TestFolder(), "native"))
          .status(),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("under-voltage now")));
}

}  // namespace
}  // namespace yoloq
