#include "experiments/runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "eval/accuracy.h"
#include "experiments/engines.h"
#include "experiments/network.h"
#include "experiments/pipeline.h"
#include "experiments/prepare.h"
#include "experiments/spec_files.h"
#include "experiments/stage_cache.h"
#include "reports/provenance.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kScoreVersion = 1;
constexpr char kAccuracyFile[] = "accuracy.textproto";

PartPrecisions PrecisionsOf(const ExperimentSpec& spec) {
  PartPrecisions precisions;
  precisions.backbone = spec.backbone();
  precisions.neck = spec.neck();
  precisions.head = spec.head();
  return precisions;
}

// State shared by the experiments of one call.
class Runner {
 public:
  static absl::StatusOr<std::unique_ptr<Runner>> Create(
      const ProfileSpec& profile, const RunnerOptions& options);

  absl::StatusOr<RunResult> Run(const ExperimentSpec& experiment);

 private:
  explicit Runner(const RunnerOptions& options)
      : options_(options),
        cache_(JoinPath(options.cache_folder, "stages"), options.rerun) {}

  // The pipeline whose models are measured for size and latency.
  Pipeline& deployment() {
    return deployment_pipeline_ ? *deployment_pipeline_ : *pipeline_;
  }

  RunResult Skeleton(const ExperimentSpec& experiment) const;
  absl::Status AddSizeAndLatency(const PartPrecisions& precisions,
                                 RunResult* result);
  absl::Status AddAccuracy(const ExperimentSpec& experiment, RunResult* result);
  absl::Status AddCalibration(RunResult* result);
  absl::Status AddInputDigests(RunResult* result);
  // Scores against the truth and, where there is one, against the baseline.
  absl::StatusOr<AccuracyResult> Score(const EvaluatedModel& evaluated,
                                       RunResult* result);
  absl::StatusOr<AccuracyResult> ComputeScore(const EvaluatedModel& evaluated,
                                              const ImageSet& truth) const;

  const RunnerOptions options_;
  StageCache cache_;
  ProfileSpec profile_;                // prepared
  std::vector<StageRecord> prepared_;  // the stages that prepared it
  std::unique_ptr<Network> network_;
  std::unique_ptr<Network> deployment_network_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Pipeline> deployment_pipeline_;
  absl::optional<EvaluatedModel> baseline_;
};

absl::StatusOr<std::unique_ptr<Runner>> Runner::Create(
    const ProfileSpec& profile, const RunnerOptions& options) {
  std::unique_ptr<Runner> runner(new Runner(options));
  YOLOQ_ASSIGN_OR_RETURN(
      PreparedProfile prepared,
      PrepareProfile(profile, options.cache_folder, &runner->cache_));
  runner->profile_ = std::move(prepared.profile);
  runner->prepared_ = std::move(prepared.stages);
  YOLOQ_ASSIGN_OR_RETURN(Network network,
                         Network::Open(runner->profile_.model()));
  runner->network_ = std::make_unique<Network>(std::move(network));
  runner->pipeline_ = std::make_unique<Pipeline>(
      runner->profile_, profile.data().noise_only(), options.cache_folder,
      runner->network_.get(), &runner->cache_);
  if (profile.has_deployment_model()) {
    YOLOQ_ASSIGN_OR_RETURN(Network deployed,
                           Network::Open(profile.deployment_model()));
    runner->deployment_network_ =
        std::make_unique<Network>(std::move(deployed));
    runner->deployment_pipeline_ = std::make_unique<Pipeline>(
        runner->profile_, /*noise_only=*/true, options.cache_folder,
        runner->deployment_network_.get(), &runner->cache_);
  }
  return runner;
}

RunResult Runner::Skeleton(const ExperimentSpec& experiment) const {
  RunResult result;
  result.set_schema_version(kSchemaVersion);
  *result.mutable_experiment() = experiment;
  *result.mutable_profile() = profile_;
  *result.mutable_provenance() = options_.build;
  FillHost(absl::Now(), result.mutable_provenance());
  for (const StageRecord& stage : prepared_) *result.add_stages() = stage;
  return result;
}

absl::Status Runner::AddSizeAndLatency(const PartPrecisions& precisions,
                                       RunResult* result) {
  YOLOQ_ASSIGN_OR_RETURN(const ExportedModel model,
                         deployment().Export(precisions));
  if (model.calibration.has_value()) {
    *result->add_stages() = model.calibration->record;
  }
  *result->add_stages() = model.stage.record;
  *result->mutable_model_size() = model.size;
  YOLOQ_ASSIGN_OR_RETURN(
      *result->mutable_latency(),
      deployment().Measure(model, options_.engine, result->add_stages()));
  return absl::OkStatus();
}

absl::StatusOr<AccuracyResult> Runner::ComputeScore(
    const EvaluatedModel& evaluated, const ImageSet& truth) const {
  const int classes = static_cast<int>(network_->class_names().size());
  YOLOQ_ASSIGN_OR_RETURN(const Matches matches,
                         MatchImages(truth.images, evaluated.detections,
                                     classes, profile_.evaluation()));
  YOLOQ_ASSIGN_OR_RETURN(
      AccuracyResult accuracy,
      ComputeAccuracy(matches, network_->class_names(), profile_.evaluation()));
  if (baseline_.has_value()) {
    YOLOQ_ASSIGN_OR_RETURN(const Matches baseline,
                           MatchImages(truth.images, baseline_->detections,
                                       classes, profile_.evaluation()));
    YOLOQ_RETURN_IF_ERROR(
        SetMapChange(matches, baseline, profile_.evaluation(), &accuracy));
  }
  return accuracy;
}

