#include "experiments/spec_files.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "experiments/embedded_specs.h"
#include "google/protobuf/message.h"
#include "hw/devices/device_spec.h"
#include "model/graph.pb.h"
#include "model/training/trainer.h"
#include "quant/qat.h"
#include "quant/scheme.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr char kExperimentFolder[] = "experiments/";
constexpr char kProfileFolder[] = "experiments/profiles/";
constexpr char kStudyFolder[] = "experiments/studies/";
constexpr char kSuffix[] = ".textproto";

// Names of the embedded specs directly in `folder`.
std::vector<std::string> NamesIn(absl::string_view folder) {
  std::vector<std::string> names;
  for (const auto& [path, text] : EmbeddedSpecs()) {
    absl::string_view name = path;
    if (absl::ConsumePrefix(&name, folder) && !absl::StrContains(name, '/') &&
        absl::ConsumeSuffix(&name, kSuffix)) {
      names.emplace_back(name);
    }
  }
  return names;
}

absl::Status Load(const std::string& name, absl::string_view kind,
                  absl::string_view folder, google::protobuf::Message* spec) {
  if (absl::StrContains(name, '/') || absl::StrContains(name, '.')) {
    return ReadTextProto(name, spec);
  }
  const std::string path = absl::StrCat(folder, name, kSuffix);
  const auto found = EmbeddedSpecs().find(path);
  if (found == EmbeddedSpecs().end()) {
    return absl::NotFoundError(
        absl::StrCat("no ", kind, " is called \"", name, "\"; there are ",
                     absl::StrJoin(NamesIn(folder), ", "),
                     ", or give the path of a ", kSuffix, " file"));
  }
  return ParseTextProto(found->second, path, spec);
}

absl::Status Invalid(absl::string_view name, absl::string_view field,
                     absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": field ", field, ": ", problem));
}

// Fails with the field's name unless `holds`.
#define YOLOQ_CHECK_FIELD(holds, field, problem) \
  if (!(holds)) return Invalid(name, field, problem)

bool IsIdentifier(absl::string_view name) {
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return !name.empty();
}

absl::Status CheckModel(const ModelSpec& model, absl::string_view prefix,
                        absl::string_view name) {
  YOLOQ_CHECK_FIELD(model.width() >= 0 && model.width() <= 8,
                    absl::StrCat(prefix, ".width"), "is not in [0, 8]");
  YOLOQ_CHECK_FIELD(
      model.input_size() % 32 == 0 && model.input_size() >= 0 &&
          model.input_size() <= 4096,
      absl::StrCat(prefix, ".input_size"),
      absl::StrCat(model.input_size(),
                   " is no multiple of 32 from 32 to 4096 (0: the cfg's own)"));
  YOLOQ_CHECK_FIELD(!model.cfg().empty() || model.input_size() > 0 ||
                        model.required_size() > 0,
                    absl::StrCat(prefix, ".input_size"),
                    "is required without a cfg");
  for (const ModelSpec::PartRange& range : model.parts()) {
    Part part;
    YOLOQ_CHECK_FIELD(
        Part_Parse(range.part(), &part) && part != PART_UNSPECIFIED,
        absl::StrCat(prefix, ".parts.part"),
        absl::StrCat("\"", range.part(), "\" is none of BACKBONE, NECK, HEAD"));
  }
  const std::set<std::string> files = {"cfg", "weights", "names", "pretrained"};
  for (const std::string& field : model.required()) {
    YOLOQ_CHECK_FIELD(files.count(field) > 0, absl::StrCat(prefix, ".required"),
                      absl::StrCat("\"", field, "\" is none of ",
                                   absl::StrJoin(files, ", ")));
  }
  for (const std::string& field : model.optional()) {
    YOLOQ_CHECK_FIELD(files.count(field) > 0, absl::StrCat(prefix, ".optional"),
                      absl::StrCat("\"", field, "\" is none of ",
                                   absl::StrJoin(files, ", ")));
  }
  return absl::OkStatus();
}

