#include "quant/qat.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "model/graph.h"
#include "model/torch_executor.h"
#include "model/training/trainable_network.h"
#include "model/weights.h"
#include "quant/deployable.h"
#include "quant/fake_quantize.h"
#include "quant/node_precision.h"
#include "quant/quantizer.h"
#include "quant/random_deployable.h"
#include "quant/reference_engine.h"
#include "quant/scheme.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// SmallGraph with batch norm at every convolution but the output ones.
Graph GraphWithBatchNorm() {
  Graph graph = SmallGraph();
  for (Node& node : *graph.mutable_nodes()) {
    if (!node.has_convolution() || node.name().rfind("raw", 0) == 0) continue;
    node.mutable_convolution()->set_batch_norm(true);
  }
  return graph;
}

Weights TrainedWeights(const Graph& graph) {
  Weights weights = RandomWeights(graph, 4);
  for (ConvolutionWeights& node : weights.nodes) {
    for (size_t c = 0; c < node.gamma.size(); ++c) {
      node.gamma[c] = 0.5f + 0.1f * static_cast<float>(c % 7);
      node.bias[c] = 0.2f * static_cast<float>(c % 3) - 0.1f;
      node.mean[c] = 0.1f * static_cast<float>(c % 4) - 0.15f;
      node.variance[c] = 0.3f + 0.2f * static_cast<float>(c % 5);
    }
  }
  return weights;
}

int Index(const Graph& graph, const std::string& name) {
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (graph.nodes(i).name() == name) return i;
  }
  ADD_FAILURE() << name;
  return 0;
}

// Pictures as the trainable network takes them.
at::Tensor Images(const Graph& graph, int first_seed, int count) {
  const Shape& shape = graph.nodes(0).output();
  at::Tensor images =
      at::empty({count, shape.height(), shape.width(), shape.channels()});
  float* to = images.data_ptr<float>();
  for (int i = 0; i < count; ++i) {
    for (const uint8_t byte : RandomPicture(graph, first_seed + i)) {
      *to++ = static_cast<float>(byte) / 255;
    }
  }
  return images.permute({0, 3, 1, 2});
}

// (height, width, channels), as engines give heads.
std::vector<float> HeadValues(const at::Tensor& head) {
  const at::Tensor dense = head.detach()[0].permute({1, 2, 0}).contiguous();
  return std::vector<float>(dense.data_ptr<float>(),
                            dense.data_ptr<float>() + dense.numel());
}

at::Tensor Loss(const std::vector<at::Tensor>& heads,
                const std::vector<at::Tensor>& targets) {
  at::Tensor loss;
  for (size_t h = 0; h < heads.size(); ++h) {
    const at::Tensor difference = heads[h] - targets[h];
    const at::Tensor term = at::mean(difference * difference);
    loss = loss.defined() ? loss + term : term;
  }
  return loss;
}

struct Qat {
  Graph graph;
  QuantizationSpec spec;
  std::vector<Precision> precision;
  std::unique_ptr<TrainableNetwork> network;
  std::unique_ptr<QatHooks> hooks;

  Qat(const std::string& scheme, const QatSpec& qat_spec, Precision backbone,
      Precision neck, Precision head, Graph used = GraphWithBatchNorm())
      : graph(std::move(used)),
        precision(PrecisionByPart(graph, backbone, neck, head)) {
    spec.set_scheme(scheme);
    spec = *ResolveScheme(spec);
    auto made = TrainableNetwork::Create(graph, TrainedWeights(graph), {});
    EXPECT_TRUE(made.ok()) << made.status();
    network = *std::move(made);
    auto hooked = QatHooks::Create(graph, spec, qat_spec, precision);
    EXPECT_TRUE(hooked.ok()) << hooked.status();
    hooks = *std::move(hooked);
    // Statistics that belong to the weights, as a trained network has them:
    // with others it is so steep that one rounding changes everything.
    const at::Tensor images = Images(graph, 100, 8);
    for (int i = 0; i < 60; ++i) network->Forward(images, nullptr);
  }

  static TrainingPosition Epoch(int epoch) {
    TrainingPosition position;
    position.epoch = epoch;
    position.steps_per_epoch = 10;
    return position;
  }

