#include "experiments/runner.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "experiments/image_sets.h"
#include "experiments/network.h"
#include "experiments/pipeline.h"
#include "experiments/qat_stage.h"
#include "experiments/scoring.h"
#include "experiments/spec_files.h"
#include "experiments/workbench.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kSchemaVersion = 1;

PartPrecisions PrecisionsOf(const ExperimentSpec& spec) {
  PartPrecisions precisions;
  precisions.backbone = spec.backbone();
  precisions.neck = spec.neck();
  precisions.head = spec.head();
  return precisions;
}

bool IsAllInt8(const ExperimentSpec& spec) {
  return spec.backbone() == INT8 && spec.neck() == INT8 && spec.head() == INT8;
}

// A device that computes something else is no measure of this model.
void InvalidateWhereDifferent(RunResult* result) {
  const DeviceCheck& check = result->device_check();
  if (!result->has_latency() || !check.must_be_equal() ||
      check.equal_heads() == check.images()) {
    return;
  }
  result->mutable_latency()->set_valid(false);
  result->mutable_latency()->add_invalid_reasons(absl::StrCat(
      "the device computes other values than the host on ",
      check.images() - check.equal_heads(), " of ", check.images(), " images"));
}

// Latency and size depend on the arithmetic, not on the ranges: some range for
// every tensor is enough, and nothing is tuned.
ProfileSpec ForDeployment(ProfileSpec profile) {
  constexpr int kNoisePictures = 2;
  QuantizationSpec* quantization = profile.mutable_quantization();
  quantization->set_calibration_images(kNoisePictures);
  quantization->clear_cross_layer_equalization();
  quantization->clear_ada_round();
  quantization->clear_bias_correction();
  return profile;
}

// State shared by the experiments of one call.
class Runner {
 public:
  static absl::StatusOr<std::unique_ptr<Runner>> Create(Workbench* workbench);

  absl::StatusOr<RunResult> Run(const ExperimentSpec& experiment);

  // After all experiments have run: the differences that the result's spec asks
  // for.
  absl::Status AddComparisons(RunResult* result);

 private:
  explicit Runner(Workbench* workbench)
      : workbench_(*workbench), pipeline_(workbench->MakePipeline()) {}

  const ProfileSpec& profile() const { return workbench_.profile(); }
  const std::string& engine() const { return workbench_.options().engine; }

  // The pipeline whose models are measured for size and latency.
  Pipeline& deployment() {
    return deployment_pipeline_ ? *deployment_pipeline_ : *pipeline_;
  }

  RunResult Skeleton(const ExperimentSpec& experiment) const;
  absl::Status AddSizeAndLatency(const PartPrecisions& precisions,
                                 RunResult* result);
  // Of the model that `pipeline` exported; the latency measured and modelled.
  absl::Status AddSizeAndLatencyOf(const ExportedModel& model,
                                   Pipeline* pipeline, RunResult* result);
  absl::Status AddAccuracy(const ExperimentSpec& experiment, RunResult* result);
  // Both by the integer model and by its simulation.
  absl::Status AddAccuracyOf(const ExportedModel& model, RunResult* result);
  // Quantization-aware training; it measures the exported model's size and
  // latency too where there is no other network for them.
  absl::Status AddTrained(const ExperimentSpec& experiment, RunResult* result);
  absl::Status AddCalibrationDraws(const ExperimentSpec& experiment,
                                   RunResult* result);
  absl::Status AddCalibration(RunResult* result);
  absl::Status AddInputDigests(RunResult* result);
  // Scores against the truth and, where there is one, against the baseline.
  absl::StatusOr<AccuracyResult> ScoreInto(const EvaluatedModel& evaluated,
                                           RunResult* result);

  Workbench& workbench_;
  std::unique_ptr<Network> deployment_network_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Pipeline> deployment_pipeline_;
  std::map<uint64_t, std::unique_ptr<Pipeline>> draws_;  // by seed
  // Of the experiments that were run, by name.
  std::map<std::string, EvaluatedModel> evaluated_;
  std::string baseline_;  // its name; "": not run yet
};