absl::StatusOr<AccuracyResult> Runner::Score(const EvaluatedModel& evaluated,
                                             RunResult* result) {
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* truth, pipeline_->TestSet());
  StageInputs inputs("score", kScoreVersion);
  inputs.Add("detections", evaluated.sha256);
  inputs.Add("baseline", baseline_.has_value() ? baseline_->sha256 : "none");
  inputs.Add("images", truth->sha256);
  inputs.Add("evaluation", profile_.evaluation());
  YOLOQ_ASSIGN_OR_RETURN(
      const StageEntry entry,
      cache_.Get(inputs, [&](const std::string& folder) -> absl::Status {
        YOLOQ_ASSIGN_OR_RETURN(const AccuracyResult made,
                               ComputeScore(evaluated, *truth));
        return WriteTextProto(JoinPath(folder, kAccuracyFile), made);
      }));
  AccuracyResult accuracy;
  YOLOQ_RETURN_IF_ERROR(
      ReadTextProto(JoinPath(entry.folder, kAccuracyFile), &accuracy));
  accuracy.set_engine(evaluated.engine);
  accuracy.set_detections_sha256(evaluated.sha256);
  accuracy.set_seconds_per_image(evaluated.seconds_per_image);
  *accuracy.mutable_model() = network_->Measured();
  *result->add_stages() = evaluated.stage.record;
  *result->add_stages() = entry.record;
  return accuracy;
}

absl::Status Runner::AddAccuracy(const ExperimentSpec& experiment,
                                 RunResult* result) {
  if (profile_.data().noise_only()) {
    (*result->mutable_not_run())["accuracy"] = "the profile has no data";
    (*result->mutable_not_run())["fake_quant_accuracy"] =
        "the profile has no data";
    return absl::OkStatus();
  }
  const PartPrecisions precisions = PrecisionsOf(experiment);
  YOLOQ_ASSIGN_OR_RETURN(const ExportedModel model,
                         pipeline_->Export(precisions));
  YOLOQ_ASSIGN_OR_RETURN(const EvaluatedModel evaluated,
                         pipeline_->Evaluate(model, options_.engine));
  YOLOQ_ASSIGN_OR_RETURN(*result->mutable_accuracy(), Score(evaluated, result));
  if (experiment.kind() == ExperimentSpec::BASELINE) {
    baseline_ = evaluated;
    return absl::OkStatus();
  }
  YOLOQ_ASSIGN_OR_RETURN(const EvaluatedModel simulated,
                         pipeline_->EvaluateFakeQuantized(model));
  YOLOQ_ASSIGN_OR_RETURN(*result->mutable_fake_quant_accuracy(),
                         Score(simulated, result));
  return absl::OkStatus();
}

absl::Status Runner::AddCalibration(RunResult* result) {
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                         pipeline_->CalibrationIds());
  for (const std::string& id : ids) result->add_calibration_ids(id);
  return absl::OkStatus();
}

absl::Status Runner::AddInputDigests(RunResult* result) {
  auto& digests = *result->mutable_provenance()->mutable_input_digests();
  if (!network_->weights_sha256().empty()) {
    digests[profile_.model().weights()] = network_->weights_sha256();
  }
  if (profile_.data().noise_only()) return absl::OkStatus();
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* test, pipeline_->TestSet());
  digests[absl::StrCat("test images (", test->images.size(), ")")] =
      test->sha256;
  if (!PrecisionsOf(result->experiment()).any_int8()) return absl::OkStatus();
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* calibration,
                         pipeline_->CalibrationSet());
  digests[absl::StrCat("calibration images (", calibration->images.size(),
                       ")")] = calibration->sha256;
  return absl::OkStatus();
}

absl::StatusOr<RunResult> Runner::Run(const ExperimentSpec& experiment) {
  RunResult result = Skeleton(experiment);
  if (experiment.kind() == ExperimentSpec::QAT) {
    for (const char* value :
         {"model_size", "accuracy", "fake_quant_accuracy", "latency"}) {
      (*result.mutable_not_run())[value] =
          "this build has no quantization-aware training";
    }
    return result;
  }
  const PartPrecisions precisions = PrecisionsOf(experiment);
  YOLOQ_RETURN_IF_ERROR(AddAccuracy(experiment, &result));
  YOLOQ_RETURN_IF_ERROR(AddSizeAndLatency(precisions, &result));
  if (precisions.any_int8()) YOLOQ_RETURN_IF_ERROR(AddCalibration(&result));
  YOLOQ_RETURN_IF_ERROR(AddInputDigests(&result));
  return result;
}

bool IsBaseline(const ExperimentSpec& spec) {
  return spec.kind() == ExperimentSpec::BASELINE;
}

}  // namespace

absl::StatusOr<RunResults> RunExperiments(
    const std::vector<ExperimentSpec>& experiments, const ProfileSpec& profile,
    const RunnerOptions& options) {
  YOLOQ_RETURN_IF_ERROR(CheckProfile(profile));
  YOLOQ_RETURN_IF_ERROR(CheckEngineName(options.engine));
  std::vector<ExperimentSpec> ordered = experiments;
  if (std::none_of(ordered.begin(), ordered.end(), IsBaseline)) {
    YOLOQ_ASSIGN_OR_RETURN(ExperimentSpec baseline, LoadExperiment("baseline"));
    ordered.push_back(std::move(baseline));
  }
  std::stable_partition(ordered.begin(), ordered.end(), IsBaseline);

  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<Runner> runner,
                         Runner::Create(profile, options));
  RunResults results;
  for (const ExperimentSpec& experiment : ordered) {
    YOLOQ_ASSIGN_OR_RETURN(RunResult result, runner->Run(experiment));
    *results.add_results() = std::move(result);
  }
  return results;
}

}  // namespace yoloq