  // One step of gradient descent towards `targets`; returns the loss.
  double Step(int epoch, const at::Tensor& images,
              const std::vector<at::Tensor>& targets, double rate) {
    hooks->BeginStep(Epoch(epoch));
    const at::Tensor loss =
        Loss(network->Forward(images, hooks.get()), targets);
    loss.backward();
    const c10::NoGradGuard no_grad;
    const auto move = [rate](const at::Tensor& values,
                             const at::Tensor& gradient) {
      values.detach().add_(gradient, -rate);
      gradient.zero_();
    };
    move(network->weights(), network->weight_gradients());
    move(network->biases(), network->bias_gradients());
    for (const at::Tensor& parameter : hooks->Parameters()) {
      move(parameter, parameter.grad());
    }
    return loss.item<double>();
  }

  std::string Export() const {
    const auto learned = hooks->Result();
    EXPECT_TRUE(learned.ok()) << learned.status();
    DeployableWriter writer;
    const auto model = QuantizeModel(
        WithoutBatchNorm(graph), FoldBatchNorm(graph, network->ToWeights()),
        &*learned, spec, precision, {"a", "b"}, &writer);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? writer.Serialize(*model) : "";
  }
};

// Mean difference in quantization steps.
double MeanSteps(const std::vector<float>& a, const std::vector<float>& b,
                 float step) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::fabs(a[i] - b[i]) / step;
  return sum / a.size();
}

struct ExportCase {
  std::string scheme;
  bool learned_scales;
  Precision neck;
};

class ExportTest : public ::testing::TestWithParam<ExportCase> {};

TEST_P(ExportTest, TheIntegerModelComputesWhatWasSimulated) {
  QatSpec qat_spec;
  qat_spec.set_averaging_constant(0.5);
  qat_spec.set_learned_scales(GetParam().learned_scales);
  Qat qat(GetParam().scheme, qat_spec, INT8, GetParam().neck, INT8);
  const at::Tensor images = Images(qat.graph, 0, 4);
  const std::vector<at::Tensor> targets = {at::zeros({1}), at::ones({1})};
  // Trains through all phases of the schedule.
  for (const int epoch : {0, 0, 1, 4, 5, 6, 7, 8}) {
    qat.Step(epoch, images, targets, 1e-3);
  }
  qat.network->set_training(false);

  const AlignedBytes bytes(qat.Export());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "qat"));
  ReferenceEngine engine(&model);
  const FakeQuantization quantization = MakeFakeQuantization(model);
  TorchExecutorOptions options;
  options.hook_before_activation = quantization.any_before_activation();
  options.hook = [&](int node, bool before_activation, float* values,
                     int64_t count) {
    quantization.Apply(node, before_activation, values, count);
  };
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto executor,
      TorchExecutor::Create(model.graph(), quantization.weights, options));

  // Where a value lies next to a tie, one inner rounding goes the other way and
  // is seen at some outputs: rarely, and by few steps.
  double with_fake = 0, with_integer = 0;
  constexpr int kPictures = 12;
  for (int picture = 0; picture < kPictures; ++picture) {
    const std::vector<at::Tensor> simulated =
        qat.network->Forward(Images(qat.graph, picture, 1), qat.hooks.get());
    const std::vector<uint8_t> rgb = RandomPicture(qat.graph, picture);
    std::vector<HeadOutput> integer, fake;
    YOLOQ_ASSERT_OK(engine.Run(rgb, &integer));
    YOLOQ_ASSERT_OK(executor->Run(rgb, &fake));
    for (size_t h = 0; h < simulated.size(); ++h) {
      const float step = model.execution(fake[h].node).output().scale();
      const std::vector<float> values = HeadValues(simulated[h]);
      const double share = 1.0 / (kPictures * simulated.size());
      with_fake += share * MeanSteps(values, fake[h].values, step);
      with_integer += share * MeanSteps(values, integer[h].values, step);
    }
  }
  EXPECT_LT(with_integer, 0.01);
  // Otherwise an FP32 tap has one form there (quant/fake_quantize.h).
  if (GetParam().neck == INT8) {
    EXPECT_LT(with_fake, 0.01);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Schemes, ExportTest,
    ::testing::Values(ExportCase{"qnnpack", false, INT8},
                      ExportCase{"per_channel", false, INT8},
                      ExportCase{"tensorrt", false, INT8},
                      ExportCase{"per_channel", false, FP32},
                      ExportCase{"qnnpack", true, INT8},
                      ExportCase{"per_channel", true, INT8}),
    [](const auto& info) {
      return info.param.scheme + (info.param.learned_scales ? "_learned" : "") +
             (info.param.neck == INT8 ? "" : "_partial");
    });