absl::StatusOr<std::unique_ptr<Runner>> Runner::Create(Workbench* workbench) {
  std::unique_ptr<Runner> runner(new Runner(workbench));
  const ProfileSpec& profile = workbench->profile();
  for (const uint64_t seed : profile.calibration_draw_seeds()) {
    QuantizationSpec drawn = profile.quantization();
    drawn.set_calibration_seed(seed);
    runner->draws_[seed] = workbench->MakePipeline(drawn);
  }
  if (profile.has_deployment_model()) {
    YOLOQ_ASSIGN_OR_RETURN(Network deployed,
                           Network::Open(profile.deployment_model()));
    runner->deployment_network_ =
        std::make_unique<Network>(std::move(deployed));
    runner->deployment_pipeline_ =
        std::make_unique<Pipeline>(ForDeployment(profile), /*sets=*/nullptr,
                                   runner->deployment_network_.get(),
                                   &workbench->cache(), workbench->bench());
  }
  return runner;
}

RunResult Runner::Skeleton(const ExperimentSpec& experiment) const {
  RunResult result;
  result.set_schema_version(kSchemaVersion);
  *result.mutable_experiment() = experiment;
  *result.mutable_profile() = profile();
  *result.mutable_provenance() = workbench_.MakeProvenance();
  for (const StageRecord& stage : workbench_.prepared()) {
    *result.add_stages() = stage;
  }
  return result;
}

// The stages that made it.
void AddExport(const ExportedModel& model, RunResult* result) {
  if (model.calibration.has_value()) {
    *result->add_stages() = model.calibration->record;
  }
  *result->add_stages() = model.stage.record;
}

absl::Status Runner::AddSizeAndLatency(const PartPrecisions& precisions,
                                       RunResult* result) {
  YOLOQ_ASSIGN_OR_RETURN(const ExportedModel model,
                         deployment().Export(precisions));
  return AddSizeAndLatencyOf(model, &deployment(), result);
}

absl::Status Runner::AddSizeAndLatencyOf(const ExportedModel& model,
                                         Pipeline* pipeline,
                                         RunResult* result) {
  AddExport(model, result);
  *result->mutable_model_size() = model.size;
  YOLOQ_ASSIGN_OR_RETURN(
      *result->mutable_latency(),
      pipeline->Measure(model, engine(), result->add_stages()));
  YOLOQ_ASSIGN_OR_RETURN(*result->mutable_modelled_latency(),
                         pipeline->ModelLatency(model, result->add_stages()));
  return absl::OkStatus();
}

absl::StatusOr<AccuracyResult> Runner::ScoreInto(
    const EvaluatedModel& evaluated, RunResult* result) {
  YOLOQ_ASSIGN_OR_RETURN(const Scorer scorer, workbench_.MakeScorer());
  const auto baseline = evaluated_.find(baseline_);
  YOLOQ_ASSIGN_OR_RETURN(Score score,
                         scorer.Compute(evaluated, baseline == evaluated_.end()
                                                       ? nullptr
                                                       : &baseline->second));
  *score.accuracy.mutable_model() = workbench_.network().Measured();
  *result->add_stages() = evaluated.stage.record;
  *result->add_stages() = score.stage;
  return std::move(score.accuracy);
}

