#include "quant/quantizer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "model/graph.h"
#include "model/weights.h"
#include "quant/calibration.h"
#include "quant/fake_quantize.h"
#include "quant/integer_semantics.h"
#include "quant/node_precision.h"
#include "quant/random_deployable.h"
#include "quant/reference_engine.h"
#include "quant/scheme.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

QuantizationSpec Spec(const std::string& scheme) {
  QuantizationSpec spec;
  spec.set_scheme(scheme);
  spec.set_calibration_images(6);
  return *ResolveScheme(spec);
}

// A network with its weights, calibrated on random pictures by the float form
// of the reference engine.
class Network {
 public:
  explicit Network(Graph graph, uint64_t seed = 3)
      : graph_(std::move(graph)), weights_(RandomWeights(graph_, seed)) {
    for (ConvolutionWeights& node : weights_.nodes) {
      for (size_t c = 0; c < node.bias.size(); ++c) {
        node.bias[c] = 0.1f * static_cast<float>(c % 5) - 0.2f;
      }
    }
  }

  const Graph& graph() const { return graph_; }
  Weights* weights() { return &weights_; }

  absl::StatusOr<DeployableModel> Quantize(Precision backbone, Precision neck,
                                           Precision head,
                                           const QuantizationSpec& spec,
                                           const Calibration* calibration,
                                           DeployableWriter* writer) const {
    return QuantizeModel(graph_, weights_, calibration, spec,
                         PrecisionByPart(graph_, backbone, neck, head),
                         {"first", "second"}, writer);
  }

  // The serialized model; fails the test when it can't be made.
  std::string Serialize(Precision backbone, Precision neck, Precision head,
                        const QuantizationSpec& spec,
                        const Calibration* calibration) const {
    DeployableWriter writer;
    const auto model =
        Quantize(backbone, neck, head, spec, calibration, &writer);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? writer.Serialize(*model) : "";
  }

  Calibration Calibrate(const QuantizationSpec& spec) const {
    const AlignedBytes bytes(Serialize(FP32, FP32, FP32, spec, nullptr));
    const auto model = Deployable::FromBytes(bytes.view(), "fp32");
    EXPECT_TRUE(model.ok()) << model.status();
    ReferenceEngine engine(&*model);
    std::vector<HeadOutput> heads;
    Calibrator calibrator(graph_, spec);
    for (int i = 0; i < spec.calibration_images(); ++i) {
      EXPECT_TRUE(engine.Run(RandomPicture(graph_, i), &heads).ok());
      for (int node = 0; node < graph_.nodes_size(); ++node) {
        const absl::Span<const float> after = engine.FloatOutput(node);
        calibrator.Observe(i, node, false, after.data(), after.size());
        // Leaky ReLU undone.
        std::vector<float> before(after.begin(), after.end());
        for (float& x : before) x = x < 0 ? x / kLeakySlope : x;
        calibrator.Observe(i, node, true, before.data(), before.size());
      }
      EXPECT_TRUE(calibrator.FinishImage(std::to_string(i)).ok());
    }
    return calibrator.Result();
  }

 private:
  Graph graph_;
  Weights weights_;
};

int Index(const Graph& graph, absl::string_view name) {
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (graph.nodes(i).name() == name) return i;
  }
  ADD_FAILURE() << name;
  return 0;
}

std::vector<HeadOutput> RunHeads(const std::string& file,
                                 const std::vector<uint8_t>& picture) {
  const AlignedBytes bytes(file);
  const auto model = Deployable::FromBytes(bytes.view(), "model");
  EXPECT_TRUE(model.ok()) << model.status();
  std::vector<HeadOutput> heads;
  if (!model.ok()) return heads;
  EXPECT_TRUE(ReferenceEngine(&*model).Run(picture, &heads).ok());
  return heads;
}

// Signal-to-noise ratio of `values` against `truth` in decibels.
double SnrDb(const std::vector<HeadOutput>& truth,
             const std::vector<HeadOutput>& values) {
  double signal = 0, noise = 0;
  for (size_t h = 0; h < truth.size(); ++h) {
    for (size_t i = 0; i < truth[h].values.size(); ++i) {
      const double t = truth[h].values[i];
      signal += t * t;
      noise += (values[h].values[i] - t) * (values[h].values[i] - t);
    }
  }
  return 10 * std::log10(signal / noise);
}

