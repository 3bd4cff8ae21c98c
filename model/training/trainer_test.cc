#include "model/training/trainer.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <limits>
#include <stdexcept>

#include "model/training/small_training.h"
#include "model/training/training_hooks.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TrainingSpec Spec(int epochs) {
  TrainingSpec spec;
  EXPECT_TRUE(
      ParseTextProto(
          R"pb(
            batch_size: 4
            seed: 5
            learning_rate: 0.01
            step_epochs: 2
            warmup_steps: 2
            weight_decay: 0.01
            gradient_clip_norm: 20
            ema_decay: 0.9
            device: CPU
            initial_objectness: 0.05
            augmentation { jitter: 0.1 flip: true hue: 0.01 saturation: 1.1 }
          )pb",
          "spec", &spec)
          .ok());
  spec.set_epochs(epochs);
  return spec;
}

PreprocessSpec Stretch() {
  PreprocessSpec spec;
  spec.set_resize(PreprocessSpec::STRETCH);
  return spec;
}

absl::StatusOr<TrainingOutcome> TrainTiny(const TrainingSpec& spec,
                                          absl::Span<const VocImage> images,
                                          const TrainOptions& options = {}) {
  const Graph graph = SmallDetector();
  return Train(graph, RandomWeights(graph, 1), spec, images, Stretch(),
               options);
}

void ExpectSameWeights(const Weights& a, const Weights& b) {
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    EXPECT_EQ(a.nodes[i].weights, b.nodes[i].weights);
    EXPECT_EQ(a.nodes[i].bias, b.nodes[i].bias);
    EXPECT_EQ(a.nodes[i].gamma, b.nodes[i].gamma);
    EXPECT_EQ(a.nodes[i].mean, b.nodes[i].mean);
    EXPECT_EQ(a.nodes[i].variance, b.nodes[i].variance);
  }
}

TEST(TrainerTest, TheLossFalls) {
  const std::vector<VocImage> images = Squares(16);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome outcome,
                             TrainTiny(Spec(30), images));
  ASSERT_EQ(outcome.epochs.size(), 30);
  const EpochRecord& last = outcome.epochs.back();
  EXPECT_LT(last.loss(), outcome.epochs.front().loss() / 2);
  EXPECT_NEAR(last.loss(),
              last.box_loss() + last.objectness_loss() + last.class_loss(),
              1e-4);
  EXPECT_EQ(last.epoch(), 29);
}

TEST(TrainerTest, SameSpecSameWeights) {
  const std::vector<VocImage> images = Squares(10);
  TrainingSpec spec = Spec(3);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome one,
                             TrainTiny(spec, images));
  spec.set_loader_threads(3);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome two,
                             TrainTiny(spec, images));
  ExpectSameWeights(one.weights, two.weights);
  spec.set_seed(6);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome other,
                             TrainTiny(spec, images));
  EXPECT_NE(one.weights.nodes[1].weights, other.weights.nodes[1].weights);
}

TEST(TrainerTest, ProlongedIsTheSameAsStraight) {
  const std::vector<VocImage> images = Squares(10);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome straight,
                             TrainTiny(Spec(4), images));
  TrainOptions options;
  options.folder = TestFolder();
  YOLOQ_ASSERT_OK(TrainTiny(Spec(2), images, options));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome resumed,
                             TrainTiny(Spec(4), images, options));
  ExpectSameWeights(straight.weights, resumed.weights);
  ASSERT_EQ(resumed.epochs.size(), 4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(resumed.epochs[i].loss(), straight.epochs[i].loss());
  }
  // And again, from the finished checkpoint.
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome again,
                             TrainTiny(Spec(4), images, options));
  ExpectSameWeights(straight.weights, again.weights);
}

// Crashes before a given step, once.
class CrashingHooks : public TrainingHooks {
 public:
  CrashingHooks(int epoch, int step) : epoch_(epoch), step_(step) {}

  void BeginStep(const TrainingPosition& position) override {
    if (position.epoch == epoch_ && position.step == step_) {
      epoch_ = -1;
      throw std::runtime_error("power failure");
    }
    steps.push_back(position.epoch * position.steps_per_epoch + position.step);
  }
  // A trained scale and a counter, as quantization-aware training has them.
  at::Tensor Activation(int node, bool before_activation,
                        const at::Tensor& values) override {
    if (node != 1 || before_activation) return values;
    count_.add_(1);
    return values * scale_;
  }
  std::vector<at::Tensor> Parameters() override { return {scale_}; }
  std::vector<at::Tensor> State() override { return {count_}; }
  std::unique_ptr<TrainingHooks> Replica() const override {
    return std::make_unique<CrashingHooks>(-1, -1);
  }