absl::Status Runner::AddAccuracyOf(const ExportedModel& model,
                                   RunResult* result) {
  const ExperimentSpec& experiment = result->experiment();
  if (deployment_pipeline_ != nullptr) AddExport(model, result);
  YOLOQ_ASSIGN_OR_RETURN(EvaluatedModel evaluated,
                         pipeline_->Evaluate(model, engine()));
  YOLOQ_ASSIGN_OR_RETURN(*result->mutable_accuracy(),
                         ScoreInto(evaluated, result));
  evaluated_[experiment.name()] = std::move(evaluated);
  if (workbench_.bench() != nullptr) {
    YOLOQ_ASSIGN_OR_RETURN(
        *result->mutable_device_check(),
        pipeline_->CheckDevice(model, engine(), IsAllInt8(experiment),
                               result->add_stages()));
  }
  if (experiment.kind() == ExperimentSpec::BASELINE) {
    baseline_ = experiment.name();
    return absl::OkStatus();
  }
  YOLOQ_ASSIGN_OR_RETURN(const EvaluatedModel simulated,
                         pipeline_->EvaluateFakeQuantized(model));
  YOLOQ_ASSIGN_OR_RETURN(*result->mutable_fake_quant_accuracy(),
                         ScoreInto(simulated, result));
  return absl::OkStatus();
}

absl::Status Runner::AddAccuracy(const ExperimentSpec& experiment,
                                 RunResult* result) {
  if (profile().data().noise_only()) {
    (*result->mutable_not_run())["accuracy"] = "the profile has no data";
    (*result->mutable_not_run())["fake_quant_accuracy"] =
        "the profile has no data";
    return absl::OkStatus();
  }
  YOLOQ_ASSIGN_OR_RETURN(const ExportedModel model,
                         pipeline_->Export(PrecisionsOf(experiment)));
  YOLOQ_RETURN_IF_ERROR(AddAccuracyOf(model, result));
  return AddCalibrationDraws(experiment, result);
}

absl::Status Runner::AddCalibrationDraws(const ExperimentSpec& experiment,
                                         RunResult* result) {
  const PartPrecisions precisions = PrecisionsOf(experiment);
  if (draws_.empty() || !precisions.any_int8()) return absl::OkStatus();
  YOLOQ_ASSIGN_OR_RETURN(const Scorer scorer, workbench_.MakeScorer());
  const auto add = [&](uint64_t seed, const AccuracyResult& accuracy) {
    CalibrationDraw* draw = result->add_calibration_draws();
    draw->set_seed(seed);
    draw->set_map(scorer.TableMap(accuracy));
  };
  add(profile().quantization().calibration_seed(), result->accuracy());
  for (const auto& [seed, pipeline] : draws_) {
    YOLOQ_ASSIGN_OR_RETURN(const ExportedModel model,
                           pipeline->Export(precisions));
    YOLOQ_ASSIGN_OR_RETURN(const EvaluatedModel evaluated,
                           pipeline->Evaluate(model, engine()));
    YOLOQ_ASSIGN_OR_RETURN(const Score score,
                           scorer.Compute(evaluated, nullptr));
    add(seed, score.accuracy);
  }
  return absl::OkStatus();
}

absl::Status Runner::AddTrained(const ExperimentSpec& experiment,
                                RunResult* result) {
  const PartPrecisions precisions = PrecisionsOf(experiment);
  const char* missing = nullptr;
  if (profile().data().noise_only()) missing = "the profile has no data";
  if (!profile().has_training()) missing = "the profile has no training";
  if (missing != nullptr) {
    for (const char* value : {"accuracy", "fake_quant_accuracy"}) {
      (*result->mutable_not_run())[value] = missing;
    }
    return AddSizeAndLatency(precisions, result);
  }
  YOLOQ_ASSIGN_OR_RETURN(
      const TrainedModel trained,
      TrainQuantized(profile(), precisions, &workbench_.sets(),
                     &workbench_.network(), &workbench_.cache()));
  *result->add_stages() = trained.stage.record;
  YOLOQ_ASSIGN_OR_RETURN(const ExportedModel model,
                         pipeline_->ExportTrained(precisions, trained));
  YOLOQ_RETURN_IF_ERROR(AddAccuracyOf(model, result));
  if (deployment_pipeline_ != nullptr) {
    return AddSizeAndLatency(precisions, result);
  }
  return AddSizeAndLatencyOf(model, pipeline_.get(), result);
}

absl::Status Runner::AddCalibration(RunResult* result) {
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                         pipeline_->CalibrationIds());
  for (const std::string& id : ids) result->add_calibration_ids(id);
  return absl::OkStatus();
}

