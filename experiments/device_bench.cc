#include "experiments/device_bench.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "experiments/native_options.h"
#include "tools/base/binary_proto.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/runfile.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr char kProgram[] = "bench/bench";
constexpr char kResult[] = "bench/result.binpb";

// Turns of a configuration on a board, so that what passes shows.
constexpr int kRepetitions = 3;

std::string Flag(absl::string_view name, absl::string_view value) {
  return absl::StrCat("--", name, "=", value);
}

// How pictures become detections.
std::vector<std::string> DetectionFlags(const ProfileSpec& profile) {
  const EvaluationSpec& evaluation = profile.evaluation();
  const bool stretch = profile.preprocess().resize() == PreprocessSpec::STRETCH;
  return {
      Flag("resize", stretch ? "stretch" : "letterbox"),
      Flag("score_threshold", absl::StrCat(evaluation.score_threshold())),
      Flag("nms_iou_threshold", absl::StrCat(evaluation.nms_iou_threshold())),
      Flag("max_detections_per_class",
           absl::StrCat(evaluation.max_detections_per_class())),
  };
}

// An emulated board's times mean nothing: one run shows that the path works.
std::vector<std::string> RuleFlags(const LatencySpec& latency, bool emulated) {
  if (emulated) {
    return {Flag("warmup_runs", "0"), Flag("min_runs", "1"),
            Flag("min_seconds", "0"), Flag("repetitions", "1"),
            Flag("node_runs", "0"),   Flag("max_variation", "0")};
  }
  return {Flag("warmup_runs", absl::StrCat(latency.warmup_runs())),
          Flag("min_runs", absl::StrCat(latency.min_runs())),
          Flag("min_seconds", absl::StrCat(latency.min_seconds())),
          Flag("repetitions", absl::StrCat(kRepetitions))};
}

std::vector<std::string> ConditionFlags(const ConditionSpec& condition) {
  std::vector<std::string> flags = {
      Flag("temperature_path", condition.temperature_path()),
      Flag("governor_path", condition.governor_path()),
      Flag("clock_path", condition.clock_path()),
      Flag("max_clock_path", condition.max_clock_path()),
      Flag("throttle_command",
           absl::StrJoin(condition.throttle_command(), ",")),
      Flag("cool_to_celsius", absl::StrCat(condition.cool_to_celsius())),
      Flag("hot_celsius", absl::StrCat(condition.hot_celsius())),
  };
  if (condition.cool_timeout_s() > 0) {
    flags.push_back(
        Flag("cool_timeout_s", absl::StrCat(condition.cool_timeout_s())));
  }
  return flags;
}

void Extend(std::vector<std::string> more, std::vector<std::string>* flags) {
  for (std::string& flag : more) flags->push_back(std::move(flag));
}

// Lines of the program, as they come.
void ShowLine(OutputStream, absl::string_view line) {
  std::fprintf(stderr, "  %.*s\n", static_cast<int>(line.size()), line.data());
}

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceBench>> DeviceBench::Create(
    const DeviceSpec& spec) {
  std::unique_ptr<DeviceBench> bench(new DeviceBench(spec));
  YOLOQ_RETURN_IF_ERROR(bench->FindProgram());
  return bench;
}

absl::Status DeviceBench::FindProgram() {
  if (spec_.kind() == DeviceSpec::LOCAL) {
    YOLOQ_ASSIGN_OR_RETURN(const std::string path, RunfilePath("hw/bench"));
    program_.push_back({path, kProgram, /*executable=*/true});
  } else {
    YOLOQ_ASSIGN_OR_RETURN(const std::string folder,
                           RunfilePath("hw/bench_bundle"));
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      program_.push_back({entry.path().string(), absl::StrCat("bench/", name),
                          name == "bench"});
    }
    if (error) {
      return absl::InternalError(
          absl::StrCat(folder, ": ", error.message(), "; build it again"));
    }
  }
  std::vector<std::string> digests;
  for (LocalFile& file : program_) {
    YOLOQ_ASSIGN_OR_RETURN(file.sha256, FileSha256Hex(file.local_path));
    digests.push_back(absl::StrCat(file.device_path, " ", file.sha256));
  }
  std::sort(digests.begin(), digests.end());
  program_digests_ = absl::StrJoin(digests, "\n");
  return absl::OkStatus();
}

