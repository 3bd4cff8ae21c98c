// Measures deployable models on the machine that it runs on: on a device, where
// it arrives as //hw:bench_bundle, or on the host.
//
//   bench --mode=latency --model=int8.yoloq,fp32.yoloq --engine=xnnpack
//     --threads=1,2,3,4 --images=dog.ppm --result=latency.pb
//   bench --mode=accuracy --model=int8.yoloq --images=list.txt
//     --result=accuracy.pb
//
// The result is a binary MeasurementResult (hw/measurement.proto), written once
// everything was measured. Exit status: 0 measured (a latency may be INVALID:
// the result says why), 1 failed, 2 a wrong flag.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "eval/random.h"
#include "hw/bench_accuracy.h"
#include "hw/bench_engine.h"
#include "hw/bench_latency.h"
#include "hw/conditions.h"
#include "hw/measurement.pb.h"
#include "hw/ppm.h"
#include "hw/runtime/engines.h"
#include "tools/base/binary_proto.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

using Strings = std::vector<std::string>;

// What is measured.
ABSL_FLAG(Strings, model, {}, "deployable files (.yoloq). Required.");
ABSL_FLAG(std::string, mode, "latency", "latency or accuracy.");
ABSL_FLAG(std::string, engine, "native",
          "the engine that runs the models; an unknown one names those known.");
ABSL_FLAG(int64_t, transform_budget_mb, -1,
          "native: 1e6 bytes that Winograd's transformed weights may take "
          "beside the others; 0: least memory; -1: 0 on a machine of less than "
          "4 GiB, else no limit.");
ABSL_FLAG(bool, fp32_winograd, true,
          "native: false computes FP32 by direct convolution alone, which "
          "rounds as sums do.");
ABSL_FLAG(Strings, threads, {"1"},
          "thread counts, each 1 to 64; accuracy mode takes the first.");
ABSL_FLAG(Strings, images, {},
          "PPM files (.ppm), and lists with the path of one a line. Latency "
          "mode times the first picture; without any, seeded noise.");
ABSL_FLAG(std::string, result, "",
          "file for the binary MeasurementResult. Empty: none.");

// How pictures become detections; the profile's fields of these names.
ABSL_FLAG(std::string, resize, "letterbox", "letterbox or stretch.");
ABSL_FLAG(double, score_threshold, 0.01, "in [0, 1).");
ABSL_FLAG(double, nms_iou_threshold, 0.45, "in (0, 1].");
ABSL_FLAG(int32_t, max_detections_per_class, 0, "a picture; 0: no limit.");

// How latency is measured (hw/latency.h).
ABSL_FLAG(int32_t, warmup_runs, 3, "a turn, not recorded.");
ABSL_FLAG(int32_t, min_runs, 10, "a turn; both minima are met.");
ABSL_FLAG(double, min_seconds, 2, "a turn; both minima are met.");
ABSL_FLAG(int32_t, repetitions, 3,
          "turns of each configuration; configurations take turns.");
ABSL_FLAG(int32_t, node_runs, 10,
          "runs with each node timed, where the engine can; 0: none.");

// Where the device tells its condition; ConditionSpec's fields of these names.
ABSL_FLAG(std::string, temperature_path, "", "sysfs, 1/1000 degree Celsius.");
ABSL_FLAG(std::string, governor_path, "", "sysfs, frequency governor.");
ABSL_FLAG(std::string, clock_path, "", "sysfs, kHz.");
ABSL_FLAG(std::string, max_clock_path, "", "sysfs, kHz.");
ABSL_FLAG(Strings, throttle_command, {},
          "prints throttled=0x...; program and arguments: "
          "vcgencmd,get_throttled.");
ABSL_FLAG(double, cool_to_celsius, 0,
          "wait before each turn until the device is as cool; 0: do not.");
ABSL_FLAG(double, cool_timeout_s, 600, "longest wait to cool.");
ABSL_FLAG(double, hot_celsius, 0,
          "a latency at this temperature is INVALID; 0: not checked.");
ABSL_FLAG(double, max_variation, 0.1,
          "a latency of a larger coefficient of variation is INVALID; 0: not "
          "checked.");
ABSL_FLAG(double, max_relative_interval, 0,
          "a latency whose 95 % interval of the median is a wider share of it "
          "is INVALID; 0: not checked.");
ABSL_FLAG(double, max_other_load_cores, 0.15,
          "a latency while other programs keep more cores busy is INVALID.");