absl::Status CheckData(const DataSpec& data, absl::string_view name) {
  YOLOQ_CHECK_FIELD(
      data.expected_train_images() >= 0 && data.expected_test_images() >= 0,
      "data.expected_train_images, expected_test_images", "are negative");
  YOLOQ_CHECK_FIELD(
      (data.expected_train_images() == 0 && data.expected_test_images() == 0) ||
          !(data.noise_only() || data.has_synthetic()),
      "data.expected_train_images, expected_test_images",
      "are of real data: 0 with noise_only or synthetic");
  if (data.noise_only()) return absl::OkStatus();
  YOLOQ_CHECK_FIELD(data.train_sets_size() > 0, "data.train_sets", "is empty");
  YOLOQ_CHECK_FIELD(data.test_sets_size() > 0, "data.test_sets", "is empty");
  YOLOQ_CHECK_FIELD(data.max_test_images() >= 0, "data.max_test_images",
                    "is negative");
  const SyntheticDataSpec& drawn = data.synthetic();
  YOLOQ_CHECK_FIELD(drawn.train_images() >= 0 && drawn.val_images() >= 0 &&
                        drawn.test_images() >= 0,
                    "data.synthetic", "has a negative number of images");
  return absl::OkStatus();
}

absl::Status CheckEvaluation(const EvaluationSpec& spec,
                             absl::string_view name) {
  YOLOQ_CHECK_FIELD(spec.score_threshold() >= 0 && spec.score_threshold() < 1,
                    "evaluation.score_threshold", "is not in [0, 1)");
  YOLOQ_CHECK_FIELD(
      spec.nms_iou_threshold() > 0 && spec.nms_iou_threshold() <= 1,
      "evaluation.nms_iou_threshold", "is not in (0, 1]");
  YOLOQ_CHECK_FIELD(
      spec.match_iou_threshold() > 0 && spec.match_iou_threshold() <= 1,
      "evaluation.match_iou_threshold", "is not in (0, 1]");
  YOLOQ_CHECK_FIELD(spec.max_detections_per_class() >= 0,
                    "evaluation.max_detections_per_class", "is negative");
  YOLOQ_CHECK_FIELD(
      spec.bootstrap_resamples() >= 1 && spec.bootstrap_resamples() <= 1000000,
      "evaluation.bootstrap_resamples", "is not in [1, 1000000]");
  return absl::OkStatus();
}