std::string DeviceBench::Identity() const {
  return absl::StrCat(program_digests_, "\n",
                      Sha256Hex(SerializeDeterministically(spec_)));
}

absl::StatusOr<Device*> DeviceBench::Connected() {
  if (device_ != nullptr) return device_.get();
  YOLOQ_ASSIGN_OR_RETURN(std::unique_ptr<Device> device,
                         Device::Connect(spec_));
  YOLOQ_RETURN_IF_ERROR(device->Lock("experiments"));
  if (spec_.kind() != DeviceSpec::LOCAL) {
    YOLOQ_ASSIGN_OR_RETURN(const DoctorReport report, device->Examine());
    YOLOQ_RETURN_IF_ERROR(FitToMeasure(report, spec_.name()));
  }
  YOLOQ_RETURN_IF_ERROR(device->Push(program_).status());
  device_ = std::move(device);
  return device_.get();
}

absl::StatusOr<std::string> DeviceBench::PushModel(
    const std::string& model_path) {
  YOLOQ_ASSIGN_OR_RETURN(Device * device, Connected());
  YOLOQ_ASSIGN_OR_RETURN(const std::string sha256, FileSha256Hex(model_path));
  const std::string path =
      absl::StrCat("models/", sha256.substr(0, 16), ".yoloq");
  YOLOQ_RETURN_IF_ERROR(
      device->Push({{model_path, path, /*executable=*/false, sha256}})
          .status());
  return path;
}

absl::Status DeviceBench::Run(std::vector<std::string> flags,
                              const std::string& result_path) {
  YOLOQ_ASSIGN_OR_RETURN(Device * device, Connected());
  Extend(ConditionFlags(spec_.condition()), &flags);
  flags.push_back(Flag("result", kResult));
  flags.insert(flags.begin(), kProgram);
  RunOptions options;
  options.on_line = ShowLine;
  YOLOQ_ASSIGN_OR_RETURN(const CommandResult run, device->Run(flags, options));
  YOLOQ_RETURN_IF_ERROR(
      RunStatus(run, absl::StrCat("hw/bench on ", spec_.name())));
  return device->Pull(kResult, result_path);
}

absl::Status DeviceBench::MeasureLatency(const std::string& model_path,
                                         const std::string& engine,
                                         const ProfileSpec& profile,
                                         const std::string& result_path) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string model, PushModel(model_path));
  std::vector<std::string> flags = {
      Flag("mode", "latency"), Flag("model", model), Flag("engine", engine),
      Flag("threads", absl::StrCat(profile.latency().threads()))};
  Extend(NativeFlags(profile.native()), &flags);
  Extend(DetectionFlags(profile), &flags);
  Extend(RuleFlags(profile.latency(), spec_.kind() == DeviceSpec::EMULATED),
         &flags);
  return Run(std::move(flags), result_path);
}

absl::Status DeviceBench::MeasureAccuracy(
    const std::string& model_path, const std::string& engine,
    const ProfileSpec& profile, const std::vector<BenchPicture>& pictures,
    const std::string& result_path) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string model, PushModel(model_path));
  std::vector<LocalFile> files;
  std::vector<std::string> paths;
  for (const BenchPicture& picture : pictures) {
    paths.push_back(absl::StrCat("pictures/", picture.id, ".ppm"));
    files.push_back({picture.local_path, paths.back(), false});
  }
  YOLOQ_RETURN_IF_ERROR(device_->Push(files).status());
  std::vector<std::string> flags = {
      Flag("mode", "accuracy"), Flag("model", model), Flag("engine", engine),
      Flag("threads", absl::StrCat(profile.latency().threads())),
      Flag("images", absl::StrJoin(paths, ","))};
  Extend(NativeFlags(profile.native()), &flags);
  Extend(DetectionFlags(profile), &flags);
  return Run(std::move(flags), result_path);
}

}  // namespace yoloq
