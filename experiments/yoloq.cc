// The driver: runs experiments, or a study, on a profile and reports them
// beside the paper.
//
//   bazel run //experiments:table1 -- --profile=nano_voc --voc_root=...
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/config.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "experiments/ablation_study.h"
#include "experiments/requirements.h"
#include "experiments/runner.h"
#include "experiments/sensitivity_study.h"
#include "experiments/spec_files.h"
#include "google/protobuf/stubs/common.h"
#include "hw/devices/device_spec.h"
#include "hw/runtime/onednn_backend.h"
#include "model/torch_executor.h"
#include "opencv2/core/version.hpp"
#include "reports/build_info.h"
#include "reports/results_file.h"
#include "reports/write_report.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

ABSL_FLAG(std::vector<std::string>, experiments, {},
          "experiments to run: names of embedded specs, or paths");
ABSL_FLAG(std::string, study, "",
          "a study instead of experiments: sensitivity (of each layer), or "
          "ablation (recipes of quantization)");
ABSL_FLAG(std::string, recipes, "ablation",
          "what the ablation compares: name of an embedded study, or a path");
ABSL_FLAG(std::string, report, "",
          "name of the report's files; default: that of the study or of the "
          "first experiment");
ABSL_FLAG(std::vector<std::string>, tables, {},
          "the paper's tables to compare with; default: those of the "
          "experiments");
ABSL_FLAG(std::string, profile, "quick",
          "what to run on: name of an embedded profile, or a path");
ABSL_FLAG(std::string, voc_root, "",
          "the VOCdevkit folder; default: $YOLOQ_VOC_ROOT");
// Of these four the environment counts where the profile names them.
ABSL_FLAG(std::string, cfg, "",
          "a darknet .cfg; default, if the profile requires one: $YOLOQ_CFG");
ABSL_FLAG(std::string, weights, "",
          "a darknet .weights file; default, if the profile requires one: "
          "$YOLOQ_WEIGHTS");
ABSL_FLAG(std::string, names, "",
          "class names, one a line; default: $YOLOQ_NAMES, if the profile asks "
          "for it, or the VOC classes");
ABSL_FLAG(std::string, pretrained, "",
          "darknet weights of the first layers (darknet53.conv.74) that "
          "training begins from; default, if the profile asks for it: "
          "$YOLOQ_PRETRAINED");
ABSL_FLAG(std::string, cache_dir, "",
          "where stages are kept; default: $XDG_CACHE_HOME/yoloq or "
          "~/.cache/yoloq");
ABSL_FLAG(
    std::string, output_dir, "",
    "receives the report (.md), the results (.textproto) and their values "
    "(.json); default: <cache_dir>/reports/<profile>");
ABSL_FLAG(std::string, engine, "native",
          "what executes the models, here and on the device: native, onednn "
          "(not on the device), xnnpack (not INT8 with leaky: FUSED), "
          "reference, torch (FP32 only, not on the device)");
ABSL_FLAG(std::string, device, "",
          "where latencies are measured: a device of hw/devices (host, "
          "pi3bplus, emulated_pi), or the path of a spec; default: the "
          "profile's. $YOLOQ_DEVICE_HOST, _USER, _PORT, _KEY and _KNOWN_HOSTS "
          "say how a board is reached");
ABSL_FLAG(std::string, override, "",
          "text-format fields merged into the profile, such as "
          "'model { input_size: 320 }'; lists are replaced");
ABSL_FLAG(std::vector<std::string>, rerun, {},
          "stages to make anew: draw, train, calibrate, qat, export, evaluate, "
          "simulate, score, measure, device_check, model_latency");

namespace yoloq {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string PathFromFlag(const std::string& flag, const char* variable) {
  return UserPath(flag.empty() ? Environment(variable) : flag);
}

std::string SpecPath(const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos ||
                       name.find('.') != std::string::npos;
  return is_path ? UserPath(name) : name;
}

std::string CacheFolder() {
  const std::string flag = absl::GetFlag(FLAGS_cache_dir);
  if (!flag.empty()) return UserPath(flag);
  return UserCacheFolder();
}

absl::StatusOr<ProfileSpec> ProfileFromFlags() {
  YOLOQ_ASSIGN_OR_RETURN(ProfileSpec profile,
                         LoadProfile(SpecPath(absl::GetFlag(FLAGS_profile))));
  const auto set = [](const std::string& value, std::string* field) {
    if (!value.empty()) *field = value;
  };
  if (!profile.data().noise_only()) {
    set(PathFromFlag(absl::GetFlag(FLAGS_voc_root), "YOLOQ_VOC_ROOT"),
        profile.mutable_data()->mutable_voc_root());
  }
  // Variables of the environment serve profiles that ask for them; flags, all.
  const auto set_model = [&](const std::string& flag, const char* name,
                             const char* variable, std::string* field) {
    const auto names = [&](const auto& fields) {
      return std::find(fields.begin(), fields.end(), name) != fields.end();
    };
    const bool asked =
        names(profile.model().required()) || names(profile.model().optional());
    set(asked ? PathFromFlag(flag, variable) : UserPath(flag), field);
  };
  ModelSpec* model = profile.mutable_model();
  set_model(absl::GetFlag(FLAGS_cfg), "cfg", "YOLOQ_CFG", model->mutable_cfg());
  set_model(absl::GetFlag(FLAGS_weights), "weights", "YOLOQ_WEIGHTS",
            model->mutable_weights());
  set_model(absl::GetFlag(FLAGS_names), "names", "YOLOQ_NAMES",
            model->mutable_names());
  set_model(absl::GetFlag(FLAGS_pretrained), "pretrained", "YOLOQ_PRETRAINED",
            model->mutable_pretrained());
  YOLOQ_RETURN_IF_ERROR(
      MergeTextProto(absl::GetFlag(FLAGS_override), "--override", &profile));
  set(SpecPath(absl::GetFlag(FLAGS_device)),
      profile.mutable_latency()->mutable_device());
  return profile;
}

Provenance Build() {
  const BuildInfo build = GetBuildInfo();
  Provenance provenance;
  provenance.set_git_commit(build.git_commit);
  provenance.set_git_dirty(build.git_dirty);
  provenance.set_compiler(build.compiler);
  auto& libraries = *provenance.mutable_libraries();
  libraries["LibTorch"] = TorchVersion();
  libraries["oneDNN"] = OneDnnVersion();
  libraries["OpenCV"] = CV_VERSION;
  libraries["Protobuf"] =
      google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION);
  libraries["Abseil"] = absl::StrCat(ABSL_LTS_RELEASE_VERSION);
  return provenance;
}

