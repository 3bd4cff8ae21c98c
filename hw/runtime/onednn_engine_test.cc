#include "hw/runtime/onednn_engine.h"

#include <random>
#include <string>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hw/runtime/onednn_convolution.h"
#include "model/graph.h"
#include "quant/deployable.h"
#include "quant/integer_semantics.h"
#include "quant/random_deployable.h"
#include "quant/reference_engine.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

QuantizationSpec Spec(QuantizationSpec::WeightGranularity weights,
                      QuantizationSpec::LeakyMode leaky) {
  QuantizationSpec spec;
  spec.set_weights(weights);
  spec.set_leaky(leaky);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  return spec;
}

// Runs both engines on a random picture and compares every node: bytes must be
// equal; reals too where they come from bytes, and nearly so after FP32 nodes.
void ExpectSameAsReference(const Graph& graph, Precision backbone,
                           Precision neck, Precision head,
                           const QuantizationSpec& spec, uint64_t seed,
                           int threads) {
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, backbone, neck, head), spec, seed));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "random"));
  ReferenceEngine reference(&model);
  OneDnnEngineOptions options;
  options.threads = threads;
  options.keep_all_values = true;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto engine,
                             OneDnnEngine::Create(&model, options));
  std::vector<HeadOutput> expected, actual;
  const std::vector<uint8_t> picture = RandomPicture(graph, seed);
  YOLOQ_ASSERT_OK(reference.Run(picture, &expected));
  YOLOQ_ASSERT_OK(engine->Run(picture, &actual));
  const bool integer = backbone == INT8 && neck == INT8 && head == INT8;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const auto a = engine->Uint8Output(i);
    const auto b = reference.Uint8Output(i);
    if (a.empty() || b.empty()) continue;
    int64_t different = 0;
    for (size_t k = 0; k < a.size(); ++k) different += a[k] != b[k];
    // In a mixed graph a real that oneDNN sums in another order may land on the
    // other side of a rounding boundary.
    const int64_t allowed = integer ? 0 : static_cast<int64_t>(a.size()) / 50;
    EXPECT_LE(different, allowed)
        << graph.nodes(i).name() << " of " << a.size() << ", seed " << seed;
  }
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t h = 0; h < actual.size(); ++h) {
    EXPECT_EQ(actual[h].node, expected[h].node);
    ASSERT_EQ(actual[h].values.size(), expected[h].values.size());
    if (integer) {
      EXPECT_EQ(actual[h].values, expected[h].values);
    }
  }
}

using Case = std::tuple<QuantizationSpec::WeightGranularity,
                        QuantizationSpec::LeakyMode, int /*threads*/>;

class OneDnnEngineSchemeTest : public ::testing::TestWithParam<Case> {};

TEST_P(OneDnnEngineSchemeTest, EveryNodeTypeEqualsTheReferenceBitForBit) {
  const auto [weights, leaky, threads] = GetParam();
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    ExpectSameAsReference(SmallGraph(), INT8, INT8, INT8, Spec(weights, leaky),
                          seed, threads);
  }
}

TEST_P(OneDnnEngineSchemeTest, MixedPrecisionsFollowTheReference) {
  const auto [weights, leaky, threads] = GetParam();
  for (int parts = 0; parts < 7; ++parts) {
    ExpectSameAsReference(SmallGraph(), parts & 1 ? INT8 : FP32,
                          parts & 2 ? INT8 : FP32, parts & 4 ? INT8 : FP32,
                          Spec(weights, leaky), 7, threads);
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllSchemes, OneDnnEngineSchemeTest,
    ::testing::Combine(::testing::Values(QuantizationSpec::PER_TENSOR,
                                         QuantizationSpec::PER_CHANNEL),
                       ::testing::Values(QuantizationSpec::FUSED,
                                         QuantizationSpec::TWO_STEP),
                       ::testing::Values(1, 2)));

// One convolution between a picture-like input and a head, of random shape.
Graph RandomConvolutionGraph(std::mt19937& random) {
  const int side = 5 + random() % 9;
  const int kernels[] = {1, 3, 3, 5};
  const int kernel = kernels[random() % 4];
  const int channels = 1 + random() % 40;
  const bool depthwise = random() % 3 == 0;
  const int groups = depthwise ? channels : 1;
  const int out = depthwise ? channels : 1 + random() % 50;
  const char* activations[] = {"LINEAR", "RELU", "LEAKY"};
  return GraphFromText(absl::StrCat(
      "name: 'g' nodes { name: 'in' part: BACKBONE input {} output { channels: "
      "3 height: ",
      side, " width: ", side + 3, " } } ",
      "nodes { name: 'a' part: BACKBONE inputs: 0 convolution { out_channels: ",
      channels, " kernel: 1 stride: 1 groups: 1 activation: LEAKY } } ",
      "nodes { name: 'b' part: BACKBONE inputs: 1 convolution { out_channels: ",
      out, " kernel: ", kernel, " stride: ", 1 + random() % 2,
      " padding: ", random() % (kernel / 2 + 1), " groups: ", groups,
      " activation: ", activations[random() % 3], " } } ",
      "nodes { name: 'c' part: HEAD inputs: 2 convolution { out_channels: 6 "
      "kernel: 1 stride: 1 groups: 1 } } ",
      "nodes { name: 'y' part: HEAD inputs: 3 yolo_head { anchors { width: 5 "
      "height: 5 } mask: 0 classes: 1 scale_x_y: 1 } }"));
}

TEST(OneDnnEngineTest, RandomConvolutionsEqualTheReferenceBitForBit) {
  std::mt19937 random(3);
  for (int round = 0; round < 120; ++round) {
    ExpectSameAsReference(
        RandomConvolutionGraph(random), INT8, INT8, INT8,
        Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::FUSED), round, 2);
  }
}