  float scale() const { return scale_.item<float>(); }
  float count() const { return count_.item<float>(); }
  std::vector<int> steps;

 private:
  int epoch_;
  int step_;
  at::Tensor scale_ = at::ones({1}, at::kFloat).set_requires_grad(true);
  at::Tensor count_ = at::zeros({1}, at::kFloat);
};

class InterruptedTest : public ::testing::TestWithParam<int> {};

TEST_P(InterruptedTest, WithinAnEpochItGoesOnBitForBit) {
  // 5 steps an epoch; the last has 2 images.
  const std::vector<VocImage> images = Squares(18);
  TrainingSpec spec = Spec(3);
  spec.set_checkpoint_steps(2);
  spec.set_replicas(GetParam());
  CrashingHooks never(-1, -1);
  TrainOptions options;
  options.hooks = &never;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome straight,
                             TrainTiny(spec, images, options));
  options.folder = TestFolder();
  CrashingHooks first(1, 4);
  options.hooks = &first;
  EXPECT_THAT(
      TrainTiny(spec, images, options),
      StatusIs(absl::StatusCode::kInternal, HasSubstr("power failure")));
  CrashingHooks second(-1, -1);
  options.hooks = &second;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome resumed,
                             TrainTiny(spec, images, options));
  // Steps 0 to 8 ran; the last checkpoint was before step 8.
  EXPECT_EQ(first.steps.back(), 8);
  EXPECT_EQ(second.steps.front(), 8);
  ExpectSameWeights(straight.weights, resumed.weights);
  EXPECT_EQ(second.scale(), never.scale());
  EXPECT_NE(second.scale(), 1);
  EXPECT_EQ(second.count(), 15);
  EXPECT_EQ(resumed.epochs[1].loss(), straight.epochs[1].loss());
}

INSTANTIATE_TEST_SUITE_P(Replicas, InterruptedTest, ::testing::Values(1, 2, 3));

TEST(TrainerTest, ReplicasTrainAsOneDoes) {
  // Batch norm makes the difference, which is that of smaller batches.
  const std::vector<VocImage> images = Squares(16);
  TrainingSpec spec = Spec(30);
  spec.set_replicas(2);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome two,
                             TrainTiny(spec, images));
  EXPECT_LT(two.epochs.back().loss(), two.epochs.front().loss() / 2);
  spec.set_replicas(1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome one,
                             TrainTiny(spec, images));
  EXPECT_NEAR(two.epochs[0].loss(), one.epochs[0].loss(),
              0.1 * one.epochs[0].loss());
  EXPECT_NE(two.weights.nodes[1].weights, one.weights.nodes[1].weights);
}

TEST(TrainerTest, HooksWithoutReplicasAreRefused) {
  TrainingSpec spec = Spec(1);
  spec.set_replicas(2);
  TrainingHooks hooks;
  TrainOptions options;
  options.hooks = &hooks;
  EXPECT_THAT(TrainTiny(spec, Squares(4), options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("set replicas: 1")));
}

TEST(TrainerTest, ACheckpointOfAnotherTrainingIsRefused) {
  const std::vector<VocImage> images = Squares(4);
  TrainOptions options;
  options.folder = TestFolder();
  YOLOQ_ASSERT_OK(TrainTiny(Spec(1), images, options));
  TrainingSpec other = Spec(1);
  other.set_learning_rate(0.02);
  EXPECT_THAT(TrainTiny(other, images, options),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("another training")));
  other = Spec(1);
  other.set_replicas(2);
  EXPECT_THAT(TrainTiny(other, images, options),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("another training")));
  options.fingerprint = "other hooks";
  EXPECT_THAT(TrainTiny(Spec(1), images, options),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("another training")));
}