absl::StatusOr<AnyResults> RunTheExperiments(const ProfileSpec& profile,
                                             const RunnerOptions& options) {
  std::vector<ExperimentSpec> experiments;
  for (const std::string& name : absl::GetFlag(FLAGS_experiments)) {
    YOLOQ_ASSIGN_OR_RETURN(ExperimentSpec spec, LoadExperiment(SpecPath(name)));
    experiments.push_back(std::move(spec));
  }
  if (experiments.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--experiments is required; there are ",
                     absl::StrJoin(EmbeddedExperiments(), ", "),
                     "; or use a target such as //experiments:table1"));
  }
  return RunExperiments(experiments, profile, options);
}

absl::StatusOr<AnyResults> RunTheStudy(const std::string& study,
                                       const ProfileSpec& profile,
                                       const RunnerOptions& options) {
  if (study == "sensitivity") return StudySensitivity(profile, options);
  if (study != "ablation") {
    return absl::InvalidArgumentError(
        absl::StrCat("--study: \"", study,
                     "\" is not known; there are sensitivity, "
                     "ablation"));
  }
  YOLOQ_ASSIGN_OR_RETURN(const AblationSpec recipes,
                         LoadAblation(SpecPath(absl::GetFlag(FLAGS_recipes))));
  return StudyAblation(recipes, profile, options);
}

absl::StatusOr<ReportFiles> FilesFromFlags(const RunnerOptions& options,
                                           const ProfileSpec& profile) {
  ReportFiles files;
  files.name = absl::GetFlag(FLAGS_report);
  if (files.name.empty()) files.name = absl::GetFlag(FLAGS_study);
  if (files.name.empty()) {
    // The flag may hold a path.
    YOLOQ_ASSIGN_OR_RETURN(
        const ExperimentSpec first,
        LoadExperiment(SpecPath(absl::GetFlag(FLAGS_experiments).front())));
    files.name = first.name();
  }
  files.folder = UserPath(absl::GetFlag(FLAGS_output_dir));
  if (files.folder.empty()) {
    files.folder = JoinPath(options.cache_folder,
                            absl::StrCat("reports/", profile.name()));
  }
  return files;
}

absl::Status Main() {
  YOLOQ_ASSIGN_OR_RETURN(const ProfileSpec profile, ProfileFromFlags());
  RunnerOptions options;
  options.cache_folder = CacheFolder();
  options.engine = absl::GetFlag(FLAGS_engine);
  for (const std::string& stage : absl::GetFlag(FLAGS_rerun)) {
    options.rerun.insert(stage);
  }
  YOLOQ_ASSIGN_OR_RETURN(options.ssh, SshOverridesFromEnvironment());
  options.build = Build();
  const std::string study = absl::GetFlag(FLAGS_study);
  YOLOQ_ASSIGN_OR_RETURN(const AnyResults results,
                         study.empty() ? RunTheExperiments(profile, options)
                                       : RunTheStudy(study, profile, options));

  // The results first: a report can be rendered again (//reports:render).
  YOLOQ_ASSIGN_OR_RETURN(const ReportFiles files,
                         FilesFromFlags(options, profile));
  YOLOQ_RETURN_IF_ERROR(MakeFolders(files.folder));
  const std::string path =
      JoinPath(files.folder, absl::StrCat(files.name, ".textproto"));
  YOLOQ_RETURN_IF_ERROR(std::visit(
      [&](const auto& each) { return WriteResults(path, each); }, results));
  YOLOQ_ASSIGN_OR_RETURN(
      const std::string page,
      WriteReport(results, absl::GetFlag(FLAGS_tables), files));
  std::fputs(page.c_str(), stdout);
  std::fflush(stdout);
  std::fprintf(stderr, "\nwritten to %s/%s.*\n", files.folder.c_str(),
               files.name.c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Runs experiments of the paper on a profile and reports them beside it.");
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    std::fprintf(stderr, "error: unexpected argument %s\n", rest[1]);
    return 2;
  }
  const absl::Status status = yoloq::Main();
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return 1;
}
