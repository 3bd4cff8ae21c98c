// Quantization-aware training as the trainer runs it: interrupted and resumed,
// to the exported model.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <stdexcept>
#include <string>
#include <tuple>

#include "model/graph.h"
#include "model/training/replicas.h"
#include "model/training/small_training.h"
#include "model/training/trainable_network.h"
#include "model/training/trainer.h"
#include "model/training/training_hooks.h"
#include "model/weights.h"
#include "quant/deployable.h"
#include "quant/qat.h"
#include "quant/quantizer.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// Passes all on, but crashes before a given step.
class CrashingHooks : public TrainingHooks {
 public:
  CrashingHooks(TrainingHooks* hooks, int epoch, int step)
      : hooks_(hooks), epoch_(epoch), step_(step) {}

  void BeginStep(const TrainingPosition& position) override {
    if (position.epoch == epoch_ && position.step == step_) {
      throw std::runtime_error("power failure");
    }
    hooks_->BeginStep(position);
  }
  at::Tensor Convolution(TrainableNetwork& network, int node,
                         const at::Tensor& input) override {
    return hooks_->Convolution(network, node, input);
  }
  at::Tensor Activation(int node, bool before_activation,
                        const at::Tensor& values) override {
    return hooks_->Activation(node, before_activation, values);
  }
  at::Tensor Input(int node, int producer, const at::Tensor& values) override {
    return hooks_->Input(node, producer, values);
  }
  std::vector<at::Tensor> Parameters() override { return hooks_->Parameters(); }
  std::vector<at::Tensor> State() override { return hooks_->State(); }
  std::unique_ptr<TrainingHooks> Replica() const override {
    return hooks_->Replica();
  }
  void MergeState(absl::Span<TrainingHooks* const> others) override {
    hooks_->MergeState(others);
  }

 private:
  TrainingHooks* const hooks_;
  const int epoch_;
  const int step_;
};

// All phases of the schedule, in epochs of 3 steps.
QatSpec Schedule(bool learned_scales) {
  QatSpec spec;
  spec.set_epochs(4);
  spec.set_learning_rate(1e-3);
  spec.set_batch_norm_freeze_epoch(1);
  spec.set_observer_freeze_epoch(2);
  spec.set_learned_scales(learned_scales);
  return spec;
}

// Learned scales, replicas.
class QatTrainingTest : public ::testing::TestWithParam<std::tuple<bool, int>> {
 protected:
  QatTrainingTest()
      : learned_scales_(std::get<0>(GetParam())),
        replicas_(std::get<1>(GetParam())),
        graph_(SmallDetector()),
        precision_(graph_.nodes_size(), INT8),
        images_(Squares(10)) {
    quantization_.set_scheme("qnnpack");
    preprocess_.set_resize(PreprocessSpec::STRETCH);
  }

  std::unique_ptr<QatHooks> Hooks(const QatSpec& spec) const {
    auto hooks = QatHooks::Create(graph_, quantization_, spec, precision_);
    EXPECT_TRUE(hooks.ok()) << hooks.status();
    return *std::move(hooks);
  }

  // Trains with `hooks` around those of `qat`, or with these alone.
  absl::StatusOr<TrainingOutcome> Run(const QatSpec& spec, QatHooks* qat,
                                      const std::string& folder,
                                      TrainingHooks* hooks = nullptr) const {
    TrainingSpec training;
    training.set_batch_size(4);
    training.set_replicas(replicas_);
    training.set_device(TrainingSpec::CPU);
    training.set_checkpoint_steps(2);
    training.set_ema_decay(0.9);
    training.set_initial_residual_gamma(0.5);
    TrainOptions options;
    options.folder = folder;
    options.hooks = hooks == nullptr ? qat : hooks;
    options.fingerprint = qat->Fingerprint();
    return Train(graph_, RandomWeights(graph_, 1),
                 QatTrainingSpec(training, spec), images_, preprocess_,
                 options);
  }

  // The deployable model's bytes.
  std::string Export(const TrainingOutcome& outcome,
                     const QatHooks& hooks) const {
    const absl::StatusOr<Calibration> learned = hooks.Result();
    EXPECT_TRUE(learned.ok()) << learned.status();
    DeployableWriter writer;
    const auto model = QuantizeModel(
        WithoutBatchNorm(graph_), FoldBatchNorm(graph_, outcome.weights),
        &*learned, quantization_, precision_, {"red", "blue"}, &writer);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? writer.Serialize(*model) : "";
  }

  const bool learned_scales_;
  const int replicas_;
  const Graph graph_;
  const std::vector<Precision> precision_;
  const std::vector<VocImage> images_;
  QuantizationSpec quantization_;
  PreprocessSpec preprocess_;
};