TEST(QatHooksTest, LowersTheErrorOfQuantization) {
  // Towards the FP32 network itself.
  Qat qat("qnnpack", QatSpec(), INT8, INT8, INT8);
  const at::Tensor images = Images(qat.graph, 0, 8);
  qat.network->set_training(false);
  std::vector<at::Tensor> targets;
  for (const at::Tensor& head : qat.network->Forward(images, nullptr)) {
    targets.push_back(head.detach());
  }
  qat.hooks->BeginStep(Qat::Epoch(0));
  const double before =
      Loss(qat.network->Forward(images, qat.hooks.get()), targets)
          .item<double>();
  // The FP32 network itself, started beside its weights, no longer converges
  // with steps of 0.01.
  for (int step = 0; step < 150; ++step) qat.Step(9, images, targets, 5e-4);
  const double after =
      Loss(qat.network->Forward(images, qat.hooks.get()), targets)
          .item<double>();
  EXPECT_LT(after, 0.8 * before);
}

double Cosine(const at::Tensor& a, const at::Tensor& b) {
  return (at::sum(a * b) / (at::norm(a) * at::norm(b))).item<double>();
}

TEST(QatHooksTest, GradientsAreNextToThoseOfTheNetwork) {
  for (const char* scheme : {"qnnpack", "per_channel", "tensorrt"}) {
    for (const bool training : {true, false}) {
      Qat qat(scheme, QatSpec(), INT8, INT8, INT8);
      Qat plain(scheme, QatSpec(), INT8, INT8, INT8);
      const at::Tensor images = Images(qat.graph, 0, 8);
      const std::vector<at::Tensor> targets = {at::zeros({1}), at::ones({1})};
      qat.network->set_training(training);
      plain.network->set_training(training);
      qat.hooks->BeginStep(Qat::Epoch(0));
      Loss(qat.network->Forward(images, qat.hooks.get()), targets).backward();
      Loss(plain.network->Forward(images, nullptr), targets).backward();
      EXPECT_GT(Cosine(qat.network->weight_gradients(),
                       plain.network->weight_gradients()),
                0.97)
          << scheme << training;
      EXPECT_GT(Cosine(qat.network->bias_gradients(),
                       plain.network->bias_gradients()),
                0.99)
          << scheme << training;
    }
  }
}

TEST(QatHooksTest, GradientsPassStraightThroughWhatIsNotClamped) {
  QatSpec spec;
  Qat qat("per_channel", spec, INT8, INT8, INT8);
  const int node = Index(qat.graph, "conv1");
  qat.hooks->BeginStep(Qat::Epoch(0));
  const auto values = [](std::vector<float> from) {
    return at::from_blob(from.data(), {1, 1, 1, (int64_t)from.size()}).clone();
  };
  // Range [-1, 1.55]: a step of 0.01, zero point 100.
  qat.hooks->Activation(node, false, values({-1, 1.55f}));
  qat.hooks->BeginStep(Qat::Epoch(9));
  at::Tensor input = values({-2, -1, 0.003f, 0.006f, 1.5f, 1.6f});
  input.set_requires_grad(true);
  const at::Tensor output = qat.hooks->Activation(node, false, input);
  at::sum(output * values({1, 2, 3, 4, 5, 6})).backward();
  const std::vector<float> expected = {-1, -1, 0, 0.01f, 1.5f, 1.55f};
  const std::vector<float> gradients = {0, 2, 3, 4, 5, 0};
  for (int i = 0; i < 6; ++i) {
    EXPECT_NEAR(output.data_ptr<float>()[i], expected[i], 1e-6) << i;
    EXPECT_EQ(input.grad().data_ptr<float>()[i], gradients[i]) << i;
  }
}