namespace yoloq {
namespace {

constexpr int kMaxThreads = 64;

struct BenchOptions {
  bool accuracy = false;
  Strings models;
  std::string engine;
  std::vector<int> threads;
  std::vector<ListedPicture> pictures;
  std::string result;
  int repetitions = 1;
  EngineMaker make_engine;
  LatencyBenchOptions latency;
};

absl::Status FlagError(absl::string_view flag, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", problem));
}

template <typename T>
absl::Status CheckRange(absl::string_view flag, T value, T low, T high) {
  // Written so that NaN fails.
  if (value >= low && value <= high) return absl::OkStatus();
  return FlagError(flag,
                   absl::StrCat(value, " is not in [", low, ", ", high, "]"));
}

absl::StatusOr<std::vector<int>> ThreadCounts() {
  std::vector<int> counts;
  for (const std::string& text : absl::GetFlag(FLAGS_threads)) {
    int count = 0;
    if (!absl::SimpleAtoi(text, &count)) {
      return FlagError("threads", absl::StrCat("'", text, "' is no number"));
    }
    YOLOQ_RETURN_IF_ERROR(CheckRange("threads", count, 1, kMaxThreads));
    counts.push_back(count);
  }
  if (counts.empty()) return FlagError("threads", "names no thread count");
  return counts;
}

absl::Status ReadDetectorFlags(DetectorOptions* options) {
  const std::string resize = absl::GetFlag(FLAGS_resize);
  if (resize != "letterbox" && resize != "stretch") {
    return FlagError("resize", absl::StrCat("'", resize,
                                            "' is neither letterbox nor "
                                            "stretch"));
  }
  options->resize =
      resize == "stretch" ? PreprocessSpec::STRETCH : PreprocessSpec::LETTERBOX;
  const double score = absl::GetFlag(FLAGS_score_threshold);
  const double iou = absl::GetFlag(FLAGS_nms_iou_threshold);
  const int most = absl::GetFlag(FLAGS_max_detections_per_class);
  YOLOQ_RETURN_IF_ERROR(CheckRange("score_threshold", score, 0.0, 0.999999));
  YOLOQ_RETURN_IF_ERROR(CheckRange("nms_iou_threshold", iou, 1e-6, 1.0));
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("max_detections_per_class", most, 0, 1 << 20));
  options->evaluation.set_score_threshold(score);
  options->evaluation.set_nms_iou_threshold(iou);
  options->evaluation.set_max_detections_per_class(most);
  return absl::OkStatus();
}

absl::Status ReadLatencyFlags(LatencyBenchOptions* options) {
  constexpr int kMany = 1000000;
  constexpr double kLong = 1e6;
  options->rules.warmup_runs = absl::GetFlag(FLAGS_warmup_runs);
  options->rules.min_runs = absl::GetFlag(FLAGS_min_runs);
  options->rules.min_seconds = absl::GetFlag(FLAGS_min_seconds);
  options->node_runs = absl::GetFlag(FLAGS_node_runs);
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("warmup_runs", options->rules.warmup_runs, 0, kMany));
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("min_runs", options->rules.min_runs, 1, kMany));
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("min_seconds", options->rules.min_seconds, 0.0, kLong));
  YOLOQ_RETURN_IF_ERROR(CheckRange("node_runs", options->node_runs, 0, kMany));
  options->sources.temperature_path = absl::GetFlag(FLAGS_temperature_path);
  options->sources.governor_path = absl::GetFlag(FLAGS_governor_path);
  options->sources.clock_path = absl::GetFlag(FLAGS_clock_path);
  options->sources.max_clock_path = absl::GetFlag(FLAGS_max_clock_path);
  options->sources.throttle_command = absl::GetFlag(FLAGS_throttle_command);
  options->cool_to_celsius = absl::GetFlag(FLAGS_cool_to_celsius);
  options->cool_timeout_s = absl::GetFlag(FLAGS_cool_timeout_s);
  options->limits.hot_celsius = absl::GetFlag(FLAGS_hot_celsius);
  options->limits.max_variation = absl::GetFlag(FLAGS_max_variation);
  options->limits.max_relative_interval =
      absl::GetFlag(FLAGS_max_relative_interval);
  options->limits.max_other_load_cores =
      absl::GetFlag(FLAGS_max_other_load_cores);
  options->sleep = [](double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  };
  return absl::OkStatus();
}

