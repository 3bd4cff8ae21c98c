#include "quant/reference_engine.h"

#include <cmath>
#include <string>

#include "model/graph.h"
#include "quant/integer_semantics.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

QuantizationSpec Spec(QuantizationSpec::WeightGranularity weights,
                      QuantizationSpec::LeakyMode leaky) {
  QuantizationSpec spec;
  spec.set_weights(weights);
  spec.set_leaky(leaky);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  return spec;
}

int NodeIndex(const Graph& graph, absl::string_view name) {
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (graph.nodes(i).name() == name) return i;
  }
  ADD_FAILURE() << "no node " << name;
  return 0;
}

// One 2 x 2 picture with one channel, and one convolution in INT8.
class TinyConvolution {
 public:
  TinyConvolution(int kernel, Activation activation,
                  std::vector<int8_t> weights, int32_t bias, float weight_scale,
                  float output_scale, int zero_point) {
    model_.mutable_graph()->CopyFrom(GraphFromText(R"pb(
      nodes {
        name: "input"
        output { channels: 1 height: 2 width: 2 }
        input {}
      }
      nodes {
        name: "c"
        inputs: 0
        convolution { out_channels: 1 kernel: 1 stride: 1 groups: 1 }
      })pb"));
    ConvolutionOp* op =
        model_.mutable_graph()->mutable_nodes(1)->mutable_convolution();
    op->set_kernel(kernel);
    op->set_padding(kernel / 2);
    op->set_activation(activation);
    *model_.mutable_quantization() =
        Spec(QuantizationSpec::PER_TENSOR, QuantizationSpec::FUSED);
    NodeExecution* input = model_.add_nodes();
    input->set_precision(INT8);
    input->mutable_output()->set_scale(kInputScale);
    NodeExecution* c = model_.add_nodes();
    c->set_precision(INT8);
    c->mutable_output()->set_scale(output_scale);
    c->mutable_output()->set_zero_point(zero_point);
    *c->mutable_weights() = writer_.Append(weights.data(), weights.size());
    *c->mutable_bias() = writer_.Append(&bias, 4);
    *c->mutable_weight_scales() = writer_.Append(&weight_scale, 4);
  }

  DeployableModel* model() { return &model_; }

  std::vector<uint8_t> Run(const std::vector<uint8_t>& picture) {
    const AlignedBytes bytes(writer_.Serialize(model_));
    const auto deployable = Deployable::FromBytes(bytes.view(), "tiny");
    EXPECT_TRUE(deployable.ok()) << deployable.status();
    if (!deployable.ok()) return {};
    ReferenceEngine engine(&*deployable);
    std::vector<HeadOutput> heads;
    EXPECT_TRUE(engine.Run(picture, &heads).ok());
    const absl::Span<const uint8_t> output = engine.Uint8Output(1);
    return std::vector<uint8_t>(output.begin(), output.end());
  }

 private:
  DeployableModel model_;
  DeployableWriter writer_;
};

TEST(ReferenceEngineTest, PointwiseConvolutionByHand) {
  // M = (1/255 * 2.55) / 0.02 = 0.5 up to rounding; acc = 3 x - 100.
  TinyConvolution tiny(1, LEAKY, {3}, -100, 2.55f, 0.02f, 30);
  // acc -100, -16, 50, 665: -50 * 0.1 = -5, -0.8, 25, saturated.
  EXPECT_THAT(tiny.Run({0, 28, 50, 255}), ElementsAre(25, 29, 55, 255));
}

TEST(ReferenceEngineTest, PaddingIsZeroByHand) {
  // All weights 1: each output is the sum of the picture; M = 0.1.
  TinyConvolution tiny(3, LINEAR, std::vector<int8_t>(9, 1), 4, 2.55f, 0.1f, 7);
  EXPECT_THAT(tiny.Run({10, 20, 30, 40}), ElementsAre(17, 17, 17, 17));
}

TEST(ReferenceEngineTest, TwoStepLeakyByHand) {
  TinyConvolution tiny(1, LEAKY, {3}, -100, 2.55f, 0.02f, 30);
  tiny.model()->mutable_quantization()->set_leaky(QuantizationSpec::TWO_STEP);
  TensorQuantization* before =
      tiny.model()->mutable_nodes(1)->mutable_before_activation();
  before->set_scale(0.1f);
  before->set_zero_point(15);
  // Real values -1, -0.16, 0.5, 6.65 at scale 0.1: -10, -2, 5, 66. Through the
  // table at scale 0.02: -5, -1, 25, saturated.
  EXPECT_THAT(tiny.Run({0, 28, 50, 255}), ElementsAre(25, 29, 55, 255));
}

TEST(ReferenceEngineTest, RejectsAPictureOfAnotherSize) {
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, FP32, FP32, FP32),
      Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::FUSED), 1));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "m"));
  ReferenceEngine engine(&model);
  std::vector<HeadOutput> heads;
  EXPECT_THAT(engine.Run(std::vector<uint8_t>(5), &heads),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("5 bytes, the network's input is 576")));
}

