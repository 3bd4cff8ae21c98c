// Quantization-aware training as the trainer runs it: interrupted and resumed,
// to the exported model.
#include <ATen/core/Tensor.h>

#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "eval/image.h"
#include "eval/random.h"
#include "model/graph.h"
#include "model/training/trainer.h"
#include "model/training/training_hooks.h"
#include "model/weights.h"
#include "quant/deployable.h"
#include "quant/qat.h"
#include "quant/quantizer.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// Input 32 x 32, two convolutions with batch norm, one head of 4 x 4 cells.
Graph Tiny() {
  Graph graph;
  EXPECT_TRUE(ParseTextProto(R"pb(
                               nodes {
                                 name: "input"
                                 input {}
                                 output { channels: 3 height: 32 width: 32 }
                               }
                               nodes {
                                 name: "first"
                                 inputs: 0
                                 convolution {
                                   out_channels: 6
                                   kernel: 3
                                   stride: 4
                                   padding: 1
                                   groups: 1
                                   batch_norm: true
                                   activation: LEAKY
                                 }
                               }
                               nodes {
                                 name: "second"
                                 inputs: 1
                                 convolution {
                                   out_channels: 6
                                   kernel: 3
                                   stride: 2
                                   padding: 1
                                   groups: 1
                                   batch_norm: true
                                   activation: LEAKY
                                 }
                               }
                               nodes {
                                 name: "out"
                                 inputs: 2
                                 convolution {
                                   out_channels: 7
                                   kernel: 1
                                   stride: 1
                                   padding: 0
                                   groups: 1
                                   activation: LINEAR
                                 }
                               }
                               nodes {
                                 name: "yolo"
                                 inputs: 3
                                 yolo_head {
                                   anchors { width: 12 height: 12 }
                                   mask: 0
                                   classes: 2
                                   scale_x_y: 1
                                 }
                               })pb",
                             "graph", &graph)
                  .ok());
  EXPECT_TRUE(InferShapes(&graph).ok());
  return graph;
}

// A bright square on dark ground: class 0 red, class 1 blue.
std::vector<VocImage> Squares(int count) {
  const std::string folder = TestFolder();
  std::vector<VocImage> images;
  Random random(3);
  for (int i = 0; i < count; ++i) {
    Picture picture{32, 32, std::vector<uint8_t>(3 * 32 * 32, 30)};
    const int left = random.Between(0, 19);
    const int top = random.Between(0, 19);
    for (int y = top; y < top + 12; ++y) {
      for (int x = left; x < left + 12; ++x) {
        picture.rgb[3 * (32 * y + x) + (i % 2 == 0 ? 0 : 2)] = 230;
      }
    }
    VocImage image;
    image.id = absl::StrCat("square", i);
    image.jpeg_path = JoinPath(folder, absl::StrCat(i, ".jpg"));
    EXPECT_TRUE(
        WriteFileAtomically(image.jpeg_path, *EncodeJpeg(picture, 95)).ok());
    GroundTruthObject object;
    object.box = {left + 1.0f, top + 1.0f, left + 12.0f, top + 12.0f};
    object.class_index = i % 2;
    image.annotation.objects.push_back(object);
    images.push_back(image);
  }
  return images;
}

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

class QatTrainingTest : public ::testing::TestWithParam<bool> {
 protected:
  QatTrainingTest()
      : graph_(Tiny()),
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

  const Graph graph_;
  const std::vector<Precision> precision_;
  const std::vector<VocImage> images_;
  QuantizationSpec quantization_;
  PreprocessSpec preprocess_;
};

TEST_P(QatTrainingTest, InterruptedItGoesOnBitForBit) {
  const QatSpec spec = Schedule(GetParam());
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

INSTANTIATE_TEST_SUITE_P(LearnedScales, QatTrainingTest, ::testing::Bool());

}  // namespace
}  // namespace yoloq
