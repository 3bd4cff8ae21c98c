// LibTorch's own quantized operators against the integer semantics: convolution
// and leaky ReLU of both engines, and fake quantization.
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "quant/deployable.h"
#include "quant/fake_quantize.h"
#include "quant/integer_semantics.h"
#include "quant/random_deployable.h"
#include "quant/reference_engine.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

c10::IValue Call(const char* name, const char* overload,
                 std::vector<c10::IValue> arguments) {
  c10::Dispatcher::singleton()
      .findSchemaOrThrow(name, overload)
      .callBoxed(&arguments);
  return arguments[0];
}

// (height, width, channels) bytes as a quantized tensor (1, channels, height,
// width).
at::Tensor ActivationTensor(absl::Span<const uint8_t> bytes, const Shape& shape,
                            const TensorQuantization& q) {
  at::Tensor codes = at::empty(
      {1, shape.height(), shape.width(), shape.channels()}, at::kByte);
  std::memcpy(codes.data_ptr(), bytes.data(), bytes.size());
  return at::_make_per_tensor_quantized_tensor(
      codes.permute({0, 3, 1, 2}).contiguous(), q.scale(), q.zero_point());
}

std::vector<uint8_t> Bytes(const at::Tensor& quantized) {
  const at::Tensor codes =
      quantized.int_repr().permute({0, 2, 3, 1}).contiguous();
  const uint8_t* data = codes.data_ptr<uint8_t>();
  return std::vector<uint8_t>(data, data + codes.numel());
}

// The packed weights of the convolution at `node` for the current engine.
c10::IValue PackedWeights(const Deployable& model, int node,
                          float input_scale) {
  const ConvolutionOp& op = model.graph().nodes(node).convolution();
  const auto weights = model.Int8Weights(node);
  const auto scales = model.WeightScales(node);
  const auto bias = model.Int32Bias(node);
  const int64_t outputs = op.out_channels();
  const int64_t inputs = static_cast<int64_t>(weights.size()) / outputs /
                         op.kernel() / op.kernel();
  at::Tensor codes =
      at::empty({outputs, inputs, op.kernel(), op.kernel()}, at::kChar);
  std::memcpy(codes.data_ptr(), weights.data(), weights.size());
  at::Tensor real_bias = at::empty({outputs}, at::kFloat);
  at::Tensor channel_scales = at::empty({outputs}, at::kDouble);
  for (int64_t o = 0; o < outputs; ++o) {
    const float scale = scales[scales.size() == 1 ? 0 : o];
    channel_scales.data_ptr<double>()[o] = scale;
    real_bias.data_ptr<float>()[o] = static_cast<float>(
        bias[o] * (static_cast<double>(input_scale) * scale));
  }
  const at::Tensor quantized =
      scales.size() == 1
          ? at::_make_per_tensor_quantized_tensor(codes, scales[0], 0)
          : at::_make_per_channel_quantized_tensor(
                codes, channel_scales, at::zeros({outputs}, at::kLong), 0);
  return Call(
      "quantized::conv2d_prepack", "",
      {quantized, real_bias, c10::List<int64_t>({op.stride(), op.stride()}),
       c10::List<int64_t>({op.padding(), op.padding()}),
       c10::List<int64_t>({1, 1}), static_cast<int64_t>(op.groups())});
}

struct Agreement {
  int64_t values = 0;
  int64_t exact = 0;
  int largest = 0;  // difference in steps

  void Compare(absl::Span<const uint8_t> a, absl::Span<const uint8_t> b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      const int difference = std::abs(static_cast<int>(a[i]) - b[i]);
      ++values;
      exact += difference == 0;
      largest = std::max(largest, difference);
    }
  }
  double exact_share() const { return static_cast<double>(exact) / values; }
};

struct Layer {
  int in, out, kernel, stride, groups;
  Activation activation;
};

constexpr Layer kLayers[] = {
    {16, 32, 3, 1, 1, LINEAR}, {32, 24, 1, 1, 1, RELU},
    {24, 40, 3, 2, 1, RELU},   {16, 16, 3, 1, 16, RELU},
    {32, 64, 3, 1, 4, LINEAR}, {64, 32, 1, 1, 1, LEAKY},
    {16, 32, 3, 2, 1, LEAKY},  {128, 75, 1, 1, 1, LINEAR},
};

// A convolution that makes the layer's input, then the layer.
Graph LayerGraph(const Layer& layer) {
  Graph graph = GraphFromText(R"pb(
    nodes {
      name: "input"
      output { channels: 3 height: 19 width: 15 }
      input {}
    }
    nodes {
      name: "before"
      inputs: 0
      convolution { out_channels: 1 kernel: 1 stride: 1 groups: 1 }
    }
    nodes {
      name: "layer"
      inputs: 1
      convolution { out_channels: 1 kernel: 1 stride: 1 groups: 1 }
    })pb");
  graph.mutable_nodes(1)->mutable_convolution()->set_out_channels(layer.in);
  ConvolutionOp* op = graph.mutable_nodes(2)->mutable_convolution();
  op->set_out_channels(layer.out);
  op->set_kernel(layer.kernel);
  op->set_stride(layer.stride);
  op->set_padding(layer.kernel / 2);
  op->set_groups(layer.groups);
  op->set_activation(layer.activation);
  std::string text = graph.DebugString();
  return GraphFromText(text);
}