// A second implementation of the network, by definition: each value at (c, y,
// x) from its formula, integers in int64 and reals in double.
class Definition {
 public:
  Definition(const Deployable& model, const ReferenceEngine& engine)
      : model_(model), engine_(engine) {}

  // The value of node `index` from what the engine has at the node's inputs.
  void Expect(int index) const {
    const Node& node = model_.graph().nodes(index);
    const Shape& s = node.output();
    const bool int8 = model_.execution(index).precision() == INT8;
    for (int y = 0; y < s.height(); ++y) {
      for (int x = 0; x < s.width(); ++x) {
        for (int c = 0; c < s.channels(); ++c) {
          const int64_t at = (int64_t{y} * s.width() + x) * s.channels() + c;
          if (int8) {
            ASSERT_EQ(engine_.Uint8Output(index)[at], Int8Value(node, c, y, x))
                << node.name() << " " << c << " " << y << " " << x;
          } else {
            ASSERT_NEAR(engine_.FloatOutput(index)[at], Value(node, c, y, x),
                        1e-4)
                << node.name() << " " << c << " " << y << " " << x;
          }
        }
      }
    }
  }

 private:
  int64_t Offset(int node, int c, int y, int x) const {
    const Shape& s = model_.graph().nodes(node).output();
    return (int64_t{y} * s.width() + x) * s.channels() + c;
  }
  bool Inside(int node, int y, int x) const {
    const Shape& s = model_.graph().nodes(node).output();
    return y >= 0 && x >= 0 && y < s.height() && x < s.width();
  }
  int Q(int node, int c, int y, int x) const {
    return engine_.Uint8Output(node)[Offset(node, c, y, x)];
  }
  double R(int node, int c, int y, int x) const {
    return engine_.FloatOutput(node)[Offset(node, c, y, x)];
  }

  // Calls f(input, c, y, x) for the element of an input that lands at (c, y,
  // x).
  template <typename F>
  auto Source(const Node& node, int c, int y, int x, const F& f) const {
    if (node.has_upsample()) {
      const int factor = node.upsample().factor();
      return f(node.inputs(0), c, y / factor, x / factor);
    }
    if (node.has_slice()) {
      return f(node.inputs(0), c + node.slice().begin(), y, x);
    }
    int which = 0;
    if (node.has_concat()) {
      while (true) {
        const int channels =
            model_.graph().nodes(node.inputs(which)).output().channels();
        if (c < channels) break;
        c -= channels;
        ++which;
      }
    }
    return f(node.inputs(which), c, y, x);
  }

