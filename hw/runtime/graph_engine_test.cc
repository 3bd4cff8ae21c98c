#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hw/runtime/engines.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "quant/deployable.h"
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

// YOLOv3 with an eighth of the channels, two classes, at 64 x 64.
Graph SlimYolov3() {
  Yolov3Options options;
  options.classes = 2;
  options.width = 0.125;
  options.input_size = 64;
  return WithoutBatchNorm(*BuildYolov3(options));
}

struct Variant {
  std::string engine;
  int threads = 1;
  bool keep_all_values = false;  // else: everything fused that can be

  bool CanRun(const QuantizationSpec& spec) const {
    return engine != "xnnpack" || spec.leaky() == QuantizationSpec::TWO_STEP;
  }
};

std::string VariantName(const ::testing::TestParamInfo<Variant>& info) {
  return absl::StrCat(info.param.engine, info.param.threads,
                      info.param.keep_all_values ? "Kept" : "Fused");
}

std::vector<Variant> Variants() {
  std::vector<Variant> variants;
  for (const std::string& engine : EngineNames()) {
    if (engine == "reference") continue;
    for (const int threads : {1, 2}) {
      for (const bool keep : {false, true}) {
        variants.push_back({engine, threads, keep});
      }
    }
  }
  return variants;
}

// With kept values: compares every node. Bytes must be equal where all before
// is integer; in a mixed graph a real that is summed in another order may land
// on the other side of a rounding boundary.
void ExpectSameNodes(const GraphEngine& engine,
                     const ReferenceEngine& reference, bool integer) {
  for (int i = 0; i < engine.graph().nodes_size(); ++i) {
    const auto a = engine.Uint8Output(i);
    const auto b = reference.Uint8Output(i);
    if (a.empty() || b.empty()) continue;
    int64_t different = 0;
    for (size_t k = 0; k < a.size(); ++k) different += a[k] != b[k];
    const int64_t allowed = integer ? 0 : static_cast<int64_t>(a.size()) / 50;
    EXPECT_LE(different, allowed)
        << engine.graph().nodes(i).name() << " of " << a.size();
  }
}

// Reals of an all-FP32 graph: the order of the sums alone differs.
void ExpectNear(const std::vector<float>& actual,
                const std::vector<float>& expected) {
  double largest = 0, difference = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    largest = std::max<double>(largest, std::abs(expected[i]));
    difference =
        std::max<double>(difference, std::abs(actual[i] - expected[i]));
  }
  EXPECT_LE(difference, 1e-4 * largest);
}

struct Parts {
  Precision backbone = INT8, neck = INT8, head = INT8;

  bool All(Precision precision) const {
    return backbone == precision && neck == precision && head == precision;
  }
};

// Runs the engine and the reference on a random picture, twice, so that what a
// run leaves in shared memory shows.
void ExpectSameAsReference(const Variant& variant, const Graph& graph,
                           const Parts& parts, const QuantizationSpec& spec,
                           uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  if (!parts.All(FP32) && !CheckInt8(variant.engine).ok()) {
    GTEST_SKIP() << CheckInt8(variant.engine);
  }
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, parts.backbone, parts.neck, parts.head),
      spec, seed));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "random"));
  ReferenceEngine reference(&model);
  EngineOptions options;
  options.threads = variant.threads;
  options.graph.keep_all_values = variant.keep_all_values;
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto engine, CreateGraphEngine(variant.engine, &model, options));
  EXPECT_EQ(engine->name(), variant.engine);
  std::vector<HeadOutput> expected, actual;
  for (const uint64_t picture_seed : {seed + 1, seed}) {
    const std::vector<uint8_t> picture = RandomPicture(graph, picture_seed);
    YOLOQ_ASSERT_OK(reference.Run(picture, &expected));
    YOLOQ_ASSERT_OK(engine->Run(picture, &actual));
    if (variant.keep_all_values) {
      ExpectSameNodes(*engine, reference, parts.All(INT8));
    }
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t h = 0; h < actual.size(); ++h) {
      EXPECT_EQ(actual[h].node, expected[h].node);
      ASSERT_EQ(actual[h].values.size(), expected[h].values.size());
      if (parts.All(INT8)) {
        EXPECT_EQ(actual[h].values, expected[h].values);
      }
      if (parts.All(FP32)) ExpectNear(actual[h].values, expected[h].values);
    }
  }
}

constexpr QuantizationSpec::WeightGranularity kGranularities[] = {
    QuantizationSpec::PER_TENSOR, QuantizationSpec::PER_CHANNEL};