void CompareLayer(const Layer& layer,
                  QuantizationSpec::WeightGranularity weights, uint64_t seed,
                  Agreement* convolution, Agreement* leaky) {
  QuantizationSpec spec;
  spec.set_weights(weights);
  spec.set_leaky(QuantizationSpec::TWO_STEP);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  const Graph graph = LayerGraph(layer);
  const AlignedBytes bytes(
      RandomDeployable(graph, {INT8, INT8, INT8}, spec, seed));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "layer"));
  ReferenceEngine engine(&model);
  std::vector<HeadOutput> heads;
  YOLOQ_ASSERT_OK(engine.Run(RandomPicture(graph, seed), &heads));

  const TensorQuantization& from = model.execution(1).output();
  const NodeExecution& execution = model.execution(2);
  const TensorQuantization& to = execution.has_before_activation()
                                     ? execution.before_activation()
                                     : execution.output();
  const at::Tensor x =
      ActivationTensor(engine.Uint8Output(1), graph.nodes(1).output(), from);
  const at::Tensor y = Call(layer.activation == RELU ? "quantized::conv2d_relu"
                                                     : "quantized::conv2d",
                            "new",
                            {x, PackedWeights(model, 2, from.scale()),
                             static_cast<double>(to.scale()),
                             static_cast<int64_t>(to.zero_point())})
                           .toTensor();
  if (layer.activation != LEAKY) {
    convolution->Compare(engine.Uint8Output(2), Bytes(y));
    return;
  }
  // Both go from LibTorch's convolution on.
  const at::Tensor activated =
      Call("quantized::leaky_relu", "",
           {y, static_cast<double>(kLeakySlope), false,
            static_cast<double>(execution.output().scale()),
            static_cast<int64_t>(execution.output().zero_point())})
          .toTensor();
  const auto table = LeakyTable(to, execution.output());
  std::vector<uint8_t> looked_up;
  for (const uint8_t q : Bytes(y)) looked_up.push_back(table[q]);
  leaky->Compare(looked_up, Bytes(activated));
}

class EngineTest : public ::testing::TestWithParam<at::QEngine> {
 protected:
  void Check(QuantizationSpec::WeightGranularity weights, const char* label) {
#if defined(__x86_64__)
    if (GetParam() == at::QEngine::ONEDNN &&
        !__builtin_cpu_supports("avx512vnni")) {
      GTEST_SKIP() << "without VNNI, ONEDNN saturates sums of two products";
    }
#endif
    at::globalContext().setQEngine(GetParam());
    Agreement convolution, leaky;
    for (uint64_t seed = 0; seed < 4; ++seed) {
      for (const Layer& layer : kLayers) {
        CompareLayer(layer, weights, seed, &convolution, &leaky);
      }
    }
    std::printf(
        "%s, %s: convolution equal in %.4f %% of %lld values, leaky ReLU in "
        "%.4f %% of %lld\n",
        at::toString(GetParam()).c_str(), label,
        100 * convolution.exact_share(),
        static_cast<long long>(convolution.values), 100 * leaky.exact_share(),
        static_cast<long long>(leaky.values));
    EXPECT_GT(convolution.values, 100000);
    EXPECT_LE(convolution.largest, 1);
    EXPECT_GE(convolution.exact_share(), 0.99);
    EXPECT_LE(leaky.largest, 1);
    EXPECT_GE(leaky.exact_share(), 0.99);
  }
};

TEST_P(EngineTest, PerTensorAgreesWithinOneStep) {
  Check(QuantizationSpec::PER_TENSOR, "per tensor");
}

TEST_P(EngineTest, PerChannelAgreesWithinOneStep) {
  Check(QuantizationSpec::PER_CHANNEL, "per channel");
}

INSTANTIATE_TEST_SUITE_P(All, EngineTest,
                         ::testing::Values(at::QEngine::ONEDNN,
                                           at::QEngine::QNNPACK));

TEST(FakeQuantizeTest, AgreesWithLibTorchs) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 2);
  for (const int zero_point : {0, 100, 255}) {
    for (const float scale : {0.013f, 0.07f}) {
      at::Tensor values = at::empty({100000}, at::kFloat);
      float* data = values.data_ptr<float>();
      for (int i = 0; i < values.numel(); ++i) data[i] = normal(random);
      const at::Tensor theirs = at::fake_quantize_per_tensor_affine(
          values, scale, zero_point, 0, 255);
      TensorQuantization q;
      q.set_scale(scale);
      q.set_zero_point(zero_point);
      FakeQuantizeInPlace(data, values.numel(), q);
      int64_t exact = 0;
      for (int i = 0; i < values.numel(); ++i) {
        const float t = theirs.data_ptr<float>()[i];
        exact += data[i] == t;
        ASSERT_NEAR(data[i], t, 1.001f * scale);
      }
      EXPECT_GE(exact, values.numel() * 0.9999);
    }
  }
}

}  // namespace
}  // namespace yoloq