  template <typename T, typename F>
  T PoolMaximum(const Node& node, int c, int y, int x, T least,
                const F& f) const {
    const MaxPoolOp& op = node.max_pool();
    T best = least;
    for (int i = 0; i < op.size(); ++i) {
      for (int j = 0; j < op.size(); ++j) {
        const int sy = y * op.stride() - op.padding_total() / 2 + i;
        const int sx = x * op.stride() - op.padding_total() / 2 + j;
        if (Inside(node.inputs(0), sy, sx)) {
          best = std::max<T>(best, f(node.inputs(0), c, sy, sx));
        }
      }
    }
    return best;
  }

  // Sum over the kernel of f(weight index, input, c, y, x).
  template <typename T, typename F>
  T KernelSum(const Node& node, int c, int y, int x, const F& f) const {
    const ConvolutionOp& op = node.convolution();
    const int in = node.inputs(0);
    const int per_group =
        model_.graph().nodes(in).output().channels() / op.groups();
    const int group = c / (op.out_channels() / op.groups());
    T sum = 0;
    for (int i = 0; i < per_group; ++i) {
      for (int ky = 0; ky < op.kernel(); ++ky) {
        for (int kx = 0; kx < op.kernel(); ++kx) {
          const int sy = y * op.stride() - op.padding() + ky;
          const int sx = x * op.stride() - op.padding() + kx;
          if (!Inside(in, sy, sx)) continue;
          const int w =
              ((c * per_group + i) * op.kernel() + ky) * op.kernel() + kx;
          sum += f(w, in, group * per_group + i, sy, sx);
        }
      }
    }
    return sum;
  }

  int Int8Value(const Node& node, int c, int y, int x) const {
    const int index = NodeIndex(model_.graph(), node.name());
    const NodeExecution& e = model_.execution(index);
    const auto q = [this](int n, int c, int y, int x) { return Q(n, c, y, x); };
    if (node.has_convolution()) {
      const TensorQuantization& from =
          model_.execution(node.inputs(0)).output();
      const int64_t acc =
          model_.Int32Bias(index)[c] +
          KernelSum<int64_t>(
              node, c, y, x, [&](int w, int n, int i, int sy, int sx) {
                return int64_t{Q(n, i, sy, sx) - from.zero_point()} *
                       model_.Int8Weights(index)[w];
              });
      const auto scales = model_.WeightScales(index);
      const float s_w = scales[scales.size() == 1 ? 0 : c];
      const Activation activation = node.convolution().activation();
      if (!e.has_before_activation()) {
        return RequantizeAccumulator(
            acc,
            RequantizationMultiplier(from.scale(), s_w, e.output().scale()),
            activation, e.output().zero_point());
      }
      const uint8_t first = RequantizeAccumulator(
          acc,
          RequantizationMultiplier(from.scale(), s_w,
                                   e.before_activation().scale()),
          LINEAR, e.before_activation().zero_point());
      return LeakyTable(e.before_activation(), e.output())[first];
    }
    if (node.has_add()) {
      return AddQuantized(
          Q(node.inputs(0), c, y, x), model_.execution(node.inputs(0)).output(),
          Q(node.inputs(1), c, y, x), model_.execution(node.inputs(1)).output(),
          node.add().activation(), e.output());
    }
    if (node.has_max_pool()) return PoolMaximum(node, c, y, x, 0, q);
    return Source(node, c, y, x, [&](int n, int c, int y, int x) -> int {
      return Requantize(Q(n, c, y, x), model_.execution(n).output(),
                        e.output());
    });
  }

  double Value(const Node& node, int c, int y, int x) const {
    const int index = NodeIndex(model_.graph(), node.name());
    const auto r = [this](int n, int c, int y, int x) { return R(n, c, y, x); };
    const auto activate = [](double v, Activation a) {
      return v >= 0 ? v : a == RELU ? 0 : a == LEAKY ? 0.1 * v : v;
    };
    if (node.has_convolution()) {
      const double sum =
          model_.FloatBias(index)[c] +
          KernelSum<double>(
              node, c, y, x, [&](int w, int n, int i, int sy, int sx) {
                return R(n, i, sy, sx) * model_.FloatWeights(index)[w];
              });
      return activate(sum, node.convolution().activation());
    }
    if (node.has_add()) {
      return activate(R(node.inputs(0), c, y, x) + R(node.inputs(1), c, y, x),
                      node.add().activation());
    }
    if (node.has_max_pool()) return PoolMaximum(node, c, y, x, -1e30, r);
    return Source(node, c, y, x, r);
  }