class OperatorTest
    : public ::testing::TestWithParam<std::tuple<std::string, bool>> {
 protected:
  OperatorTest()
      : per_tensor_(std::get<0>(GetParam()) == "qnnpack"),
        learned_(std::get<1>(GetParam())),
        qat_(std::get<0>(GetParam()), Spec(learned_), INT8, INT8, INT8) {
    qat_.hooks->BeginStep(Qat::Epoch(0));
    qat_.network->Forward(Images(qat_.graph, 0, 4), qat_.hooks.get());
    qat_.hooks->BeginStep(Qat::Epoch(9));
  }

  static QatSpec Spec(bool learned) {
    QatSpec spec;
    spec.set_learned_scales(learned);
    return spec;
  }

  // A leaf with these values.
  static at::Tensor Leaf(const at::Tensor& values) {
    return values.detach().clone().set_requires_grad(true);
  }

  // The sum of the gradients of all learned scales, by their logarithms.
  double LearnedGradient() const {
    return at::sum(qat_.hooks->Parameters()[0].grad()).item<double>();
  }

  const bool per_tensor_;
  const bool learned_;
  Qat qat_;
};

TEST_P(OperatorTest, ActivationsAgreeWithLibTorchs) {
  const int node = Index(qat_.graph, "conv2");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Calibration result, qat_.hooks->Result());
  TensorQuantization quantization;
  for (const FixedQuantization& fixed : result.fixed()) {
    if (fixed.node() == "conv2") quantization = fixed.output();
  }
  // Beyond the range on both sides.
  const at::Tensor values = at::linspace(-1, 300, 5000) * quantization.scale();
  const at::Tensor direction = at::cos(at::arange(5000));
  const at::Tensor own = Leaf(values), theirs = Leaf(values);
  const at::Tensor scale = Leaf(at::full({1}, quantization.scale()));
  const at::Tensor output = qat_.hooks->Activation(node, false, own);
  const at::Tensor expected =
      learned_
          ? at::_fake_quantize_learnable_per_tensor_affine(
                theirs, scale, at::full({1}, (double)quantization.zero_point()),
                0, 255, 1 / std::sqrt(5000 * 255.0))
          : at::fake_quantize_per_tensor_affine(theirs, quantization.scale(),
                                                quantization.zero_point(), 0,
                                                255);
  at::sum(output * direction).backward();
  at::sum(expected * direction).backward();
  EXPECT_TRUE(at::allclose(output, expected, 1e-5, 1e-6));
  EXPECT_TRUE(at::equal(own.grad(), theirs.grad()));
  EXPECT_GT(at::sum(own.grad() == 0).item<int64_t>(), 10);
  if (!learned_) return;
  const double by_log = scale.grad().item<double>() * quantization.scale();
  EXPECT_NEAR(LearnedGradient(), by_log, 1e-4 * std::fabs(by_log));
}