absl::Status CheckLatency(const LatencySpec& spec, absl::string_view name) {
  const std::vector<std::string> devices = EmbeddedDevices();
  const bool is_path = absl::StrContains(spec.device(), '/') ||
                       absl::StrContains(spec.device(), '.');
  YOLOQ_CHECK_FIELD(
      is_path || std::find(devices.begin(), devices.end(), spec.device()) !=
                     devices.end(),
      "latency.device",
      absl::StrCat("\"", spec.device(), "\" is not known; there are ",
                   absl::StrJoin(devices, ", "),
                   ", and paths of device specs"));
  YOLOQ_CHECK_FIELD(spec.threads() >= 1 && spec.threads() <= 1024,
                    "latency.threads", "is not in [1, 1024]");
  YOLOQ_CHECK_FIELD(spec.warmup_runs() >= 0, "latency.warmup_runs",
                    "is negative");
  YOLOQ_CHECK_FIELD(spec.min_runs() >= 1, "latency.min_runs", "is below 1");
  YOLOQ_CHECK_FIELD(spec.min_seconds() >= 0, "latency.min_seconds",
                    "is negative");
  YOLOQ_CHECK_FIELD(spec.max_relative_interval() >= 0,
                    "latency.max_relative_interval", "is negative");
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> EmbeddedExperiments() {
  return NamesIn(kExperimentFolder);
}

std::vector<std::string> EmbeddedProfiles() { return NamesIn(kProfileFolder); }

absl::StatusOr<ExperimentSpec> LoadExperiment(const std::string& name) {
  ExperimentSpec spec;
  YOLOQ_RETURN_IF_ERROR(Load(name, "experiment", kExperimentFolder, &spec));
  YOLOQ_RETURN_IF_ERROR(CheckExperiment(spec, name));
  return spec;
}

absl::StatusOr<ProfileSpec> LoadProfile(const std::string& name) {
  ProfileSpec spec;
  YOLOQ_RETURN_IF_ERROR(Load(name, "profile", kProfileFolder, &spec));
  if (!IsIdentifier(spec.name())) {
    return Invalid(name, "name", "is not of letters, digits and '_'");
  }
  return spec;
}

absl::StatusOr<AblationSpec> LoadAblation(const std::string& name) {
  AblationSpec spec;
  YOLOQ_RETURN_IF_ERROR(Load(name, "study", kStudyFolder, &spec));
  std::set<std::string> names;
  for (const AblationSpec::Recipe& recipe : spec.recipes()) {
    YOLOQ_CHECK_FIELD(!recipe.name().empty(), "recipes.name", "is required");
    YOLOQ_CHECK_FIELD(names.insert(recipe.name()).second, "recipes.name",
                      absl::StrCat("\"", recipe.name(), "\" is there twice"));
    YOLOQ_RETURN_IF_ERROR(
        Annotate(ResolveScheme(recipe.quantization()).status(),
                 absl::StrCat(name, ": recipe \"", recipe.name(), "\"")));
    YOLOQ_RETURN_IF_ERROR(
        Annotate(ResolveQatSpec(recipe.qat()).status(),
                 absl::StrCat(name, ": recipe \"", recipe.name(), "\"")));
  }
  YOLOQ_CHECK_FIELD(
      names.count(spec.plain()) > 0, "plain",
      absl::StrCat("\"", spec.plain(), "\" is the name of no recipe"));
  return spec;
}

absl::Status CheckExperiment(const ExperimentSpec& spec,
                             absl::string_view name) {
  YOLOQ_CHECK_FIELD(IsIdentifier(spec.name()), "name",
                    "is not of letters, digits and '_'");
  YOLOQ_CHECK_FIELD(!spec.method().empty(), "method", "is required");
  YOLOQ_CHECK_FIELD(spec.kind() != ExperimentSpec::KIND_UNSPECIFIED, "kind",
                    "is required");
  const bool all_set = spec.backbone() != PRECISION_UNSPECIFIED &&
                       spec.neck() != PRECISION_UNSPECIFIED &&
                       spec.head() != PRECISION_UNSPECIFIED;
  YOLOQ_CHECK_FIELD(all_set, "backbone, neck, head", "are all required");
  const bool any_int8 =
      spec.backbone() == INT8 || spec.neck() == INT8 || spec.head() == INT8;
  const bool baseline = spec.kind() == ExperimentSpec::BASELINE;
  YOLOQ_CHECK_FIELD(any_int8 != baseline, "kind",
                    baseline ? "BASELINE has no INT8 part"
                             : "PTQ and QAT have at least one INT8 part");
  return absl::OkStatus();
}

absl::Status CheckProfile(const ProfileSpec& spec) {
  const std::string name = absl::StrCat("profile ", spec.name());
  YOLOQ_RETURN_IF_ERROR(CheckModel(spec.model(), "model", name));
  if (spec.has_deployment_model()) {
    YOLOQ_RETURN_IF_ERROR(
        CheckModel(spec.deployment_model(), "deployment_model", name));
  }
  YOLOQ_RETURN_IF_ERROR(CheckData(spec.data(), name));
  YOLOQ_CHECK_FIELD(
      spec.preprocess().resize() != PreprocessSpec::RESIZE_UNSPECIFIED,
      "preprocess.resize", "is required: STRETCH or LETTERBOX");
  YOLOQ_RETURN_IF_ERROR(CheckEvaluation(spec.evaluation(), name));
  YOLOQ_RETURN_IF_ERROR(CheckLatency(spec.latency(), name));
  YOLOQ_CHECK_FIELD(spec.native().transform_budget_mb() >= 0 &&
                        spec.native().transform_budget_mb() <= 1000000,
                    "native.transform_budget_mb", "is not in [0, 1000000]");
  if (spec.has_training()) {
    YOLOQ_RETURN_IF_ERROR(
        Annotate(CheckTrainingSpec(spec.training()), name + ": training"));
  }
  YOLOQ_RETURN_IF_ERROR(
      Annotate(ResolveQatSpec(spec.qat()).status(), name + ": qat"));
  std::set<uint64_t> seeds = {spec.quantization().calibration_seed()};
  for (const uint64_t seed : spec.calibration_draw_seeds()) {
    YOLOQ_CHECK_FIELD(seeds.insert(seed).second, "calibration_draw_seeds",
                      absl::StrCat(seed,
                                   " is there twice, or is "
                                   "quantization.calibration_seed"));
  }
  return Annotate(ResolveScheme(spec.quantization()).status(), name);
}

#undef YOLOQ_CHECK_FIELD

}  // namespace yoloq