class EverySchemeTest : public ::testing::TestWithParam<std::string> {};

TEST_P(EverySchemeTest, QuantizedNetworkIsCloseToTheFloatOne) {
  const Network network(SmallGraph());
  const QuantizationSpec spec = Spec(GetParam());
  const Calibration calibration = network.Calibrate(spec);
  const std::vector<uint8_t> picture = RandomPicture(network.graph(), 100);
  const auto truth =
      RunHeads(network.Serialize(FP32, FP32, FP32, spec, nullptr), picture);
  double most = 0;
  for (int bits = 1; bits < 8; ++bits) {
    const auto precision = [bits](int part) {
      return bits >> part & 1 ? INT8 : FP32;
    };
    const auto heads =
        RunHeads(network.Serialize(precision(0), precision(1), precision(2),
                                   spec, &calibration),
                 picture);
    ASSERT_EQ(heads.size(), 2);
    const double snr = SnrDb(truth, heads);
    EXPECT_GT(snr, 24) << bits;
    most = std::max(most, snr);
  }
  // One part in INT8 loses less than all three.
  EXPECT_GT(most, SnrDb(truth, RunHeads(network.Serialize(INT8, INT8, INT8,
                                                          spec, &calibration),
                                        picture)));
}

INSTANTIATE_TEST_SUITE_P(All, EverySchemeTest,
                         ::testing::ValuesIn(SchemeNames()));

TEST(QuantizeModelTest, EveryObserverGivesARunnableModel) {
  const Network network(SmallGraph());
  const std::vector<uint8_t> picture = RandomPicture(network.graph(), 100);
  const auto truth =
      RunHeads(network.Serialize(FP32, FP32, FP32, QuantizationSpec(), nullptr),
               picture);
  for (const auto kind : {ObserverSpec::MIN_MAX, ObserverSpec::MOVING_AVERAGE,
                          ObserverSpec::PERCENTILE, ObserverSpec::HISTOGRAM_MSE,
                          ObserverSpec::ENTROPY}) {
    QuantizationSpec spec = Spec("per_channel");
    spec.mutable_activation_observer()->set_kind(kind);
    const Calibration calibration = network.Calibrate(spec);
    const auto heads = RunHeads(
        network.Serialize(INT8, INT8, INT8, spec, &calibration), picture);
    EXPECT_GT(SnrDb(truth, heads), 15) << ObserverSpec::Kind_Name(kind);
  }
}

TEST(QuantizeModelTest, FakeQuantizationSimulatesTheModel) {
  const Network network(SmallGraph());
  for (const std::string& scheme : SchemeNames()) {
    const QuantizationSpec spec = Spec(scheme);
    const Calibration calibration = network.Calibrate(spec);
    const AlignedBytes bytes(
        network.Serialize(INT8, INT8, INT8, spec, &calibration));
    YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                               Deployable::FromBytes(bytes.view(), "m"));
    ReferenceEngine engine(&model);
    std::vector<HeadOutput> heads;
    YOLOQ_ASSERT_OK(engine.Run(RandomPicture(network.graph(), 7), &heads));

    // The first convolution, simulated in floats by hand.
    const FakeQuantization fake = MakeFakeQuantization(model);
    DeployableWriter writer;
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        const DeployableModel simulated,
        QuantizeModel(
            network.graph(), fake.weights, nullptr, QuantizationSpec(),
            std::vector<Precision>(network.graph().nodes_size(), FP32), {},
            &writer));
    const AlignedBytes float_bytes(writer.Serialize(simulated));
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        const Deployable float_model,
        Deployable::FromBytes(float_bytes.view(), "simulated"));
    ReferenceEngine float_engine(&float_model);
    YOLOQ_ASSERT_OK(
        float_engine.Run(RandomPicture(network.graph(), 7), &heads));
    std::vector<float> values(float_engine.FloatOutput(1).begin(),
                              float_engine.FloatOutput(1).end());
    if (fake.nodes[1].before_activation.has_value()) {
      for (float& x : values) x = x < 0 ? x / kLeakySlope : x;
      fake.Apply(1, true, values.data(), values.size());
      for (float& x : values) x = x < 0 ? x * kLeakySlope : x;
    }
    fake.Apply(1, false, values.data(), values.size());
    int different = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const TensorQuantization& q = model.execution(1).output();
      const float exact = Dequantize(engine.Uint8Output(1)[i], q);
      different += values[i] != exact;
      // A rounding tie may fall either way.
      ASSERT_NEAR(values[i], exact, 1.01f * q.scale()) << scheme;
    }
    EXPECT_LE(different, values.size() / 100) << scheme;
  }
}