TEST(TrainerTest, EachEpochCanBeSeen) {
  const std::vector<VocImage> images = Squares(4);
  std::vector<int> seen;
  Weights last;
  TrainOptions options;
  options.on_epoch = [&](const EpochRecord& epoch,
                         const std::function<Weights()>& weights) {
    seen.push_back(epoch.epoch());
    last = weights();
    return absl::OkStatus();
  };
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome outcome,
                             TrainTiny(Spec(3), images, options));
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
  ExpectSameWeights(last, outcome.weights);
  options.on_epoch = [](const EpochRecord&, const std::function<Weights()>&) {
    return absl::CancelledError("enough");
  };
  EXPECT_THAT(TrainTiny(Spec(3), images, options),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("enough")));
}

// Puts a NaN into the output or, through the gradient alone, into the way back.
class PoisonHooks : public TrainingHooks {
 public:
  explicit PoisonHooks(bool backward) : backward_(backward) {}

  at::Tensor Activation(int node, bool before_activation,
                        const at::Tensor& values) override {
    if (node != 2 || before_activation) return values;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    if (!backward_) return values + nan;
    // Its value is zero, its slope infinite.
    return values + at::sqrt(at::relu(values) * 0) * 0;
  }
  std::unique_ptr<TrainingHooks> Replica() const override {
    return std::make_unique<PoisonHooks>(backward_);
  }

 private:
  const bool backward_;
};

TEST(TrainerTest, NamesTheLayerWhoseOutputIsNotFinite) {
  PoisonHooks hooks(/*backward=*/false);
  TrainOptions options;
  options.hooks = &hooks;
  TrainingSpec spec = Spec(1);
  for (const int replicas : {1, 2}) {
    spec.set_replicas(replicas);
    EXPECT_THAT(
        TrainTiny(spec, Squares(4), options),
        StatusIs(absl::StatusCode::kOutOfRange,
                 HasSubstr("training diverged in epoch 0, step 0 (from 0): the "
                           "output of node 'second' is not finite")));
  }
}

TEST(TrainerTest, NamesTheLayerWhoseGradientIsNotFinite) {
  PoisonHooks hooks(/*backward=*/true);
  TrainOptions options;
  options.hooks = &hooks;
  TrainingSpec spec = Spec(1);
  for (const int replicas : {1, 2}) {
    spec.set_replicas(replicas);
    EXPECT_THAT(
        TrainTiny(spec, Squares(4), options),
        StatusIs(absl::StatusCode::kOutOfRange,
                 HasSubstr("the gradient of node 'second' is not finite")));
  }
}

TEST(TrainerTest, ALossThatExplodesNamesTheLargestGradient) {
  TrainingSpec spec = Spec(20);
  spec.set_learning_rate(5);
  spec.set_gradient_clip_norm(0);
  spec.set_divergence_factor(1.5);
  EXPECT_THAT(TrainTiny(spec, Squares(8)),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("the largest gradient, of norm ")));
}

TEST(TrainerTest, ErrorsOfSpecAndImages) {
  const auto invalid = [](absl::string_view text) {
    return StatusIs(absl::StatusCode::kInvalidArgument,
                    HasSubstr(std::string(text)));
  };
  EXPECT_THAT(TrainTiny(Spec(0), Squares(1)), invalid("training: epochs is 0"));
  TrainingSpec spec = Spec(1);
  spec.mutable_augmentation()->set_jitter(2);
  EXPECT_THAT(TrainTiny(spec, Squares(1)),
              invalid("training: augmentation.jitter is 2"));
  spec = Spec(1);
  spec.set_replicas(5);
  EXPECT_THAT(TrainTiny(spec, Squares(1)),
              invalid("training: replicas is 5, it must be from 0 to 4"));
  EXPECT_THAT(TrainTiny(Spec(1), {}), invalid("no images"));
  std::vector<VocImage> images = Squares(2);
  images[1].annotation.objects[0].class_index = 2;
  EXPECT_THAT(TrainTiny(Spec(1), images),
              invalid("square1: an object of class 2, but the network has 2"));
}

TEST(TrainerTest, CudaWithoutCudaSaysWhatToDo) {
  if (at::hasCUDA()) GTEST_SKIP() << "skipped: this LibTorch has CUDA";
  TrainingSpec spec = Spec(1);
  spec.set_device(TrainingSpec::CUDA);
  EXPECT_THAT(TrainTiny(spec, Squares(2)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("set device: CPU")));
}

}  // namespace
}  // namespace yoloq