constexpr QuantizationSpec::LeakyMode kLeakyModes[] = {
    QuantizationSpec::FUSED, QuantizationSpec::TWO_STEP};

class GraphEngineTest : public ::testing::TestWithParam<Variant> {};

INSTANTIATE_TEST_SUITE_P(Engines, GraphEngineTest,
                         ::testing::ValuesIn(Variants()), VariantName);

TEST_P(GraphEngineTest, EveryNodeTypeEqualsTheReferenceBitForBit) {
  for (const auto weights : kGranularities) {
    for (const auto leaky : kLeakyModes) {
      const QuantizationSpec spec = Spec(weights, leaky);
      if (!GetParam().CanRun(spec)) continue;
      for (uint64_t seed = 1; seed <= 20; ++seed) {
        ExpectSameAsReference(GetParam(), SmallGraph(), {}, spec, seed);
      }
    }
  }
}

TEST_P(GraphEngineTest, SharedConcatScalesEqualTheReferenceBitForBit) {
  QuantizationSpec spec =
      Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::TWO_STEP);
  spec.set_concat(QuantizationSpec::SHARED_SCALE);
  ExpectSameAsReference(GetParam(), SlimYolov3(), {}, spec, 1);
}

TEST_P(GraphEngineTest, MixedPrecisionsFollowTheReference) {
  for (const auto leaky : kLeakyModes) {
    const QuantizationSpec spec = Spec(QuantizationSpec::PER_CHANNEL, leaky);
    if (!GetParam().CanRun(spec)) continue;
    for (int bits = 0; bits < 7; ++bits) {
      const Parts parts = {bits & 1 ? INT8 : FP32, bits & 2 ? INT8 : FP32,
                           bits & 4 ? INT8 : FP32};
      ExpectSameAsReference(GetParam(), SmallGraph(), parts, spec, 7);
    }
  }
}

TEST_P(GraphEngineTest, SlimYolov3EqualsTheReferenceBitForBit) {
  const QuantizationSpec spec =
      Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::TWO_STEP);
  ExpectSameAsReference(GetParam(), SlimYolov3(), {}, spec, 1);
}

TEST_P(GraphEngineTest, WrongPictureSizeIsInvalidArgument) {
  const absl::Status usable = CheckInt8(GetParam().engine);
  if (!usable.ok()) GTEST_SKIP() << usable;
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, INT8, INT8),
      Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::TWO_STEP), 1));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "random"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto engine,
                             CreateGraphEngine(GetParam().engine, &model, {}));
  std::vector<HeadOutput> heads;
  EXPECT_THAT(
      engine->Run(std::vector<uint8_t>(7), &heads),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 7 bytes")));
}

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

TEST_P(GraphEngineTest, RandomConvolutionsEqualTheReferenceBitForBit) {
  for (const auto leaky : kLeakyModes) {
    const QuantizationSpec spec = Spec(QuantizationSpec::PER_CHANNEL, leaky);
    if (!GetParam().CanRun(spec)) continue;
    std::mt19937 random(3);
    for (int round = 0; round < 120; ++round) {
      ExpectSameAsReference(GetParam(), RandomConvolutionGraph(random), {},
                            spec, round);
    }
  }
}

TEST(GraphEngineTimingTest, TimesTheNodesThatWork) {
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, INT8, INT8),
      Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::TWO_STEP), 1));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "random"));
  EngineOptions options;
  options.graph.time_nodes = true;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto engine,
                             CreateGraphEngine("xnnpack", &model, options));
  std::vector<HeadOutput> heads;
  YOLOQ_ASSERT_OK(engine->Run(RandomPicture(graph, 1), &heads));
  const auto node_ns = engine->node_ns();
  ASSERT_EQ(node_ns.size(), graph.nodes_size());
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (graph.nodes(i).has_convolution()) {
      EXPECT_GT(node_ns[i], 0);
    }
    if (graph.nodes(i).has_input()) {
      EXPECT_EQ(node_ns[i], 0);
    }
  }
}

TEST(GraphEngineErrorTest, FusedLeakyOnXnnpackNamesTheWayOut) {
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, INT8, INT8),
      Spec(QuantizationSpec::PER_CHANNEL, QuantizationSpec::FUSED), 1));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "random"));
  EXPECT_THAT(
      CreateEngine("xnnpack", &model, {}).status(),
      StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("leaky: TWO_STEP")));
  EXPECT_THAT(
      CreateEngine("tflite", &model, {}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("there are")));
}

}  // namespace
}  // namespace yoloq