TEST_P(OperatorTest, WeightsAgreeWithLibTorchs) {
  const int node = Index(qat_.graph, "raw2");
  const TrainableConvolution& raw = qat_.network->convolution(node);
  {
    const c10::NoGradGuard no_grad;
    raw.bias.detach().zero_();
    qat_.network->weight_gradients().zero_();
  }
  const at::Tensor input = at::cos(
      at::arange(3 * raw.weight.size(1)).view({1, raw.weight.size(1), 1, 3}));
  at::Tensor largest = at::amax(at::abs(raw.weight.detach()), {1, 2, 3});
  if (per_tensor_) largest = at::amax(largest, {0}, true);
  const at::Tensor theirs = Leaf(raw.weight);
  const at::Tensor scales = Leaf(largest / 127);
  const int64_t count = scales.numel();
  const double factor = 1 / std::sqrt(theirs.numel() / count * 127.0);
  const at::Tensor zeros = at::zeros({count});
  at::Tensor weight;
  if (learned_ && per_tensor_) {
    weight = at::_fake_quantize_learnable_per_tensor_affine(
        theirs, scales, zeros, -127, 127, factor);
  } else if (learned_) {
    weight = at::_fake_quantize_learnable_per_channel_affine(
        theirs, scales, zeros, 0, -127, 127, factor);
  } else if (per_tensor_) {
    weight = at::fake_quantize_per_tensor_affine(theirs, scales.item<double>(),
                                                 0, -127, 127);
  } else {
    weight = at::fake_quantize_per_channel_affine(
        theirs, scales.detach(), zeros.to(at::kInt), 0, -127, 127);
  }
  const at::Tensor expected = at::conv2d(input, weight);
  const at::Tensor output = qat_.hooks->Convolution(*qat_.network, node, input);
  const at::Tensor direction =
      at::sin(at::arange(output.numel())).view(output.sizes());
  at::sum(output * direction).backward();
  at::sum(expected * direction).backward();
  EXPECT_TRUE(at::allclose(output, expected, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(raw.weight.grad(), theirs.grad(), 1e-4, 1e-5));
  if (!learned_) return;
  const double by_log = at::sum(scales.grad() * scales).item<double>();
  EXPECT_NEAR(LearnedGradient(), by_log, 1e-3 * std::fabs(by_log));
}

INSTANTIATE_TEST_SUITE_P(Forms, OperatorTest,
                         ::testing::Combine(::testing::Values("qnnpack",
                                                              "per_channel"),
                                            ::testing::Bool()));

TEST(QatHooksTest, AnFp32TapIsRoundedForItsInt8ReadersAlone) {
  // "neck" is read by "upsample" (FP32) and "raw2" (INT8).
  Qat qat("per_channel", QatSpec(), INT8, FP32, INT8);
  const int neck = Index(qat.graph, "neck");
  const at::Tensor values = at::linspace(-1, 1, 1000);
  qat.hooks->BeginStep(Qat::Epoch(0));
  const at::Tensor output = qat.hooks->Activation(neck, false, values);
  EXPECT_TRUE(at::equal(output, values));
  const at::Tensor for_float =
      qat.hooks->Input(Index(qat.graph, "upsample"), neck, output);
  EXPECT_TRUE(at::equal(for_float, values));
  const at::Tensor for_int8 =
      qat.hooks->Input(Index(qat.graph, "raw2"), neck, output);
  EXPECT_TRUE(at::allclose(for_int8, values, 0, 1.001 / 255));
  EXPECT_FALSE(at::allclose(for_int8, values, 0, 0.9 / 255));
}

TEST(QatHooksTest, LearnedScaleHasTheGradientOfLsq) {
  QatSpec spec;
  spec.set_learned_scales(true);
  Qat qat("per_channel", spec, INT8, INT8, INT8);
  const int node = Index(qat.graph, "conv1");
  const auto values = [](std::vector<float> from) {
    return at::from_blob(from.data(), {1, 1, 1, (int64_t)from.size()}).clone();
  };
  qat.hooks->BeginStep(Qat::Epoch(0));
  qat.hooks->Activation(node, false, values({-1, 1.55f}));
  qat.hooks->BeginStep(Qat::Epoch(9));
  at::Tensor input = values({-2, 0.003f, 0.006f, 1.6f});
  input.set_requires_grad(true);
  const at::Tensor output = qat.hooks->Activation(node, false, input);
  at::sum(output * values({1, 2, 3, 4})).backward();
  EXPECT_EQ(input.grad().data_ptr<float>()[0], 0);
  EXPECT_EQ(input.grad().data_ptr<float>()[1], 2);
  // d(output)/d(scale): the clamped integer, or round(x / s) - x / s.
  const double by_scale = 1 * -100 + 2 * (0 - 0.3) + 3 * (1 - 0.6) + 4 * 155;
  const double factor = 1 / std::sqrt(4 * 255.0);
  const at::Tensor gradient = qat.hooks->Parameters()[0].grad();
  EXPECT_NEAR(at::sum(gradient).item<double>(), by_scale * factor * 0.01, 1e-3);
  EXPECT_EQ(at::count_nonzero(gradient).item<int64_t>(), 1);
}

TEST(QatHooksTest, WithoutInt8ItIsTheNetwork) {
  for (const bool training : {true, false}) {
    Qat qat("qnnpack", QatSpec(), FP32, FP32, FP32);
    Qat plain("qnnpack", QatSpec(), FP32, FP32, FP32);
    qat.network->set_training(training);
    plain.network->set_training(training);
    const at::Tensor images = Images(qat.graph, 0, 3);
    qat.hooks->BeginStep(Qat::Epoch(0));
    const auto hooked = qat.network->Forward(images, qat.hooks.get());
    const auto expected = plain.network->Forward(images, nullptr);
    for (size_t h = 0; h < expected.size(); ++h) {
      EXPECT_TRUE(at::allclose(hooked[h], expected[h])) << training;
    }
    EXPECT_TRUE(
        at::allclose(qat.network->statistics(), plain.network->statistics()));
    YOLOQ_ASSERT_OK_AND_ASSIGN(const Calibration result, qat.hooks->Result());
    EXPECT_EQ(result.fixed_size(), 0);
  }
}

TEST(QatHooksTest, FoldingKeepsBatchNormsFunctionAndStatistics) {
  Qat qat("per_channel", QatSpec(), INT8, INT8, INT8);
  Qat plain("per_channel", QatSpec(), INT8, INT8, INT8);
  const at::Tensor images = Images(qat.graph, 0, 8);
  qat.hooks->BeginStep(Qat::Epoch(0));
  const auto simulated = qat.network->Forward(images, qat.hooks.get());
  const auto exact = plain.network->Forward(images, nullptr);
  for (size_t h = 0; h < exact.size(); ++h) {
    const at::Tensor difference = simulated[h] - exact[h];
    EXPECT_LT(at::norm(difference).item<double>(),
              0.05 * at::norm(exact[h]).item<double>());
  }
  const at::Tensor moved = plain.network->statistics();
  EXPECT_LT(at::norm(qat.network->statistics() - moved).item<double>(),
            0.01 * at::norm(moved).item<double>());
}

TEST(QatHooksTest, FreezesStatisticsAndRangesByTheSchedule) {
  QatSpec spec;
  spec.set_epochs(3);
  spec.set_batch_norm_freeze_epoch(1);
  spec.set_observer_freeze_epoch(2);
  Qat qat("qnnpack", spec, INT8, INT8, INT8);
  const auto moves = [&](int epoch) {
    const at::Tensor statistics = qat.network->statistics().clone();
    const at::Tensor ranges = qat.hooks->State()[0].clone();
    qat.hooks->BeginStep(Qat::Epoch(epoch));
    qat.network->Forward(Images(qat.graph, 10 * epoch + 1, 2), qat.hooks.get());
    return std::make_pair(!at::equal(statistics, qat.network->statistics()),
                          !at::equal(ranges, qat.hooks->State()[0]));
  };
  EXPECT_EQ(moves(0), std::make_pair(true, true));
  EXPECT_EQ(moves(1), std::make_pair(false, true));
  EXPECT_EQ(moves(2), std::make_pair(false, false));
}

TEST(QatHooksTest, RangesAreMovingAverages) {
  QatSpec spec;
  spec.set_averaging_constant(0.25);
  Qat qat("per_channel", spec, INT8, INT8, INT8);
  const int node = Index(qat.graph, "raw2");
  qat.hooks->BeginStep(Qat::Epoch(0));
  const auto observe = [&](float low, float high) {
    const float values[] = {low, high};
    qat.hooks->Activation(node, false,
                          at::from_blob(const_cast<float*>(values), {2}));
  };
  observe(-1, 2);
  observe(-2, 4);
  // -1.25 .. 2.5 in 255 steps.
  qat.network->Forward(Images(qat.graph, 0, 1), nullptr);
  const at::Tensor probe = at::full({1}, 100.0);
  qat.hooks->BeginStep(Qat::Epoch(9));
  EXPECT_NEAR(qat.hooks->Activation(node, false, probe).item<double>(), 2.5,
              0.01);
  EXPECT_NEAR(qat.hooks->Activation(node, false, -probe).item<double>(), -1.25,
              0.01);
}

TEST(QatHooksTest, TinyScalesOfBatchNormStayFinite) {
  for (const char* scheme : {"qnnpack", "per_channel"}) {
    Qat qat(scheme, QatSpec(), INT8, INT8, INT8);
    const int node = Index(qat.graph, "conv1");
    const TrainableConvolution& conv1 = qat.network->convolution(node);
    {
      const c10::NoGradGuard no_grad;
      conv1.gamma.detach()[0].fill_(0);
      conv1.gamma.detach()[1].fill_(1e-30);
      conv1.gamma.detach()[2].fill_(-1e-6);
      conv1.variance[3].fill_(1e20);
      conv1.weight.detach()[4].fill_(0);
    }
    const at::Tensor images = Images(qat.graph, 0, 4);
    const std::vector<at::Tensor> targets = {at::zeros({1}), at::ones({1})};
    for (int step = 0; step < 30; ++step) {
      ASSERT_TRUE(std::isfinite(qat.Step(0, images, targets, 1e-4)));
    }
    EXPECT_TRUE(at::isfinite(qat.network->weights()).all().item<bool>());
    // Channels of next to no scale still see their own variance.
    for (int c = 0; c < 3; ++c) {
      EXPECT_GT(conv1.variance[c].item<float>(), 0.03f) << scheme << c;
    }
    for (int step = 0; step < 3; ++step) {
      ASSERT_TRUE(std::isfinite(qat.Step(9, images, targets, 1e-4)));
    }
    EXPECT_FALSE(qat.Export().empty());
  }
}

TEST(QatHooksTest, ResultNeedsTraining) {
  Qat qat("per_channel", QatSpec(), INT8, INT8, INT8);
  EXPECT_THAT(qat.hooks->Result(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("node \"conv1\": quantization-aware training "
                                 "never saw its values")));
}

TEST(QatHooksTest, StateResumes) {
  QatSpec spec;
  spec.set_learned_scales(true);
  Qat qat("per_channel", spec, INT8, INT8, INT8);
  const at::Tensor images = Images(qat.graph, 0, 4);
  const std::vector<at::Tensor> targets = {at::zeros({1}), at::ones({1})};
  for (const int epoch : {0, 6, 7}) qat.Step(epoch, images, targets, 1e-3);

  Qat resumed("per_channel", spec, INT8, INT8, INT8);
  {
    const c10::NoGradGuard no_grad;
    const auto copy = [](const std::vector<at::Tensor>& from,
                         const std::vector<at::Tensor>& to) {
      ASSERT_EQ(from.size(), to.size());
      for (size_t i = 0; i < to.size(); ++i) to[i].detach().copy_(from[i]);
    };
    copy({qat.network->weights(), qat.network->biases(),
          qat.network->statistics()},
         {resumed.network->weights(), resumed.network->biases(),
          resumed.network->statistics()});
    copy(qat.hooks->State(), resumed.hooks->State());
    copy(qat.hooks->Parameters(), resumed.hooks->Parameters());
  }
  EXPECT_EQ(qat.Step(8, images, targets, 1e-3),
            resumed.Step(8, images, targets, 1e-3));
  EXPECT_EQ(qat.Export(), resumed.Export());
}

TEST(ResolveQatSpecTest, DefaultsAndErrors) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(QatSpec spec, ResolveQatSpec(QatSpec()));
  EXPECT_EQ(spec.epochs(), 10);
  EXPECT_EQ(spec.learning_rate(), 1e-4);
  EXPECT_EQ(spec.batch_norm_freeze_epoch(), 4);
  EXPECT_EQ(spec.observer_freeze_epoch(), 6);
  spec = QatSpec();
  spec.set_epochs(1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(spec, ResolveQatSpec(spec));
  EXPECT_EQ(spec.batch_norm_freeze_epoch(), 1);

  spec.set_epochs(-1);
  EXPECT_THAT(ResolveQatSpec(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("epochs: -1 is not positive")));
  spec = QatSpec();
  spec.set_averaging_constant(1.5);
  EXPECT_THAT(ResolveQatSpec(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("averaging_constant: 1.5")));
  spec = QatSpec();
  spec.set_learning_rate(-1);
  EXPECT_THAT(ResolveQatSpec(spec), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("learning_rate: -1")));
  spec = QatSpec();
  spec.set_learned_scales(true);
  spec.set_batch_norm_freeze_epoch(5);
  spec.set_observer_freeze_epoch(4);
  EXPECT_THAT(ResolveQatSpec(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("observer_freeze_epoch: 4 comes before "
                                 "batch_norm_freeze_epoch, 5")));
  spec = QatSpec();
  spec.set_observer_freeze_epoch(-2);
  EXPECT_THAT(ResolveQatSpec(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("observer_freeze_epoch: -2")));
}

TEST(QatTrainingSpecTest, ContinuesTheBaseline) {
  TrainingSpec baseline;
  baseline.set_epochs(200);
  baseline.set_batch_size(16);
  baseline.set_ema_decay(0.99);
  baseline.set_initial_objectness(0.01);
  baseline.set_initial_output_scale(0.1);
  baseline.set_initial_residual_gamma(0.5);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const QatSpec spec, ResolveQatSpec(QatSpec()));
  const TrainingSpec training = QatTrainingSpec(baseline, spec);
  EXPECT_EQ(training.epochs(), 10);
  EXPECT_EQ(training.learning_rate(), 1e-4);
  EXPECT_EQ(training.batch_size(), 16);
  EXPECT_EQ(training.ema_decay(), 0);
  EXPECT_EQ(training.initial_objectness(), 0);
  EXPECT_EQ(training.initial_output_scale(), 0);
  EXPECT_EQ(training.initial_residual_gamma(), 0);
}

}  // namespace
}  // namespace yoloq
