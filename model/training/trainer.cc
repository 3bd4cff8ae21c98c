#include "model/training/trainer.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/graph.h"
#include "model/training/adam.h"
#include "model/training/batch_loader.h"
#include "model/training/checkpoint.h"
#include "model/training/divergence.h"
#include "model/training/fingerprint.h"
#include "model/training/heap.h"
#include "model/training/initialization.h"
#include "model/training/learning_rate.h"
#include "model/training/replicas.h"
#include "model/training/spec_fields.h"
#include "model/training/threads_guard.h"
#include "model/training/trainable_network.h"
#include "model/training/yolo_loss.h"
#include "quant/integer_semantics.h"
#include "tools/base/file.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kCheckpointName[] = "checkpoint.yoloqck";

int BatchSize(const TrainingSpec& spec) {
  return OrDefault(spec.batch_size(), 8);
}

int ReplicaCount(const TrainingSpec& spec) {
  return OrDefault(spec.replicas(), 1);
}

int ThreadsOfReplica(const TrainingSpec& spec) {
  return std::max(1, OrDefault(spec.threads(), 2) / ReplicaCount(spec));
}

absl::Status CheckAdam(const TrainingSpec& spec) {
  constexpr double kBelowOne = 1 - 1e-9;
  YOLOQ_RETURN_IF_ERROR(CheckField("beta1", spec.beta1(), 0, kBelowOne));
  YOLOQ_RETURN_IF_ERROR(CheckField("beta2", spec.beta2(), 0, kBelowOne));
  YOLOQ_RETURN_IF_ERROR(CheckField("epsilon", spec.epsilon(), 0, 1));
  YOLOQ_RETURN_IF_ERROR(CheckField("weight_decay", spec.weight_decay(), 0, 10));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("gradient_clip_norm", spec.gradient_clip_norm(), 0, 1e9));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("ema_decay", spec.ema_decay(), 0, kBelowOne));
  return CheckField("divergence_factor", spec.divergence_factor(), 0, 1e9);
}