absl::StatusOr<BenchOptions> ReadFlags() {
  BenchOptions options;
  const std::string mode = absl::GetFlag(FLAGS_mode);
  if (mode != "latency" && mode != "accuracy") {
    return FlagError(
        "mode", absl::StrCat("'", mode, "' is neither latency nor accuracy"));
  }
  options.accuracy = mode == "accuracy";
  for (const std::string& path : absl::GetFlag(FLAGS_model)) {
    options.models.push_back(UserPath(path));
  }
  if (options.models.empty()) {
    return FlagError("model", "name at least one deployable file");
  }
  options.engine = absl::GetFlag(FLAGS_engine);
  EngineOptions engine;
  engine.native.transform_budget_bytes =
      TransformBudgetOfMegabytes(absl::GetFlag(FLAGS_transform_budget_mb));
  engine.native.fp32_winograd = absl::GetFlag(FLAGS_fp32_winograd);
  const absl::StatusOr<EngineMaker> maker =
      FindBenchEngine(options.engine, engine);
  if (!maker.ok()) return FlagError("engine", maker.status().message());
  options.make_engine = *maker;
  YOLOQ_ASSIGN_OR_RETURN(options.threads, ThreadCounts());
  options.result = UserPath(absl::GetFlag(FLAGS_result));
  options.repetitions = absl::GetFlag(FLAGS_repetitions);
  YOLOQ_RETURN_IF_ERROR(
      CheckRange("repetitions", options.repetitions, 1, 10000));
  YOLOQ_RETURN_IF_ERROR(ReadDetectorFlags(&options.latency.detector));
  YOLOQ_RETURN_IF_ERROR(ReadLatencyFlags(&options.latency));
  if (options.accuracy && absl::GetFlag(FLAGS_images).empty()) {
    return FlagError("images", "accuracy mode needs pictures");
  }
  return options;
}

absl::Status ReadPictureList(BenchOptions* options) {
  Strings names;
  for (const std::string& name : absl::GetFlag(FLAGS_images)) {
    names.push_back(UserPath(name));
  }
  YOLOQ_ASSIGN_OR_RETURN(options->pictures, ListPictures(names));
  return absl::OkStatus();
}