TEST(OneDnnEngineTest, WrongPictureSizeIsInvalidArgument) {
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, INT8, INT8),
      Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::FUSED), 1));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "random"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto engine,
                             OneDnnEngine::Create(&model, {}));
  std::vector<HeadOutput> heads;
  EXPECT_THAT(
      engine->Run(std::vector<uint8_t>(7), &heads),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 7 bytes")));
}

// Sums beyond 24 bits that do not saturate: oneDNN's float addition of the bias
// would round twice, so the engine must take the int32 path, and must be exact.
TEST(OneDnnConvolutionTest, LargeSumsTakeTheExactPath) {
  constexpr int kChannels = 1024;
  const std::vector<int8_t> weights(kChannels * 9, 127);
  const std::vector<int32_t> bias = {1234567};
  // 2^24 / 255 steps an output: the whole range of sums fits the 8 bits.
  const std::vector<float> scales = {1.0f / (1 << 21)};
  Int8ConvolutionParameters parameters;
  parameters.weights = weights;
  parameters.bias = bias;
  parameters.weight_scales = scales;
  parameters.input.set_scale(1);
  parameters.output.set_scale(1);
  EXPECT_FALSE(FusedRequantizationIsExact(parameters));
  // A hundred times the multiplier: everything beyond 24 bits saturates.
  const std::vector<float> large_scales = {1.0f / (1 << 15)};
  parameters.weight_scales = large_scales;
  EXPECT_TRUE(FusedRequantizationIsExact(parameters));
  // Unless leaky brings negative sums back into range.
  parameters.activation = LEAKY;
  EXPECT_FALSE(FusedRequantizationIsExact(parameters));
}

TEST(OneDnnConvolutionTest, UnfusedPathEqualsTheDefinition) {
  constexpr int kChannels = 512;
  ConvolutionOp op;
  op.set_out_channels(3);
  op.set_kernel(3);
  op.set_stride(1);
  op.set_padding(1);
  op.set_groups(1);
  Shape in, out;
  in.set_channels(kChannels);
  in.set_height(4);
  in.set_width(4);
  out = in;
  out.set_channels(3);
  std::mt19937 random(5);
  std::vector<int8_t> weights(3 * kChannels * 9);
  for (int8_t& w : weights) w = 100 + random() % 28;
  std::vector<uint8_t> input(kChannels * 16);
  for (uint8_t& x : input) x = random() % 256;
  const std::vector<int32_t> bias = {20000001, -33333333, 7};
  const std::vector<float> scales = {1e-6f, 2e-6f, 3e-6f};
  Int8ConvolutionParameters parameters;
  parameters.weights = weights;
  parameters.bias = bias;
  parameters.weight_scales = scales;
  parameters.input.set_scale(1);
  parameters.input.set_zero_point(17);
  parameters.output.set_scale(1);
  parameters.output.set_zero_point(3);
  ASSERT_FALSE(FusedRequantizationIsExact(parameters));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto convolution,
      OneDnnConvolution::CreateInt8(op, in, out, parameters));
  std::vector<uint8_t> output(3 * 16);
  std::vector<int32_t> accumulators(convolution->accumulator_bytes() / 4);
  ASSERT_EQ(accumulators.size(), output.size());
  convolution->Run(input.data(), output.data(), accumulators.data());
  for (int cell = 0; cell < 16; ++cell) {
    for (int o = 0; o < 3; ++o) {
      int32_t acc = bias[o];
      for (int k = 0; k < 9; ++k) {
        const int y = cell / 4 + k / 3 - 1;
        const int x = cell % 4 + k % 3 - 1;
        if (y < 0 || y > 3 || x < 0 || x > 3) continue;
        for (int c = 0; c < kChannels; ++c) {
          acc += (input[(y * 4 + x) * kChannels + c] - 17) *
                 weights[(o * kChannels + c) * 9 + k];
        }
      }
      EXPECT_EQ(output[cell * 3 + o],
                RequantizeAccumulator(acc, scales[o], LINEAR, 3));
    }
  }
}

}  // namespace
}  // namespace yoloq