absl::Status Runner::AddInputDigests(RunResult* result) {
  auto& digests = *result->mutable_provenance()->mutable_input_digests();
  if (!workbench_.network().weights_sha256().empty()) {
    digests[profile().model().weights()] =
        workbench_.network().weights_sha256();
  }
  if (profile().data().noise_only()) return absl::OkStatus();
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* test, workbench_.sets().Test());
  digests[absl::StrCat("test images (", test->images.size(), ")")] =
      test->sha256;
  if (profile().has_training()) {
    YOLOQ_ASSIGN_OR_RETURN(const ImageSet* training,
                           workbench_.sets().Training());
    digests[absl::StrCat("training images (", training->images.size(), ")")] =
        training->sha256;
  }
  if (result->calibration_ids().empty()) return absl::OkStatus();
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* calibration,
                         pipeline_->CalibrationSet());
  digests[absl::StrCat("calibration images (", calibration->images.size(),
                       ")")] = calibration->sha256;
  return absl::OkStatus();
}

absl::StatusOr<RunResult> Runner::Run(const ExperimentSpec& experiment) {
  RunResult result = Skeleton(experiment);
  if (experiment.kind() == ExperimentSpec::QAT) {
    YOLOQ_RETURN_IF_ERROR(AddTrained(experiment, &result));
  } else {
    const PartPrecisions precisions = PrecisionsOf(experiment);
    YOLOQ_RETURN_IF_ERROR(AddAccuracy(experiment, &result));
    YOLOQ_RETURN_IF_ERROR(AddSizeAndLatency(precisions, &result));
    if (precisions.any_int8()) YOLOQ_RETURN_IF_ERROR(AddCalibration(&result));
  }
  InvalidateWhereDifferent(&result);
  YOLOQ_RETURN_IF_ERROR(AddInputDigests(&result));
  return result;
}

absl::Status Runner::AddComparisons(RunResult* result) {
  const auto run = evaluated_.find(result->experiment().name());
  if (run == evaluated_.end()) return absl::OkStatus();
  YOLOQ_ASSIGN_OR_RETURN(const Scorer scorer, workbench_.MakeScorer());
  for (const std::string& name : result->experiment().compared_with()) {
    const auto other = evaluated_.find(name);
    if (other == evaluated_.end()) continue;
    YOLOQ_ASSIGN_OR_RETURN(const Score score,
                           scorer.Compute(run->second, &other->second));
    PairedDifference* difference = result->add_comparisons();
    difference->set_other(name);
    difference->set_map_difference(score.accuracy.map_change());
    *difference->mutable_interval() = score.accuracy.map_change_interval();
  }
  return absl::OkStatus();
}

bool IsBaseline(const ExperimentSpec& spec) {
  return spec.kind() == ExperimentSpec::BASELINE;
}

}  // namespace

absl::StatusOr<RunResults> RunExperiments(
    const std::vector<ExperimentSpec>& experiments, const ProfileSpec& profile,
    const RunnerOptions& options) {
  std::vector<ExperimentSpec> ordered = experiments;
  if (std::none_of(ordered.begin(), ordered.end(), IsBaseline)) {
    YOLOQ_ASSIGN_OR_RETURN(ExperimentSpec baseline, LoadExperiment("baseline"));
    ordered.push_back(std::move(baseline));
  }
  std::stable_partition(ordered.begin(), ordered.end(), IsBaseline);

  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<Workbench> workbench,
                         Workbench::Open(profile, options));
  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<Runner> runner,
                         Runner::Create(workbench.get()));
  RunResults results;
  for (const ExperimentSpec& experiment : ordered) {
    YOLOQ_ASSIGN_OR_RETURN(RunResult result, runner->Run(experiment));
    *results.add_results() = std::move(result);
  }
  for (RunResult& result : *results.mutable_results()) {
    YOLOQ_RETURN_IF_ERROR(runner->AddComparisons(&result));
  }
  return results;
}

}  // namespace yoloq