  const Deployable& model_;
  const ReferenceEngine& engine_;
};

class EveryConfigurationTest : public ::testing::TestWithParam<int> {};

TEST_P(EveryConfigurationTest, EveryNodeIsAsDefined) {
  const int bits = GetParam();
  const auto precision = [bits](int part) {
    return bits >> part & 1 ? INT8 : FP32;
  };
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, precision(0), precision(1), precision(2)),
      Spec(bits & 8 ? QuantizationSpec::PER_CHANNEL
                    : QuantizationSpec::PER_TENSOR,
           bits & 16 ? QuantizationSpec::FUSED : QuantizationSpec::TWO_STEP),
      bits));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "m"));
  ReferenceEngine engine(&model);
  std::vector<HeadOutput> heads;
  for (int picture = 0; picture < 2; ++picture) {
    YOLOQ_ASSERT_OK(engine.Run(RandomPicture(graph, picture), &heads));
    const Definition definition(model, engine);
    for (int i = 1; i < graph.nodes_size(); ++i) {
      ASSERT_NO_FATAL_FAILURE(definition.Expect(i));
    }
  }

  ASSERT_EQ(heads.size(), 2);
  EXPECT_EQ(heads[0].node, NodeIndex(graph, "yolo1"));
  EXPECT_EQ(heads[0].height, 8);
  EXPECT_EQ(heads[0].width, 6);
  EXPECT_EQ(heads[0].channels, 14);
  const int raw = NodeIndex(graph, "raw1");
  for (size_t i = 0; i < heads[0].values.size(); ++i) {
    const float expected = precision(2) == INT8
                               ? Dequantize(engine.Uint8Output(raw)[i],
                                            model.execution(raw).output())
                               : engine.FloatOutput(raw)[i];
    ASSERT_EQ(heads[0].values[i], expected);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryConfigurationTest, ::testing::Range(0, 32));

TEST(ReferenceEngineTest, BoundariesConvertOnce) {
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, FP32, INT8, FP32),
      Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::FUSED), 3));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "m"));
  ReferenceEngine engine(&model);
  std::vector<HeadOutput> heads;
  const std::vector<uint8_t> picture = RandomPicture(graph, 1);
  YOLOQ_ASSERT_OK(engine.Run(picture, &heads));

  EXPECT_THAT(engine.Uint8Output(0), ElementsAreArray(picture));
  EXPECT_EQ(engine.FloatOutput(0)[7], picture[7] * kInputScale);

  // FP32 "pool" is read by the INT8 "slice"; INT8 "neck" by the FP32 "raw2".
  const int pool = NodeIndex(graph, "pool");
  for (size_t i = 0; i < engine.FloatOutput(pool).size(); ++i) {
    ASSERT_EQ(
        engine.Uint8Output(pool)[i],
        Quantize(engine.FloatOutput(pool)[i], model.execution(pool).output()));
  }
  const int neck = NodeIndex(graph, "neck");
  for (size_t i = 0; i < engine.Uint8Output(neck).size(); ++i) {
    ASSERT_EQ(engine.FloatOutput(neck)[i],
              Dequantize(engine.Uint8Output(neck)[i],
                         model.execution(neck).output()));
  }
  // Forms that nobody reads are not made.
  EXPECT_THAT(engine.Uint8Output(NodeIndex(graph, "conv3")), IsEmpty());
  EXPECT_THAT(engine.FloatOutput(NodeIndex(graph, "slice")), IsEmpty());
}

}  // namespace
}  // namespace yoloq
