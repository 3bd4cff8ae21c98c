// The driver: runs experiments on a profile and reports them beside the paper.
//
//   bazel run //experiments:table1 -- --profile=nano_voc --voc_root=...
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/base/config.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "experiments/runner.h"
#include "experiments/spec_files.h"
#include "google/protobuf/stubs/common.h"
#include "hw/runtime/onednn_convolution.h"
#include "model/torch_executor.h"
#include "opencv2/core/version.hpp"
#include "reports/build_info.h"
#include "reports/comparison.h"
#include "reports/paper_network.h"
#include "reports/published.h"
#include "reports/results_json.h"
#include "reports/table_markdown.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

ABSL_FLAG(std::vector<std::string>, experiments, {},
          "experiments to run: names of embedded specs, or paths");
ABSL_FLAG(std::string, report, "",
          "name of the report's files; default: the first experiment's");
ABSL_FLAG(std::string, table, "",
          "the paper's table to compare with; default: the first experiment's");
ABSL_FLAG(std::string, profile, "quick",
          "what to run on: name of an embedded profile, or a path");
ABSL_FLAG(std::string, voc_root, "",
          "the VOCdevkit folder; default: $YOLOQ_VOC_ROOT");
ABSL_FLAG(std::string, cfg, "", "a darknet .cfg; default: $YOLOQ_CFG");
ABSL_FLAG(std::string, weights, "",
          "a darknet .weights file; default: $YOLOQ_WEIGHTS");
ABSL_FLAG(std::string, names, "",
          "class names, one a line; default: $YOLOQ_NAMES, or the VOC classes");
ABSL_FLAG(std::string, cache_dir, "",
          "where stages are kept; default: $XDG_CACHE_HOME/yoloq or "
          "~/.cache/yoloq");
ABSL_FLAG(
    std::string, output_dir, "",
    "receives the report (.md), the results (.textproto) and their values "
    "(.json); default: <cache_dir>/reports/<profile>");
ABSL_FLAG(std::string, engine, "onednn",
          "what executes the models: onednn, reference, torch (FP32 only)");
ABSL_FLAG(std::string, override, "",
          "text-format fields merged into the profile, such as "
          "'model { input_size: 320 }'; lists are replaced");
ABSL_FLAG(std::vector<std::string>, rerun, {},
          "stages to make anew: calibrate, export, evaluate, simulate, score, "
          "measure");

namespace yoloq {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Under `bazel run` the working directory is not the user's.
std::string UserPath(const std::string& path) {
  if (path.empty()) return path;
  return JoinPath(Environment("BUILD_WORKING_DIRECTORY"), path);
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
  const std::string xdg = Environment("XDG_CACHE_HOME");
  if (!xdg.empty()) return JoinPath(xdg, "yoloq");
  const std::string home = Environment("HOME");
  return JoinPath(home.empty() ? "/tmp" : home, ".cache/yoloq");
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
    bool required = false;
    for (const std::string& each : profile.model().required()) {
      required |= each == name;
    }
    set(required ? PathFromFlag(flag, variable) : UserPath(flag), field);
  };
  ModelSpec* model = profile.mutable_model();
  set_model(absl::GetFlag(FLAGS_cfg), "cfg", "YOLOQ_CFG", model->mutable_cfg());
  set_model(absl::GetFlag(FLAGS_weights), "weights", "YOLOQ_WEIGHTS",
            model->mutable_weights());
  set_model(absl::GetFlag(FLAGS_names), "names", "YOLOQ_NAMES",
            model->mutable_names());
  YOLOQ_RETURN_IF_ERROR(
      MergeTextProto(absl::GetFlag(FLAGS_override), "--override", &profile));
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

absl::Status WriteReport(const std::string& name, const std::string& folder,
                         const std::string& markdown,
                         const Comparison& comparison,
                         const RunResults& results) {
  YOLOQ_RETURN_IF_ERROR(MakeFolders(folder));
  const std::string stem = JoinPath(folder, name);
  YOLOQ_RETURN_IF_ERROR(WriteFileAtomically(stem + ".md", markdown));
  YOLOQ_RETURN_IF_ERROR(WriteTextProto(stem + ".textproto", results));
  YOLOQ_ASSIGN_OR_RETURN(const std::string json, RenderJson(comparison));
  return WriteFileAtomically(stem + ".json", json);
}

absl::Status Main() {
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
  YOLOQ_ASSIGN_OR_RETURN(const ProfileSpec profile, ProfileFromFlags());

  RunnerOptions options;
  options.cache_folder = CacheFolder();
  options.engine = absl::GetFlag(FLAGS_engine);
  for (const std::string& stage : absl::GetFlag(FLAGS_rerun)) {
    options.rerun.insert(stage);
  }
  options.build = Build();
  YOLOQ_ASSIGN_OR_RETURN(const RunResults results,
                         RunExperiments(experiments, profile, options));

  YOLOQ_ASSIGN_OR_RETURN(const PublishedPaper paper, LoadPublished());
  YOLOQ_ASSIGN_OR_RETURN(const PartParameters parameters,
                         PaperNetworkParameters(paper.conditions()));
  std::string table = absl::GetFlag(FLAGS_table);
  if (table.empty()) {
    table = std::string(TableOf(experiments.front().paper_row()));
  }
  if (table.empty()) table = "table1";
  const std::vector<RunResult> rows(results.results().begin(),
                                    results.results().end());
  YOLOQ_ASSIGN_OR_RETURN(const Comparison comparison,
                         Compare(table, rows, paper, parameters));
  const std::string markdown = RenderMarkdown(comparison);
  std::string name = absl::GetFlag(FLAGS_report);
  if (name.empty()) name = experiments.front().name();
  std::string folder = UserPath(absl::GetFlag(FLAGS_output_dir));
  if (folder.empty()) {
    folder = JoinPath(options.cache_folder,
                      absl::StrCat("reports/", profile.name()));
  }
  std::fputs(markdown.c_str(), stdout);
  std::fflush(stdout);
  YOLOQ_RETURN_IF_ERROR(
      WriteReport(name, folder, markdown, comparison, results));
  std::fprintf(stderr, "\nwritten to %s/%s.{md,json,textproto}\n",
               folder.c_str(), name.c_str());
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