TEST_P(QatTrainingTest, InterruptedItGoesOnBitForBit) {
  const QatSpec spec = Schedule(learned_scales_);
  const auto straight = Hooks(spec);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome expected,
                             Run(spec, straight.get(), ""));
  const std::string model = Export(expected, *straight);
  YOLOQ_ASSERT_OK(
      Deployable::FromBytes(AlignedBytes(model).view(), "model").status());

  // While ranges move, then once more while scales may be learned.
  const std::string folder = TestFolder();
  for (const auto& [epoch, step] : {std::pair(1, 2), std::pair(3, 2)}) {
    const auto hooks = Hooks(spec);
    CrashingHooks crashing(hooks.get(), epoch, step);
    EXPECT_THAT(
        Run(spec, hooks.get(), folder, &crashing),
        StatusIs(absl::StatusCode::kInternal, HasSubstr("power failure")));
  }
  const auto last = Hooks(spec);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome resumed,
                             Run(spec, last.get(), folder));
  EXPECT_EQ(Export(resumed, *last), model);

  // From the finished checkpoint: no step is made.
  const auto again = Hooks(spec);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TrainingOutcome finished,
                             Run(spec, again.get(), folder));
  EXPECT_EQ(Export(finished, *again), model);

  QatSpec other = spec;
  other.set_averaging_constant(0.5);
  EXPECT_THAT(Run(other, Hooks(other).get(), folder),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("another training")));
}

INSTANTIATE_TEST_SUITE_P(Forms, QatTrainingTest,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Values(1, 2, 3)));

// --- A batch in parts.

at::Tensor Pictures(int count) {
  const at::Tensor values = at::arange(count * 3 * 32 * 32);
  // The later, the brighter: ranges differ from part to part.
  return ((at::sin(values * 0.37) + 1) * values / (2 * values.numel()))
      .view({count, 3, 32, 32});
}

std::vector<std::vector<TruthBox>> Truth(int count) {
  std::vector<std::vector<TruthBox>> truth;
  for (int i = 0; i < count; ++i) {
    truth.push_back({{(i + 0.5f) / count, 0.4f, 0.3f, 0.4f, i % 2, false}});
  }
  return truth;
}

struct Split {
  std::unique_ptr<TrainableNetwork> network;
  std::unique_ptr<QatHooks> hooks;
  std::unique_ptr<Replicas> replicas;

  explicit Split(int count) {
    const Graph graph = SmallDetector();
    network = *TrainableNetwork::Create(graph, RandomWeights(graph, 1), {});
    // Batch norm alone tells the parts from the whole.
    network->set_training(false);
    QuantizationSpec quantization;
    quantization.set_scheme("qnnpack");
    hooks = *QatHooks::Create(graph, quantization,
                              Schedule(/*learned_scales=*/true),
                              std::vector<Precision>(graph.nodes_size(), INT8));
    replicas = *Replicas::Create(network.get(), hooks.get(), count);
  }

  double Backward(int epoch, int images) {
    TrainingPosition position;
    position.epoch = epoch;
    return replicas
        ->Backward(position, LossSpec(), Pictures(images), Truth(images))
        .total;
  }
  at::Tensor Ranges() const { return hooks->State()[0].clone(); }
  at::Tensor Scales() const { return hooks->Parameters()[0].detach().clone(); }
  at::Tensor ScaleGradients() const { return hooks->Parameters()[0].grad(); }
};

// |a - b| / |b|.
double Distance(const at::Tensor& a, const at::Tensor& b) {
  return (at::norm(a - b) / at::norm(b)).item<double>();
}

class QatReplicasTest : public ::testing::TestWithParam<int> {};

TEST_P(QatReplicasTest, RangesScalesAndGradientsAreThoseOfTheBatch) {
  constexpr int kImages = 7;
  Split one(1), many(GetParam());
  for (const int epoch : {0, 1, 2, 3}) {  // learning from epoch 2 on
    // While ranges move, each part is rounded in the range that it has moved.
    // Later, where a value lies next to a tie, the order of a sum decides.
    const double tolerance = epoch < 2 ? 2e-2 : 1e-3;
    const double loss = one.Backward(epoch, kImages);
    EXPECT_NEAR(many.Backward(epoch, kImages), loss, tolerance * loss);
    EXPECT_TRUE(at::allclose(many.Ranges(), one.Ranges(), 1e-5, 1e-5)) << epoch;
    EXPECT_TRUE(at::allclose(many.Scales(), one.Scales(), 1e-5, 1e-5)) << epoch;
    EXPECT_LT(Distance(many.network->weight_gradients(),
                       one.network->weight_gradients()),
              tolerance)
        << epoch;
    EXPECT_LT(
        Distance(many.network->bias_gradients(), one.network->bias_gradients()),
        tolerance)
        << epoch;
    if (epoch < 2) continue;
    EXPECT_GT(at::norm(one.ScaleGradients()).item<double>(), 1e-6);
    EXPECT_LT(Distance(many.ScaleGradients(), one.ScaleGradients()), 1e-2)
        << epoch;
    const c10::NoGradGuard no_grad;
    for (Split* split : {&one, &many}) {
      split->hooks->Parameters()[0].detach().add_(0.01);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Counts, QatReplicasTest, ::testing::Values(2, 3));

}  // namespace
}  // namespace yoloq
