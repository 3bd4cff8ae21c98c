// hw/bench as a user or the driver runs it: on the host, and the device's own
// build of it under emulation.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "eval/random.h"
#include "hw/measurement.pb.h"
#include "hw/ppm.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "quant/deployable.h"
#include "quant/random_deployable.h"
#include "tests/run_program.h"
#include "tools/base/binary_proto.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

constexpr char kHost[] = "hw/bench";
constexpr char kEmulated[] = "hw/bench_emulated";

class BenchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteModel(0.1, 64, INT8);
    Write("a.ppm", RandomPpm(90, 50, 1));
    Write("b.ppm", RandomPpm(33, 77, 2));
    Write("list.txt", "a.ppm\nb.ppm\n");
  }

  // slim.yoloq: a YOLOv3 of that width, all of it in one precision.
  void WriteModel(double width, int input_size, Precision precision) {
    Yolov3Options options;
    options.width = width;
    options.input_size = input_size;
    const Graph graph = WithoutBatchNorm(*BuildYolov3(options));
    QuantizationSpec spec;
    spec.set_weights(QuantizationSpec::PER_CHANNEL);
    spec.set_leaky(QuantizationSpec::FUSED);
    spec.set_concat(QuantizationSpec::REQUANTIZE);
    Write("slim.yoloq",
          RandomDeployable(
              graph, PrecisionByPart(graph, precision, precision, precision),
              spec, /*seed=*/3));
  }

  static std::string RandomPpm(int width, int height, uint64_t seed) {
    Picture picture{width, height, std::vector<uint8_t>(3 * width * height)};
    Random random(seed);
    for (uint8_t& byte : picture.rgb)
      byte = static_cast<uint8_t>(random.Next());
    return EncodePpm(picture);
  }

  std::string Path(const std::string& name) const {
    return JoinPath(folder_, name);
  }

  void Write(const std::string& name, absl::string_view content) const {
    ASSERT_TRUE(WriteFileAtomically(Path(name), content).ok());
  }

  std::vector<std::string> Command(const std::string& program,
                                   const std::string& mode) const {
    return {program,
            absl::StrCat("--mode=", mode),
            absl::StrCat("--model=", Path("slim.yoloq")),
            absl::StrCat("--images=", Path("list.txt")),
            absl::StrCat("--result=", Path("result.pb")),
            "--engine=native",
            "--warmup_runs=1",
            "--min_runs=2",
            "--min_seconds=0",
            "--repetitions=2",
            "--score_threshold=0.1"};
  }

  // The result of a run that succeeds.
  MeasurementResult Measure(const std::string& program,
                            const std::string& mode) const {
    const ProgramOutcome outcome = RunProgram(Command(program, mode));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    MeasurementResult result;
    const absl::Status read = ReadBinaryProto(Path("result.pb"), &result);
    EXPECT_TRUE(read.ok()) << read.ToString();
    return result;
  }

  // What a run says that fails and leaves no result.
  std::string Failure(std::vector<std::string> command, int exit_code) const {
    const ProgramOutcome outcome = RunProgram(command);
    EXPECT_EQ(outcome.exit_code, exit_code);
    EXPECT_FALSE(PathExists(Path("result.pb")));
    return outcome.standard_error;
  }

  std::string folder_ = TestFolder();
};

TEST_F(BenchTest, Fp32WinogradCanBeSwitchedOff) {
  WriteModel(0.25, 96, FP32);
  const auto heads = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> command = Command(kHost, "accuracy");
    command.insert(command.end(), flags.begin(), flags.end());
    const ProgramOutcome outcome = RunProgram(command);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    MeasurementResult result;
    EXPECT_TRUE(ReadBinaryProto(Path("result.pb"), &result).ok());
    return result.accuracies(0).heads_sha256();
  };
  // It rounds otherwise.
  EXPECT_NE(heads({}), heads({"--fp32_winograd=false"}));
}