// Before hours of measuring: is there a folder that the result can go to?
absl::Status CheckResultFolder(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  if (access(folder.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(
      "--result: ", folder, " is no folder that can be written to"));
}

// The picture that is timed.
absl::StatusOr<std::pair<std::string, Picture>> TimedPicture(
    const BenchOptions& options) {
  if (!options.pictures.empty()) {
    const ListedPicture& first = options.pictures.front();
    YOLOQ_ASSIGN_OR_RETURN(Picture picture, ReadPpm(first.path));
    return std::make_pair(first.id, std::move(picture));
  }
  // The median size of VOC's pictures.
  Picture noise{500, 375, std::vector<uint8_t>(3 * 500 * 375)};
  Random random(/*seed=*/1);
  for (uint8_t& byte : noise.rgb) byte = static_cast<uint8_t>(random.Next());
  return std::make_pair(std::string("noise"), std::move(noise));
}

void PrintLatency(const LatencyMeasurement& measurement) {
  absl::PrintF(
      "%s: median %.3f ms [%.3f, %.3f], p90 %.3f, min %.3f, CV %.4f (%d runs); "
      "preprocess %.3f, inference %.3f, postprocess %.3f; peak memory %.1f "
      "MB\n",
      LatencyTitle(measurement), measurement.end_to_end().median_ms(),
      measurement.end_to_end().median_low_ms(),
      measurement.end_to_end().median_high_ms(),
      measurement.end_to_end().p90_ms(), measurement.end_to_end().min_ms(),
      measurement.end_to_end().coefficient_of_variation(),
      measurement.end_to_end().samples_ns_size(),
      measurement.preprocess().median_ms(), measurement.inference().median_ms(),
      measurement.postprocess().median_ms(),
      static_cast<double>(measurement.peak_memory_bytes()) * 1e-6);
  absl::PrintF("  heads %s\n  detections of %s %s\n",
               measurement.heads_sha256(), measurement.image_id(),
               measurement.detections_sha256());
  if (measurement.valid()) {
    absl::PrintF("  VALID\n");
  } else {
    absl::PrintF("  INVALID: %s\n",
                 absl::StrJoin(measurement.invalid_reasons(), "; "));
  }
}

// Takes one turn a benchmark, repetition by repetition: Google Benchmark prints
// the context and a row a turn, with the turn's median as its time.
absl::Status MeasureLatencies(const BenchOptions& options,
                              MeasurementResult* result) {
  YOLOQ_ASSIGN_OR_RETURN(const auto timed, TimedPicture(options));
  std::vector<std::unique_ptr<LatencyBench>> benches;
  for (const std::string& path : options.models) {
    YOLOQ_ASSIGN_OR_RETURN(const ModelIdentity model, IdentifyModel(path));
    // A file that cannot run is refused before anything is timed.
    YOLOQ_RETURN_IF_ERROR(Deployable::Open(path).status());
    for (const int threads : options.threads) {
      benches.push_back(
          std::make_unique<LatencyBench>(model, options.engine, threads,
                                         options.make_engine, options.latency));
    }
  }
  absl::Status status;
  for (int repetition = 1; repetition <= options.repetitions; ++repetition) {
    for (const std::unique_ptr<LatencyBench>& bench : benches) {
      const auto take_turn = [&status, &timed,
                              bench = bench.get()](benchmark::State& state) {
        for (auto _ : state) {
          if (status.ok()) status = bench->TakeTurn(timed.first, timed.second);
          if (!status.ok()) {
            state.SkipWithError("failed");
            break;
          }
          const LatencySummary turn = bench->LastTurn();
          state.SetIterationTime(turn.median_ms * 1e-3);
          state.counters["min_ms"] = turn.min_ms;
          state.counters["p90_ms"] = turn.p90_ms;
          state.counters["cv"] = turn.coefficient_of_variation;
        }
      };
      benchmark::RegisterBenchmark(
          absl::StrCat(bench->title(), "/turn:", repetition).c_str(), take_turn)
          ->Iterations(1)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  YOLOQ_RETURN_IF_ERROR(status);
  for (const std::unique_ptr<LatencyBench>& bench : benches) {
    *result->add_latencies() = bench->Summarize();
    PrintLatency(result->latencies(result->latencies_size() - 1));
  }
  return absl::OkStatus();
}

absl::Status MeasureAccuracies(const BenchOptions& options,
                               MeasurementResult* result) {
  for (const std::string& path : options.models) {
    YOLOQ_ASSIGN_OR_RETURN(const ModelIdentity model, IdentifyModel(path));
    YOLOQ_ASSIGN_OR_RETURN(
        *result->add_accuracies(),
        MeasureAccuracy(model, options.engine, options.threads.front(),
                        options.make_engine, options.latency.detector,
                        options.pictures));
    const AccuracyMeasurement& accuracy =
        result->accuracies(result->accuracies_size() - 1);
    absl::PrintF("%s: %d images\n  heads %s\n  detections %s\n", path,
                 accuracy.images_size(), accuracy.heads_sha256(),
                 accuracy.detections_sha256());
  }
  return absl::OkStatus();
}

absl::Status Measure(BenchOptions options) {
  YOLOQ_RETURN_IF_ERROR(CheckResultFolder(options.result));
  YOLOQ_RETURN_IF_ERROR(ReadPictureList(&options));
  MeasurementResult result;
  result.set_schema_version(1);
  *result.mutable_device() = ReadDeviceIdentity("");
  result.set_program_sha256(FileSha256Hex("/proc/self/exe").value_or(""));
  result.set_started_utc(
      absl::FormatTime(absl::RFC3339_full, absl::Now(), absl::UTCTimeZone()));
  if (result.device().emulated()) {
    std::fprintf(stderr, "bench: EMULATED: %s; times are not a board's\n",
                 result.device().emulated_reason().c_str());
  }
  YOLOQ_RETURN_IF_ERROR(options.accuracy ? MeasureAccuracies(options, &result)
                                         : MeasureLatencies(options, &result));
  if (options.result.empty()) return absl::OkStatus();
  return WriteBinaryProto(options.result, result);
}

// Google Benchmark gets its own flags only: --help is ours.
void InitializeBenchmark(int* argc, char** argv) {
  char** const others =
      std::stable_partition(argv + 1, argv + *argc, [](const char* argument) {
        return absl::StartsWith(argument, "--benchmark_");
      });
  int count = static_cast<int>(others - argv);
  std::vector<char*> own(argv, others);
  own.push_back(nullptr);
  benchmark::Initialize(&count, own.data());
  *argc = static_cast<int>(std::copy(others, argv + *argc, argv + 1) - argv);
  argv[*argc] = nullptr;
}

int Fail(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "bench: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "measures deployable models on this machine; see --help");
  yoloq::InitializeBenchmark(&argc, argv);
  if (absl::ParseCommandLine(argc, argv).size() > 1) {
    return yoloq::Fail(absl::InvalidArgumentError(
                           "takes flags only; lists are separated by commas"),
                       2);
  }
  absl::StatusOr<yoloq::BenchOptions> options = yoloq::ReadFlags();
  if (!options.ok()) return yoloq::Fail(options.status(), 2);
  const absl::Status status = yoloq::Measure(*std::move(options));
  return status.ok() ? 0 : yoloq::Fail(status, 1);
}
