#include "experiments/ablation_study.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "experiments/qat_stage.h"
#include "google/protobuf/text_format.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kSchemaVersion = 1;
constexpr PartPrecisions kAllInt8 = {INT8, INT8, INT8};

// The recipe's choices; what it leaves open, and which images are seen, is the
// profile's.
QuantizationSpec Combine(const QuantizationSpec& profile,
                         const QuantizationSpec& recipe) {
  QuantizationSpec combined;
  *combined.mutable_activation_observer() = profile.activation_observer();
  combined.set_calibration_images(profile.calibration_images());
  combined.set_calibration_seed(profile.calibration_seed());
  combined.set_reconstruction_images(profile.reconstruction_images());
  combined.set_ada_round_steps(profile.ada_round_steps());
  if (recipe.has_activation_observer()) {
    combined.clear_activation_observer();
  }
  combined.MergeFrom(recipe);
  return combined;
}

std::string OneLine(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(message, &text);
  if (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

class Study {
 public:
  static absl::StatusOr<Study> Create(Workbench* workbench) {
    Study study(workbench);
    YOLOQ_ASSIGN_OR_RETURN(const ExportedModel fp32,
                           study.baseline_->Export({FP32, FP32, FP32}));
    YOLOQ_ASSIGN_OR_RETURN(study.fp32_, study.baseline_->Evaluate(
                                            fp32, workbench->options().engine));
    return study;
  }

  absl::StatusOr<AblationResult> Skeleton(const AblationSpec& spec) {
    AblationResult result;
    result.set_schema_version(kSchemaVersion);
    *result.mutable_profile() = workbench_->profile();
    *result.mutable_provenance() = workbench_->MakeProvenance();
    *result.mutable_model() = workbench_->network().Measured();
    result.set_engine(workbench_->options().engine);
    result.set_plain_recipe(spec.plain());
    YOLOQ_ASSIGN_OR_RETURN(const Scorer scorer, workbench_->MakeScorer());
    YOLOQ_ASSIGN_OR_RETURN(const Score fp32, scorer.Compute(fp32_, nullptr));
    result.set_images(fp32.accuracy.images());
    result.set_map_fp32(scorer.TableMap(fp32.accuracy));
    return result;
  }

  absl::StatusOr<AblationRow> Row(const AblationSpec::Recipe& recipe) {
    AblationRow row;
    row.set_recipe(recipe.name());
    row.set_trained(recipe.has_qat());
    const QuantizationSpec quantization =
        Combine(workbench_->profile().quantization(), recipe.quantization());
    row.set_spec(OneLine(recipe.quantization()));
    if (recipe.has_qat()) {
      absl::StrAppend(&*row.mutable_spec(), " qat { ", OneLine(recipe.qat()),
                      " }");
      if (!workbench_->profile().has_training()) {
        row.set_not_run("the profile has no training");
        return row;
      }
    }
    const std::unique_ptr<Pipeline> pipeline =
        workbench_->MakePipeline(quantization);
    YOLOQ_ASSIGN_OR_RETURN(
        const ExportedModel model,
        recipe.has_qat() ? ExportTrained(recipe, quantization, *pipeline, &row)
                         : ExportCalibrated(*pipeline, &row));
    YOLOQ_RETURN_IF_ERROR(AddAccuracy(model, *pipeline, &row));
    return row;
  }

 private:
  explicit Study(Workbench* workbench)
      : workbench_(workbench), baseline_(workbench->MakePipeline()) {}

  absl::StatusOr<ExportedModel> ExportCalibrated(Pipeline& pipeline,
                                                 AblationRow* row) {
    YOLOQ_ASSIGN_OR_RETURN(ExportedModel model, pipeline.Export(kAllInt8));
    row->set_seconds(model.stage.record.seconds() +
                     model.calibration->record.seconds());
    return model;
  }

  absl::StatusOr<ExportedModel> ExportTrained(
      const AblationSpec::Recipe& recipe, const QuantizationSpec& quantization,
      Pipeline& pipeline, AblationRow* row) {
    ProfileSpec profile = workbench_->profile();
    *profile.mutable_quantization() = quantization;
    profile.mutable_qat()->MergeFrom(recipe.qat());
    YOLOQ_ASSIGN_OR_RETURN(
        const TrainedModel trained,
        TrainQuantized(profile, kAllInt8, &workbench_->sets(),
                       &workbench_->network(), &workbench_->cache()));
    YOLOQ_ASSIGN_OR_RETURN(ExportedModel model,
                           pipeline.ExportTrained(kAllInt8, trained));
    row->set_seconds(model.stage.record.seconds() +
                     trained.stage.record.seconds());
    return model;
  }

  absl::Status AddAccuracy(const ExportedModel& model, Pipeline& pipeline,
                           AblationRow* row) {
    YOLOQ_ASSIGN_OR_RETURN(
        const EvaluatedModel evaluated,
        pipeline.Evaluate(model, workbench_->options().engine));
    YOLOQ_ASSIGN_OR_RETURN(const Scorer scorer, workbench_->MakeScorer());
    YOLOQ_ASSIGN_OR_RETURN(const Score score,
                           scorer.Compute(evaluated, &fp32_));
    row->set_map(scorer.TableMap(score.accuracy));
    const Interval& change = score.accuracy.map_change_interval();
    row->mutable_drop_interval()->set_low(-change.high());
    row->mutable_drop_interval()->set_high(-change.low());
    return absl::OkStatus();
  }

  Workbench* workbench_;
  std::unique_ptr<Pipeline> baseline_;
  EvaluatedModel fp32_;
};

}  // namespace

absl::StatusOr<AblationResult> StudyAblation(const AblationSpec& spec,
                                             const ProfileSpec& profile,
                                             const RunnerOptions& options) {
  if (profile.data().noise_only()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "profile ", profile.name(),
        " has no data: an ablation compares accuracies; take another "
        "--profile"));
  }
  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<Workbench> workbench,
                         Workbench::Open(profile, options));
  YOLOQ_ASSIGN_OR_RETURN(Study study, Study::Create(workbench.get()));
  YOLOQ_ASSIGN_OR_RETURN(AblationResult result, study.Skeleton(spec));
  Progress progress("ablation", spec.recipes_size(), "recipes");
  for (const AblationSpec::Recipe& recipe : spec.recipes()) {
    absl::StatusOr<AblationRow> row = study.Row(recipe);
    YOLOQ_RETURN_IF_ERROR(Annotate(row.status(), recipe.name()));
    *result.add_rows() = *std::move(row);
    progress.Advance(1);
  }
  return result;
}

}  // namespace yoloq