absl::Status CheckImages(const Graph& graph, const TrainingSpec& spec,
                         absl::Span<const VocImage> images) {
  YOLOQ_ASSIGN_OR_RETURN(const int classes, ClassCount(graph));
  const Shape& input = graph.nodes(0).output();
  if (input.width() != input.height() || input.channels() != 3) {
    return absl::InvalidArgumentError(
        "training needs a network with a square input of 3 channels");
  }
  if (images.empty()) {
    return absl::InvalidArgumentError("there are no images to train on");
  }
  for (const VocImage& image : images) {
    for (const GroundTruthObject& object : image.annotation.objects) {
      if (object.class_index < 0 || object.class_index >= classes) {
        return absl::InvalidArgumentError(
            absl::StrCat(image.id, ": an object of class ", object.class_index,
                         ", but the network has ", classes, " classes"));
      }
    }
  }
  const int64_t part = BatchSize(spec) / ReplicaCount(spec);
  for (const Node& node : graph.nodes()) {
    const int64_t values =
        part * node.output().height() * node.output().width();
    if (node.convolution().batch_norm() && values < 2) {
      return absl::InvalidArgumentError(absl::StrCat(
          "node '", node.name(),
          "': batch norm has one value a channel at batch_size / replicas 1 "
          "and this input size; use more of either"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<NetworkPlacement> ChoosePlacement(const TrainingSpec& spec) {
  const bool has_cuda = at::hasCUDA();
  if (spec.device() == TrainingSpec::CUDA && !has_cuda) {
    return absl::FailedPreconditionError(
        "device is CUDA, but this LibTorch finds none; set device: CPU, or "
        "build with LIBTORCH=/path/to/a/CUDA/LibTorch on a machine with a GPU");
  }
  NetworkPlacement placement;
  placement.cuda = has_cuda && spec.device() != TrainingSpec::CPU;
  placement.bfloat16_convolutions = placement.cuda && spec.mixed_precision();
  return placement;
}

struct Batch {
  at::Tensor images;  // (N, 3, H, W), channels last, in [0, 1]
  std::vector<std::vector<TruthBox>> truth;
};

Batch MakeBatch(std::vector<TrainingImage> images, int side) {
  const int64_t count = images.size();
  at::Tensor bytes = at::empty({count, side, side, 3}, at::kByte);
  uint8_t* target = bytes.data_ptr<uint8_t>();
  Batch batch;
  for (TrainingImage& image : images) {
    std::memcpy(target, image.rgb.data(), image.rgb.size());
    target += image.rgb.size();
    batch.truth.push_back(std::move(image.truth));
  }
  batch.images = (bytes.to(at::kFloat) * kInputScale).permute({0, 3, 1, 2});
  return batch;
}

// One training: its state, and the loop that moves it on.
class Trainer {
 public:
  Trainer(const TrainingSpec& spec, absl::Span<const VocImage> images,
          const PreprocessSpec& preprocess, const TrainOptions& options,
          std::unique_ptr<TrainableNetwork> network,
          std::unique_ptr<Replicas> replicas)
      : spec_(spec),
        images_(images),
        options_(options),
        network_(std::move(network)),
        replicas_(std::move(replicas)),
        batch_size_(BatchSize(spec)),
        steps_per_epoch_(
            StepsPerEpoch(static_cast<int>(images.size()), batch_size_)),
        cache_(int64_t{OrDefault(spec.cache_megabytes(), 1000)} * 1000000),
        adam_(Parameters(),
              {OrDefault(spec.beta1(), 0.9), OrDefault(spec.beta2(), 0.999),
               OrDefault(spec.epsilon(), 1e-8)}) {
    loader_options_.side = network_->graph().nodes(0).output().width();
    loader_options_.resize = preprocess.resize();
    loader_options_.augmentation = spec.augmentation();
    loader_options_.batch_size = batch_size_;
    loader_options_.seed = spec.seed();
    loader_options_.threads = OrDefault(spec.loader_threads(), 2);
    if (spec_.ema_decay() > 0) {
      for (const at::Tensor& tensor : Averaged()) {
        averages_.push_back(tensor.detach().clone());
      }
    }
  }

  // Goes on from the checkpoint, where there is one.
  absl::Status Resume(const std::string& fingerprint) {
    header_.set_fingerprint(fingerprint);
    if (options_.folder.empty()) return absl::OkStatus();
    YOLOQ_RETURN_IF_ERROR(MakeFolders(options_.folder));
    if (!PathExists(CheckpointPath())) return absl::OkStatus();
    std::vector<at::Tensor> staged;
    const std::vector<CheckpointTensor> tensors = Staged(&staged);
    YOLOQ_ASSIGN_OR_RETURN(
        header_, ReadCheckpoint(CheckpointPath(), fingerprint, tensors));
    const c10::NoGradGuard no_grad;
    const std::vector<at::Tensor> state = State();
    for (size_t i = 0; i < state.size(); ++i) {
      if (!state[i].is_cpu()) state[i].detach().copy_(staged[i]);
    }
    return absl::OkStatus();
  }

  absl::Status Run() {
    Progress progress(options_.label,
                      int64_t{spec_.epochs()} * steps_per_epoch_, "steps");
    progress.Skip(StepsDone());
    while (header_.epoch() < spec_.epochs()) {
      YOLOQ_RETURN_IF_ERROR(RunEpoch(&progress));
    }
    return absl::OkStatus();
  }

  TrainingOutcome Finish() {
    const c10::NoGradGuard no_grad;
    if (!averages_.empty()) SwapAverages();
    return {network_->ToWeights(),
            {header_.epochs().begin(), header_.epochs().end()}};
  }

 private:
  std::string CheckpointPath() const {
    return JoinPath(options_.folder, kCheckpointName);
  }

  std::vector<at::Tensor> HookParameters() const {
    return options_.hooks == nullptr ? std::vector<at::Tensor>()
                                     : options_.hooks->Parameters();
  }

  std::vector<AdamParameter> Parameters() const {
    std::vector<AdamParameter> parameters = {
        {network_->weights(), network_->weight_gradients(),
         spec_.weight_decay()},
        {network_->biases(), network_->bias_gradients(), 0}};
    for (const at::Tensor& tensor : HookParameters()) {
      parameters.push_back({tensor, at::Tensor(), 0});
    }
    return parameters;
  }

  // What the exponential average is of.
  std::vector<at::Tensor> Averaged() const {
    std::vector<at::Tensor> tensors = {network_->weights(), network_->biases(),
                                       network_->statistics()};
    for (const at::Tensor& tensor : HookParameters()) {
      tensors.push_back(tensor);
    }
    return tensors;
  }

  // All that a checkpoint holds.
  std::vector<at::Tensor> State() const {
    std::vector<at::Tensor> state = Averaged();
    const auto add = [&](const std::vector<at::Tensor>& tensors) {
      state.insert(state.end(), tensors.begin(), tensors.end());
    };
    add(adam_.State());
    add(averages_);
    if (options_.hooks != nullptr) add(options_.hooks->State());
    return state;
  }

  // The state in the CPU's memory; what lies elsewhere is copied to `staged`.
  std::vector<CheckpointTensor> Staged(std::vector<at::Tensor>* staged) const {
    std::vector<CheckpointTensor> tensors;
    for (const at::Tensor& tensor : State()) {
      staged->push_back(tensor.detach().to(at::kCPU));
      tensors.push_back({absl::StrCat("tensor_", tensors.size()),
                         staged->back().data_ptr<float>(), tensor.numel()});
    }
    return tensors;
  }

  absl::Status Save() const {
    if (options_.folder.empty()) return absl::OkStatus();
    std::vector<at::Tensor> staged;
    return WriteCheckpoint(CheckpointPath(), header_, Staged(&staged));
  }

  int64_t StepsDone() const {
    return int64_t{header_.epoch()} * steps_per_epoch_ + header_.step();
  }

  // Exchanges the parameters with their averages.
  void SwapAverages() {
    const std::vector<at::Tensor> current = Averaged();
    for (size_t i = 0; i < current.size(); ++i) {
      const at::Tensor held = averages_[i].clone();
      averages_[i].copy_(current[i].detach());
      current[i].detach().copy_(held);
    }
  }

  void UpdateAverages(int64_t t) {
    if (averages_.empty()) return;
    const double steps = static_cast<double>(t);
    const double decay =
        std::min(spec_.ema_decay(), (1 + steps) / (10 + steps));
    const std::vector<at::Tensor> current = Averaged();
    for (size_t i = 0; i < current.size(); ++i) {
      averages_[i].lerp_(current[i].detach(), 1 - decay);
    }
  }

  Weights CurrentWeights() {
    const c10::NoGradGuard no_grad;
    if (averages_.empty()) return network_->ToWeights();
    SwapAverages();
    Weights weights = network_->ToWeights();
    SwapAverages();
    return weights;
  }

  absl::Status Diverged(absl::string_view what) const {
    return absl::OutOfRangeError(absl::StrCat(
        "training diverged in epoch ", header_.epoch(), ", step ",
        header_.step(), " (from 0): ", what,
        "; lower learning_rate, or set warmup_steps or gradient_clip_norm"));
  }

  absl::Status CheckStep(const Batch& batch, double loss, double norm) const {
    if (!std::isfinite(loss) || !std::isfinite(norm)) {
      std::string what = replicas_->FirstBadOutput(batch.images);
      if (what.empty()) what = FirstBadGradient(*network_);
      if (what.empty()) what = "the loss or its gradient is not finite";
      return Diverged(what);
    }
    const double bound =
        header_.first_loss() * OrDefault(spec_.divergence_factor(), 1000.0);
    if (loss <= bound) return absl::OkStatus();
    return Diverged(
        absl::StrFormat("the loss is %g, the first step's was %g; %s", loss,
                        header_.first_loss(), LargestGradient(*network_)));
  }

  void Record(const BatchLoss& loss, double rate) {
    EpochRecord* sums = header_.mutable_partial();
    sums->set_loss(sums->loss() + loss.total);
    sums->set_box_loss(sums->box_loss() + loss.box);
    sums->set_objectness_loss(sums->objectness_loss() + loss.objectness);
    sums->set_class_loss(sums->class_loss() + loss.classes);
    sums->set_learning_rate(rate);
  }

  absl::Status Step(std::vector<TrainingImage> loaded) {
    const Batch batch = MakeBatch(std::move(loaded), loader_options_.side);
    const BatchLoss loss =
        replicas_->Backward({header_.epoch(), header_.step(), steps_per_epoch_},
                            spec_.loss(), batch.images, batch.truth);
    const c10::NoGradGuard no_grad;
    const double norm = adam_.GradientNorm().item<double>();
    const int64_t done = StepsDone();
    if (done == 0) header_.set_first_loss(loss.total);
    YOLOQ_RETURN_IF_ERROR(CheckStep(batch, loss.total, norm));
    const double clip = spec_.gradient_clip_norm();
    const double rate = LearningRate(spec_, done, steps_per_epoch_);
    adam_.Step(done + 1, rate, clip > 0 && norm > clip ? clip / norm : 1);
    UpdateAverages(done + 1);
    Record(loss, rate);
    header_.set_step(header_.step() + 1);
    return absl::OkStatus();
  }

  void CloseEpoch() {
    EpochRecord record = header_.partial();
    record.set_epoch(header_.epoch());
    record.set_loss(record.loss() / steps_per_epoch_);
    record.set_box_loss(record.box_loss() / steps_per_epoch_);
    record.set_objectness_loss(record.objectness_loss() / steps_per_epoch_);
    record.set_class_loss(record.class_loss() / steps_per_epoch_);
    *header_.add_epochs() = record;
    header_.clear_partial();
    header_.set_epoch(header_.epoch() + 1);
    header_.set_step(0);
  }

  absl::Status RunEpoch(Progress* progress) {
    BatchLoader loader(images_, &cache_, loader_options_, header_.epoch(),
                       header_.step());
    const double seconds_before = header_.partial().seconds();
    const Clock::time_point start = Clock::now();
    while (header_.step() < steps_per_epoch_) {
      YOLOQ_ASSIGN_OR_RETURN(std::vector<TrainingImage> loaded, loader.Next());
      YOLOQ_RETURN_IF_ERROR(Step(std::move(loaded)));
      header_.mutable_partial()->set_seconds(
          seconds_before +
          std::chrono::duration<double>(Clock::now() - start).count());
      progress->SetNote(absl::StrFormat(
          "loss %.4g", header_.partial().loss() / header_.step()));
      progress->Advance(1);
      const int every = spec_.checkpoint_steps();
      if (every > 0 && header_.step() < steps_per_epoch_ &&
          StepsDone() % every == 0) {
        YOLOQ_RETURN_IF_ERROR(Save());
      }
    }
    CloseEpoch();
    if (header_.epoch() == spec_.epochs() ||
        header_.epoch() % OrDefault(spec_.checkpoint_epochs(), 1) == 0) {
      YOLOQ_RETURN_IF_ERROR(Save());
    }
    if (!options_.on_epoch) return absl::OkStatus();
    return options_.on_epoch(*header_.epochs().rbegin(),
                             [this] { return CurrentWeights(); });
  }

  const TrainingSpec& spec_;
  const absl::Span<const VocImage> images_;
  const TrainOptions& options_;
  const std::unique_ptr<TrainableNetwork> network_;
  const std::unique_ptr<Replicas> replicas_;
  const int batch_size_;
  const int steps_per_epoch_;
  PictureCache cache_;
  BatchLoaderOptions loader_options_;
  Adam adam_;
  std::vector<at::Tensor> averages_;  // as Averaged(); empty without
  CheckpointHeader header_;
};

absl::StatusOr<TrainingOutcome> TrainChecked(const Graph& graph,
                                             Weights initial,
                                             const TrainingSpec& spec,
                                             absl::Span<const VocImage> images,
                                             const PreprocessSpec& preprocess,
                                             const TrainOptions& options) {
  YOLOQ_ASSIGN_OR_RETURN(const NetworkPlacement placement,
                         ChoosePlacement(spec));
  const std::string fingerprint = TrainingFingerprint(
      graph, initial, spec, images, preprocess, options.fingerprint);
  Initialize(graph, spec, &initial);
  const KeepHeap heap;
  const ThreadsGuard threads(ThreadsOfReplica(spec));
  YOLOQ_ASSIGN_OR_RETURN(auto network,
                         TrainableNetwork::Create(graph, initial, placement));
  YOLOQ_ASSIGN_OR_RETURN(
      auto replicas,
      Replicas::Create(network.get(), options.hooks, ReplicaCount(spec)));
  Trainer trainer(spec, images, preprocess, options, std::move(network),
                  std::move(replicas));
  YOLOQ_RETURN_IF_ERROR(trainer.Resume(fingerprint));
  YOLOQ_RETURN_IF_ERROR(trainer.Run());
  return trainer.Finish();
}

}  // namespace

absl::Status CheckTrainingSpec(const TrainingSpec& spec) {
  YOLOQ_RETURN_IF_ERROR(CheckSchedule(spec));
  YOLOQ_RETURN_IF_ERROR(CheckField("batch_size", spec.batch_size(), 0, 65536));
  YOLOQ_RETURN_IF_ERROR(CheckAdam(spec));
  YOLOQ_RETURN_IF_ERROR(CheckLoss(spec.loss()));
  YOLOQ_RETURN_IF_ERROR(CheckAugmentation(spec.augmentation()));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("initial_objectness", spec.initial_objectness(), 0, 0.999));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("initial_output_scale", spec.initial_output_scale(), 0, 10));
  YOLOQ_RETURN_IF_ERROR(CheckField("initial_residual_gamma",
                                   spec.initial_residual_gamma(), 0, 10));
  if (!TrainingSpec::Device_IsValid(spec.device())) {
    return absl::InvalidArgumentError("device is unknown");
  }
  constexpr int kMost = 1000000000;
  YOLOQ_RETURN_IF_ERROR(
      CheckField("checkpoint_epochs", spec.checkpoint_epochs(), 0, kMost));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("checkpoint_steps", spec.checkpoint_steps(), 0, kMost));
  YOLOQ_RETURN_IF_ERROR(CheckField("threads", spec.threads(), 0, 1024));
  YOLOQ_RETURN_IF_ERROR(CheckField("replicas", spec.replicas(), 0,
                                   std::min(BatchSize(spec), 1024)));
  YOLOQ_RETURN_IF_ERROR(
      CheckField("loader_threads", spec.loader_threads(), 0, 1024));
  return CheckField("cache_megabytes", spec.cache_megabytes(), 0, kMost);
}

absl::StatusOr<TrainingOutcome> Train(const Graph& graph, Weights initial,
                                      const TrainingSpec& spec,
                                      absl::Span<const VocImage> images,
                                      const PreprocessSpec& preprocess,
                                      const TrainOptions& options) {
  YOLOQ_RETURN_IF_ERROR(Annotate(CheckTrainingSpec(spec), "training"));
  Graph checked = graph;
  YOLOQ_RETURN_IF_ERROR(InferShapes(&checked));
  YOLOQ_RETURN_IF_ERROR(CheckImages(checked, spec, images));
  YOLOQ_RETURN_IF_ERROR(CheckWeights(checked, initial));
  try {
    return TrainChecked(checked, std::move(initial), spec, images, preprocess,
                        options);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("training: ", error.what()));
  }
}

}  // namespace yoloq
