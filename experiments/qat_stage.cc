#include "experiments/qat_stage.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "experiments/estimate.h"
#include "experiments/training_outcome.h"
#include "model/darknet_weights.h"
#include "model/graph.h"
#include "model/torch_executor.h"
#include "model/torch_kernels.h"
#include "model/training/trainer.h"
#include "quant/node_precision.h"
#include "quant/qat.h"
#include "quant/scheme.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kQatVersion = 1;
constexpr char kLearnedFile[] = "learned.binpb";

// The fields that the simulation reads.
QuantizationSpec SimulatedFields(const QuantizationSpec& resolved) {
  QuantizationSpec spec;
  spec.set_scheme(resolved.scheme());
  spec.set_weights(resolved.weights());
  spec.set_leaky(resolved.leaky());
  spec.set_concat(resolved.concat());
  return spec;
}

struct QatPlan {
  QuantizationSpec quantization;
  QatSpec qat;
  TrainingSpec training;
  std::vector<Precision> precision;  // one a node
  std::string precision_text;
};

absl::StatusOr<QatPlan> MakePlan(const ProfileSpec& profile,
                                 const PartPrecisions& precisions,
                                 const Graph& graph) {
  QatPlan plan;
  YOLOQ_ASSIGN_OR_RETURN(const QuantizationSpec resolved,
                         ResolveScheme(profile.quantization()));
  plan.quantization = SimulatedFields(resolved);
  YOLOQ_ASSIGN_OR_RETURN(plan.qat, ResolveQatSpec(profile.qat()));
  plan.training = QatTrainingSpec(profile.training(), plan.qat);
  plan.precision = PrecisionByPart(graph, precisions.backbone, precisions.neck,
                                   precisions.head);
  plan.precision_text = PrecisionText(precisions);
  return plan;
}

absl::Status TrainInto(const std::string& folder, const ProfileSpec& profile,
                       const QatPlan& plan, const ImageSet& set,
                       Network* network) {
  const Graph& graph = network->graph();
  const auto make_hooks = [&] {
    return QatHooks::Create(graph, plan.quantization, plan.qat, plan.precision);
  };
  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<QatHooks> trial_hooks,
                         make_hooks());
  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<QatHooks> hooks, make_hooks());
  YOLOQ_ASSIGN_OR_RETURN(const Weights* weights, network->LoadWeights());
  YOLOQ_RETURN_IF_ERROR(AnnounceTraining("qat", graph, *weights, plan.training,
                                         set.images, profile.preprocess(),
                                         folder, trial_hooks.get()));
  TrainOptions options;
  options.folder = folder;
  options.hooks = hooks.get();
  options.fingerprint = hooks->Fingerprint();
  options.label = "qat";
  YOLOQ_ASSIGN_OR_RETURN(TrainingOutcome outcome,
                         Train(graph, *weights, plan.training, set.images,
                               profile.preprocess(), options));
  YOLOQ_ASSIGN_OR_RETURN(const Calibration learned, hooks->Result());
  YOLOQ_RETURN_IF_ERROR(
      WriteBinaryProto(JoinPath(folder, kLearnedFile), learned));
  return WriteTrainingOutcome(folder, graph, set.images.size(),
                              std::move(outcome));
}

}  // namespace

absl::StatusOr<TrainedModel> TrainQuantized(const ProfileSpec& profile,
                                            const PartPrecisions& precisions,
                                            ImageSets* sets, Network* network,
                                            StageCache* cache) {
  YOLOQ_ASSIGN_OR_RETURN(const QatPlan plan,
                         MakePlan(profile, precisions, network->graph()));
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, sets->Training());
  StageInputs inputs("qat", kQatVersion);
  inputs.Add("network", network->key());
  inputs.Add("precisions", plan.precision_text);
  inputs.Add("quantization", plan.quantization);
  inputs.Add("qat", plan.qat);
  inputs.Add("training", plan.training);
  inputs.Add("images", set->sha256);
  inputs.Add("preprocess", profile.preprocess());
  inputs.Add("LibTorch", TorchVersion());
  inputs.Add("kernels", TorchKernels());
  TrainedModel trained;
  YOLOQ_ASSIGN_OR_RETURN(
      trained.stage, cache->Get(inputs, [&](const std::string& folder) {
        return TrainInto(folder, profile, plan, *set, network);
      }));
  YOLOQ_ASSIGN_OR_RETURN(
      DarknetWeights read,
      ReadDarknetWeights(TrainedWeightsPath(trained.stage.folder),
                         network->graph()));
  trained.weights = std::move(read.weights);
  YOLOQ_RETURN_IF_ERROR(ReadBinaryProto(
      JoinPath(trained.stage.folder, kLearnedFile), &trained.learned));
  return trained;
}

}  // namespace yoloq