TEST(QuantizeModelTest, PrecisionFollowsThePartAndOutputsItsReaders) {
  const Network network(SmallGraph());
  const QuantizationSpec spec = Spec("per_channel");
  const Calibration calibration = network.Calibrate(spec);
  DeployableWriter writer;
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const DeployableModel model,
      network.Quantize(FP32, INT8, FP32, spec, &calibration, &writer));
  const auto at = [&](absl::string_view name) {
    return model.nodes(Index(network.graph(), name));
  };
  EXPECT_EQ(at("input").precision(), FP32);
  EXPECT_EQ(at("conv1").precision(), FP32);
  EXPECT_EQ(at("neck").precision(), INT8);
  EXPECT_EQ(at("yolo2").precision(), FP32);
  EXPECT_TRUE(at("pool").has_output());  // read by "slice"
  EXPECT_TRUE(at("half").has_output());  // read by "neck"
  EXPECT_FALSE(at("add").has_output());
  EXPECT_FALSE(at("head1").has_output());
  EXPECT_FALSE(at("neck").has_before_activation());
  EXPECT_EQ(at("neck").weight_scales().size_bytes(), 8 * 4);
  EXPECT_FALSE(at("head1").has_weight_scales());
}

TEST(QuantizeModelTest, InputIsInt8WhenReadInInt8) {
  const Network network(SmallGraph());
  const QuantizationSpec spec = Spec("qnnpack");
  const Calibration calibration = network.Calibrate(spec);
  DeployableWriter writer;
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const DeployableModel model,
      network.Quantize(INT8, FP32, FP32, spec, &calibration, &writer));
  EXPECT_EQ(model.nodes(0).precision(), INT8);
  EXPECT_EQ(model.nodes(0).output().scale(), kInputScale);
  EXPECT_TRUE(model.nodes(1).has_before_activation());
  EXPECT_EQ(model.nodes(1).weight_scales().size_bytes(), 4);
}

void ExpectSame(const NodeExecution& a, const NodeExecution& b) {
  EXPECT_EQ(a.output().scale(), b.output().scale());
  EXPECT_EQ(a.output().zero_point(), b.output().zero_point());
}

TEST(QuantizeModelTest, SharedScaleReachesTheProducersThroughMoves) {
  const Network network(SmallGraph());
  const QuantizationSpec spec = Spec("tensorrt");
  ASSERT_EQ(spec.concat(), QuantizationSpec::SHARED_SCALE);
  const Calibration calibration = network.Calibrate(spec);
  DeployableWriter writer;
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const DeployableModel model,
      network.Quantize(INT8, INT8, INT8, spec, &calibration, &writer));
  const auto at = [&](absl::string_view name) {
    return model.nodes(Index(network.graph(), name));
  };
  for (const char* name :
       {"neck", "upsample", "slice", "pool", "add", "half"}) {
    ExpectSame(at(name), at("concat"));
  }
  EXPECT_NE(at("conv2").output().scale(), at("concat").output().scale());
  // The range is the concat's own.
  DeployableWriter other;
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const DeployableModel requantized,
      network.Quantize(INT8, INT8, INT8, Spec("per_channel"), &calibration,
                       &other));
  const int concat = Index(network.graph(), "concat");
  ExpectSame(requantized.nodes(concat), at("concat"));
  EXPECT_NE(requantized.nodes(Index(network.graph(), "add")).output().scale(),
            at("add").output().scale());
}

