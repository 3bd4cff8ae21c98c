#include "experiments/prepare.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "eval/synthetic_voc.h"
#include "experiments/estimate.h"
#include "experiments/image_sets.h"
#include "experiments/network.h"
#include "experiments/training_outcome.h"
#include "model/darknet_weights.h"
#include "model/graph.h"
#include "model/torch_executor.h"
#include "model/torch_kernels.h"
#include "model/training/trainer.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kDrawVersion = 1;
constexpr int kTrainVersion = 1;
constexpr char kDataFolder[] = "VOCdevkit";

absl::Status DrawData(const SyntheticDataSpec& spec,
                      const std::string& folder) {
  SyntheticVocOptions options;
  options.seed = spec.seed();
  options.train_images = spec.train_images();
  options.val_images = spec.val_images();
  options.test_images = spec.test_images();
  if (spec.min_side() > 0) options.scene.min_side = spec.min_side();
  if (spec.max_side() > 0) options.scene.max_side = spec.max_side();
  options.scene.difficulty = spec.difficulty();
  return WriteSyntheticVoc(JoinPath(folder, kDataFolder), options);
}

absl::StatusOr<StageEntry> Draw(const SyntheticDataSpec& spec,
                                StageCache* cache) {
  StageInputs inputs("draw", kDrawVersion);
  inputs.Add("data", spec);
  inputs.Add("scenes", kSyntheticSceneVersion);
  return cache->Get(inputs, [&](const std::string& folder) {
    return DrawData(spec, folder);
  });
}

// The weights that training begins from.
absl::StatusOr<Weights> InitialWeights(const ModelSpec& spec,
                                       const Graph& graph) {
  Weights random = RandomWeights(graph, spec.weight_seed());
  if (spec.pretrained().empty()) return random;
  YOLOQ_ASSIGN_OR_RETURN(
      DarknetWeights read,
      ReadPartialDarknetWeights(spec.pretrained(), graph, std::move(random)));
  return std::move(read.weights);
}

absl::Status TrainInto(const std::string& folder, const ProfileSpec& profile,
                       const Network& network, const ImageSet& set) {
  YOLOQ_ASSIGN_OR_RETURN(Weights initial,
                         InitialWeights(profile.model(), network.graph()));
  YOLOQ_RETURN_IF_ERROR(AnnounceTraining(
      "train", network.graph(), initial, profile.training(), set.images,
      profile.preprocess(), folder, /*trial_hooks=*/nullptr));
  TrainOptions options;
  options.folder = folder;
  YOLOQ_ASSIGN_OR_RETURN(
      TrainingOutcome outcome,
      Train(network.graph(), std::move(initial), profile.training(), set.images,
            profile.preprocess(), options));
  return WriteTrainingOutcome(folder, network.graph(), set.images.size(),
                              std::move(outcome));
}

absl::StatusOr<StageEntry> TrainBaseline(const ProfileSpec& profile,
                                         const std::string& cache_folder,
                                         StageCache* cache) {
  YOLOQ_ASSIGN_OR_RETURN(const Network network, Network::Open(profile.model()));
  ImageSets sets(profile.data(), network.class_names(), cache_folder);
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, sets.Training());
  StageInputs inputs("train", kTrainVersion);
  inputs.Add("network", network.key());
  if (!profile.model().pretrained().empty()) {
    YOLOQ_ASSIGN_OR_RETURN(const std::string sha256,
                           FileSha256Hex(profile.model().pretrained()));
    inputs.Add("pretrained", sha256);
  }
  inputs.Add("training", profile.training());
  inputs.Add("images", set->sha256);
  inputs.Add("preprocess", profile.preprocess());
  inputs.Add("LibTorch", TorchVersion());
  inputs.Add("kernels", TorchKernels());
  return cache->Get(inputs, [&](const std::string& folder) {
    return TrainInto(folder, profile, network, *set);
  });
}

}  // namespace

absl::StatusOr<PreparedProfile> PrepareProfile(const ProfileSpec& profile,
                                               const std::string& cache_folder,
                                               StageCache* cache) {
  PreparedProfile prepared;
  prepared.profile = profile;
  if (profile.data().has_synthetic()) {
    YOLOQ_ASSIGN_OR_RETURN(const StageEntry drawn,
                           Draw(profile.data().synthetic(), cache));
    prepared.profile.mutable_data()->set_voc_root(
        JoinPath(drawn.folder, kDataFolder));
    prepared.stages.push_back(drawn.record);
  }
  if (profile.has_training() && profile.model().weights().empty()) {
    YOLOQ_ASSIGN_OR_RETURN(
        const StageEntry trained,
        TrainBaseline(prepared.profile, cache_folder, cache));
    prepared.profile.mutable_model()->set_weights(
        TrainedWeightsPath(trained.folder));
    prepared.stages.push_back(trained.record);
  }
  return prepared;
}

}  // namespace yoloq
