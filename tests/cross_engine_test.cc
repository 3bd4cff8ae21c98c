// The engines on one model as the pipeline exports it: a slim YOLOv3 with
// random weights, calibrated on random pictures.
#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "hw/runtime/engines.h"
#include "model/torch_executor.h"
#include "model/weights.h"
#include "quant/deployable.h"
#include "quant/random_deployable.h"
#include "quant/reference_engine.h"
#include "tests/tiny_run.h"
#include "tools/base/status_macros.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

// Exports the model of an experiment from random weights and opens it.
absl::StatusOr<Deployable> ExportModel(const std::string& experiment,
                                       const std::string& scheme,
                                       const std::string& cache) {
  YOLOQ_ASSIGN_OR_RETURN(
      const RunResults results,
      RunByName({experiment}, NoiseProfile(scheme), OptionsFor(cache)));
  return Deployable::Open(ModelPath(Row(results, experiment), cache));
}

// With every node's value kept.
absl::StatusOr<std::unique_ptr<GraphEngine>> MakeKeeping(
    const std::string& name, const Deployable& model) {
  EngineOptions options;
  options.graph.keep_all_values = true;
  return CreateGraphEngine(name, &model, options);
}

// The largest difference, relative to the largest value.
double RelativeDifference(const HeadOutput& a, const HeadOutput& b) {
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.values.size(), b.values.size());
  double largest = 0, difference = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    largest = std::max<double>(largest, std::abs(a.values[i]));
    difference =
        std::max<double>(difference, std::abs(a.values[i] - b.values[i]));
  }
  return difference / largest;
}

TEST(CrossEngineTest, Fp32HeadsAgreeBetweenAllEngines) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Deployable model,
      ExportModel("baseline", "per_channel", TestFolder()));
  Weights weights;
  for (int i = 0; i < model.graph().nodes_size(); ++i) {
    ConvolutionWeights& node = weights.nodes.emplace_back();
    if (!model.graph().nodes(i).has_convolution()) continue;
    const auto values = model.FloatWeights(i), bias = model.FloatBias(i);
    node.weights.assign(values.begin(), values.end());
    node.bias.assign(bias.begin(), bias.end());
  }
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto torch,
                             TorchExecutor::Create(model.graph(), weights, {}));
  std::vector<Engine*> engines = {torch.get()};
  std::vector<std::unique_ptr<GraphEngine>> made;
  for (const char* name : {"native", "onednn", "xnnpack"}) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(auto engine, MakeKeeping(name, model));
    engines.push_back(engine.get());
    made.push_back(std::move(engine));
  }
  ReferenceEngine reference(&model);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const std::vector<uint8_t> picture = RandomPicture(model.graph(), seed);
    std::vector<HeadOutput> expected, actual;
    YOLOQ_ASSERT_OK(reference.Run(picture, &expected));
    ASSERT_EQ(expected.size(), 3);
    for (Engine* engine : engines) {
      YOLOQ_ASSERT_OK(engine->Run(picture, &actual));
      ASSERT_EQ(actual.size(), 3);
      for (size_t head = 0; head < 3; ++head) {
        EXPECT_LT(RelativeDifference(actual[head], expected[head]), 1e-4)
            << engine->name();
      }
    }
  }
}

struct Case {
  std::string engine;
  std::string scheme;

  friend std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.engine << ", " << c.scheme;
  }
};

class Int8CrossEngineTest : public ::testing::TestWithParam<Case> {};

TEST_P(Int8CrossEngineTest, EveryNodeHasTheReferencesBytes) {
  const absl::Status usable = CheckInt8(GetParam().engine);
  if (!usable.ok()) GTEST_SKIP() << usable;
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Deployable model,
      ExportModel("ptq", GetParam().scheme, TestFolder()));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto engine,
                             MakeKeeping(GetParam().engine, model));
  ReferenceEngine reference(&model);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const std::vector<uint8_t> picture = RandomPicture(model.graph(), seed);
    std::vector<HeadOutput> expected, actual;
    YOLOQ_ASSERT_OK(reference.Run(picture, &expected));
    YOLOQ_ASSERT_OK(engine->Run(picture, &actual));
    int compared = 0;
    for (int i = 0; i < model.graph().nodes_size(); ++i) {
      // Their values are compared below; their bytes are their input's.
      if (model.graph().nodes(i).has_yolo_head()) continue;
      const auto a = reference.Uint8Output(i), b = engine->Uint8Output(i);
      ASSERT_EQ(a.size(), b.size()) << model.graph().nodes(i).name();
      EXPECT_TRUE(a == b) << model.graph().nodes(i).name() << ", seed " << seed;
      // A node that saturates to one value would agree by accident.
      if (a.size() > 64) {
        EXPECT_NE(*std::min_element(a.begin(), a.end()),
                  *std::max_element(a.begin(), a.end()))
            << model.graph().nodes(i).name();
        ++compared;
      }
    }
    EXPECT_GT(compared, 90);
    ASSERT_EQ(actual.size(), 3);
    for (size_t head = 0; head < 3; ++head) {
      EXPECT_EQ(actual[head].values, expected[head].values);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, Int8CrossEngineTest,
                         ::testing::Values(Case{"native", "per_channel"},
                                           Case{"native", "qnnpack"},
                                           Case{"onednn", "per_channel"},
                                           Case{"onednn", "qnnpack"},
                                           Case{"xnnpack", "qnnpack"}),
                         [](const auto& info) {
                           return info.param.engine + "_" + info.param.scheme;
                         });

}  // namespace
}  // namespace yoloq