TEST(QuantizeModelTest, SharedScaleLeavesThePictureAlone) {
  const Network network(GraphFromText(R"pb(
    nodes {
      name: "input"
      part: NECK
      output { channels: 2 height: 4 width: 4 }
      input {}
    }
    nodes {
      name: "crop"
      part: NECK
      inputs: 0
      slice { begin: 0 count: 1 }
    }
    nodes {
      name: "c"
      part: NECK
      inputs: 0
      convolution { out_channels: 2 kernel: 1 stride: 1 groups: 1 }
    }
    nodes {
      name: "concat"
      part: NECK
      inputs: 1
      inputs: 2
      concat {}
    }
    nodes {
      name: "last"
      part: NECK
      inputs: 3
      convolution { out_channels: 2 kernel: 1 stride: 1 groups: 1 }
    })pb"));
  const QuantizationSpec spec = Spec("tensorrt");
  const Calibration calibration = network.Calibrate(spec);
  DeployableWriter writer;
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const DeployableModel model,
      network.Quantize(INT8, INT8, INT8, spec, &calibration, &writer));
  EXPECT_EQ(model.nodes(1).output().scale(), kInputScale);
  ExpectSame(model.nodes(2), model.nodes(3));
  EXPECT_NE(model.nodes(3).output().scale(), kInputScale);
}

TEST(QuantizeModelTest, SaysWhatIsMissing) {
  Network network(SmallGraph());
  const QuantizationSpec spec = Spec("per_channel");
  const Calibration calibration = network.Calibrate(spec);
  DeployableWriter writer;
  EXPECT_THAT(network.Quantize(INT8, FP32, FP32, spec, nullptr, &writer),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("needs a calibration")));
  // A calibration for fused leaky has nothing before the activations.
  EXPECT_THAT(network.Quantize(INT8, FP32, FP32, Spec("qnnpack"), &calibration,
                               &writer),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node \"conv1\": the calibration has no such "
                                 "tensor before the activation")));
  Calibration empty = calibration;
  empty.mutable_tensors(0)->set_values(0);
  EXPECT_THAT(
      network.Quantize(INT8, FP32, FP32, spec, &empty, &writer),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("node \"conv1\": the observer has seen no values")));
  EXPECT_THAT(
      network.Quantize(INT8, INT8, INT8, QuantizationSpec(), &calibration,
                       &writer),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("scheme: \"\"")));
  EXPECT_THAT(QuantizeModel(network.graph(), *network.weights(), nullptr, spec,
                            {FP32}, {}, &writer),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("precision: 1 entries")));
  network.weights()->nodes[1].bias.pop_back();
  EXPECT_THAT(network.Quantize(FP32, FP32, FP32, spec, nullptr, &writer),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("conv1")));
}

TEST(QuantizerTest, FixedQuantizationWinsOverWhatWasObserved) {
  const Network network(SmallGraph());
  const QuantizationSpec spec = Spec("qnnpack");
  Calibration calibration = network.Calibrate(spec);
  FixedQuantization* fixed = calibration.add_fixed();
  fixed->set_node("neck");
  fixed->mutable_output()->set_scale(0.5f);
  fixed->mutable_output()->set_zero_point(7);
  fixed->mutable_before_activation()->set_scale(0.25f);
  fixed->mutable_before_activation()->set_zero_point(9);
  fixed->add_weight_scales(0.125f);
  const AlignedBytes bytes(
      network.Serialize(INT8, INT8, INT8, spec, &calibration));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "fixed"));
  const int neck = Index(network.graph(), "neck");
  EXPECT_EQ(model.execution(neck).output().scale(), 0.5f);
  EXPECT_EQ(model.execution(neck).output().zero_point(), 7);
  EXPECT_EQ(model.execution(neck).before_activation().scale(), 0.25f);
  EXPECT_EQ(model.execution(neck).before_activation().zero_point(), 9);
  EXPECT_EQ(model.WeightScales(neck)[0], 0.125f);
  // It moves the values of "neck".
  const int upsample = Index(network.graph(), "upsample");
  EXPECT_EQ(model.execution(upsample).output().scale(), 0.5f);
  const int other = Index(network.graph(), "conv3");
  EXPECT_NE(model.execution(other).output().scale(), 0.5f);
}

TEST(QuantizerTest, RefusesFixedQuantizationOutOfRange) {
  const Network network(SmallGraph());
  const QuantizationSpec spec = Spec("qnnpack");
  Calibration calibration = network.Calibrate(spec);
  FixedQuantization* fixed = calibration.add_fixed();
  fixed->set_node("neck");
  fixed->mutable_output()->set_zero_point(7);
  DeployableWriter writer;
  EXPECT_THAT(
      network.Quantize(INT8, INT8, INT8, spec, &calibration, &writer),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("node \"neck\": the calibration fixes scale 0 and "
                         "zero point 7")));
}

}  // namespace
}  // namespace yoloq