TEST_F(BenchTest, TheDeviceDetectsWhatTheHostDetects) {
  const MeasurementResult host = Measure(kHost, "accuracy");
  const MeasurementResult device = Measure(kEmulated, "accuracy");
  ASSERT_EQ(host.accuracies_size(), 1);
  ASSERT_EQ(device.accuracies_size(), 1);
  ASSERT_EQ(host.accuracies(0).images_size(), 2);
  EXPECT_EQ(host.accuracies(0).images(0).detections().image_id(), "a");
  // Not the digests of nothing.
  EXPECT_GT(host.accuracies(0).images(0).detections().objects_size(), 0);
  EXPECT_GT(host.accuracies(0).images(1).detections().objects_size(), 0);
  EXPECT_NE(host.accuracies(0).images(0).heads_sha256(),
            host.accuracies(0).images(1).heads_sha256());
  EXPECT_EQ(host.accuracies(0).heads_sha256(),
            device.accuracies(0).heads_sha256());
  EXPECT_EQ(host.accuracies(0).detections_sha256(),
            device.accuracies(0).detections_sha256());
  EXPECT_EQ(host.accuracies(0).model().sha256(),
            device.accuracies(0).model().sha256());
  EXPECT_EQ(device.device().architecture(), "aarch64");
  EXPECT_TRUE(device.device().emulated());
  EXPECT_NE(host.program_sha256(), device.program_sha256());
}

TEST_F(BenchTest, LatencyModeComputesWhatAccuracyModeDoes) {
  const MeasurementResult accuracy = Measure(kHost, "accuracy");
  for (const char* program : {kHost, kEmulated}) {
    const MeasurementResult latency = Measure(program, "latency");
    ASSERT_EQ(latency.latencies_size(), 1);
    const LatencyMeasurement& measured = latency.latencies(0);
    EXPECT_EQ(measured.image_id(), "a");
    EXPECT_EQ(measured.heads_sha256(),
              accuracy.accuracies(0).images(0).heads_sha256());
    EXPECT_EQ(measured.detections_sha256(),
              accuracy.accuracies(0).images(0).detections_sha256());
    EXPECT_EQ(measured.repetitions_size(), 2);
    EXPECT_EQ(measured.end_to_end().samples_ns_size(), 4);
    EXPECT_GT(measured.inference().median_ms(), 0);
    EXPECT_GT(measured.peak_memory_bytes(), 1 << 20);
  }
}

TEST_F(BenchTest, ConfigurationsTakeTurns) {
  std::vector<std::string> command = Command(kHost, "latency");
  command.push_back("--threads=1,2");
  const ProgramOutcome outcome = RunProgram(command);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  size_t at = 0;
  for (const char* row : {"threads:1/turn:1", "threads:2/turn:1",
                          "threads:1/turn:2", "threads:2/turn:2"}) {
    at = outcome.standard_output.find(row, at);
    EXPECT_NE(at, std::string::npos) << row;
  }
}

TEST_F(BenchTest, SaysWhatIsWrongAndLeavesNothing) {
  std::vector<std::string> command = Command(kHost, "latency");
  command.push_back(absl::StrCat("--model=", Path("none.yoloq")));
  EXPECT_THAT(Failure(command, 1), HasSubstr("none.yoloq: cannot be opened"));

  const std::string model = *ReadFile(Path("slim.yoloq"));
  Write("short.yoloq", absl::string_view(model).substr(0, model.size() / 2));
  command.push_back(absl::StrCat("--model=", Path("short.yoloq")));
  EXPECT_THAT(Failure(command, 1), HasSubstr("short.yoloq: is truncated"));

  command = Command(kHost, "accuracy");
  Write("c.ppm", "JPEG");
  command.push_back(absl::StrCat("--images=", Path("c.ppm")));
  EXPECT_THAT(Failure(command, 1), HasSubstr("c.ppm: is no binary PPM"));

  command = Command(kHost, "accuracy");
  command.push_back("--engine=warp");
  EXPECT_THAT(
      Failure(command, 2),
      HasSubstr("--engine: engine 'warp' is not known here; there are "));

  command = Command(kHost, "latency");
  command.push_back("--threads=0");
  EXPECT_THAT(Failure(command, 2), HasSubstr("--threads: 0 is not in [1, 64]"));

  command = Command(kHost, "accuracy");
  command.push_back("--result=/none/result.pb");
  EXPECT_THAT(Failure(command, 1), HasSubstr("/none is no folder"));
}

TEST_F(BenchTest, AFullDiskLeavesNoResult) {
  std::vector<std::string> command = Command(kHost, "accuracy");
  command.push_back("--score_threshold=0");
  command.push_back("--nms_iou_threshold=1");
  // Files of more than 8 KiB cannot be written.
  command.insert(
      command.begin(),
      {"bash", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "bench"});
  EXPECT_THAT(Failure(command, 1), HasSubstr("free some space and run again"));
}

}  // namespace
}  // namespace yoloq
