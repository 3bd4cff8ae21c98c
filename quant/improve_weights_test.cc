#include "quant/improve_weights.h"

#include <cmath>
#include <string>

#include "model/graph.h"
#include "model/torch_executor.h"
#include "quant/calibration.h"
#include "quant/deployable.h"
#include "quant/node_precision.h"
#include "quant/quantizer.h"
#include "quant/random_deployable.h"
#include "quant/reference_engine.h"
#include "quant/scheme.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

constexpr int kImages = 6;

QuantizationSpec Spec(const std::string& scheme, bool ada_round,
                      bool bias_correction) {
  QuantizationSpec spec;
  spec.set_scheme(scheme);
  spec.set_ada_round(ada_round);
  spec.set_bias_correction(bias_correction);
  spec.set_reconstruction_images(kImages);
  spec.set_ada_round_steps(300);
  return *ResolveScheme(spec);
}

// SmallGraph, calibrated on random pictures.
class ImproveWeightsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    graph_ = SmallGraph();
    weights_ = RandomWeights(graph_, 3);
    for (ConvolutionWeights& node : weights_.nodes) {
      for (size_t c = 0; c < node.bias.size(); ++c) {
        node.bias[c] = 0.1f * static_cast<float>(c % 5) - 0.2f;
      }
    }
    images_.count = 100;
    images_.rgb = [this](int64_t i) { return RandomPicture(graph_, i); };
  }

  std::vector<Precision> AllInt8() const {
    return PrecisionByPart(graph_, INT8, INT8, INT8);
  }

  Calibration Calibrate(const QuantizationSpec& spec) const {
    Calibrator calibrator(graph_, spec);
    int64_t image = 0;
    TorchExecutorOptions options;
    options.hook_before_activation = true;
    options.hook = [&](int node, bool before_activation, float* values,
                       int64_t count) {
      calibrator.Observe(image, node, before_activation, values, count);
    };
    const auto executor = TorchExecutor::Create(graph_, weights_, options);
    std::vector<HeadOutput> heads;
    for (; image < kImages; ++image) {
      EXPECT_TRUE((*executor)->Run(RandomPicture(graph_, image), &heads).ok());
      EXPECT_TRUE(calibrator.FinishImage(std::to_string(image)).ok());
    }
    return calibrator.Result();
  }

  // A serialized INT8 model of the weights.
  AlignedBytes Model(const Weights& weights, const QuantizationSpec& spec,
                     const Calibration& calibration) const {
    DeployableWriter writer;
    const auto model = QuantizeModel(graph_, weights, &calibration, spec,
                                     AllInt8(), {"a", "b"}, &writer);
    EXPECT_TRUE(model.ok()) << model.status();
    return AlignedBytes(writer.Serialize(*model));
  }

  // Of the INT8 model against the FP32 network: mean squared error over all
  // head values, and the largest mean error of a head's channel.
  struct Errors {
    double squared = 0;
    double largest_mean = 0;
  };
  Errors ErrorsOf(const Weights& weights, const QuantizationSpec& spec,
                  const Calibration& calibration) const {
    const AlignedBytes bytes = Model(weights, spec, calibration);
    const auto model = Deployable::FromBytes(bytes.view(), "int8");
    ReferenceEngine engine(&*model);
    const auto executor = TorchExecutor::Create(graph_, weights_, {});
    std::vector<std::vector<double>> means(2, std::vector<double>(14));
    Errors errors;
    int64_t count = 0;
    for (int image = 0; image < kImages; ++image) {
      std::vector<HeadOutput> truth, actual;
      const std::vector<uint8_t> picture = RandomPicture(graph_, image);
      EXPECT_TRUE((*executor)->Run(picture, &truth).ok());
      EXPECT_TRUE(engine.Run(picture, &actual).ok());
      for (size_t h = 0; h < truth.size(); ++h) {
        const double pixels = truth[h].height * truth[h].width;
        for (size_t i = 0; i < truth[h].values.size(); ++i) {
          const double error = truth[h].values[i] - actual[h].values[i];
          errors.squared += error * error;
          ++count;
          means[h][i % truth[h].channels] += error / (kImages * pixels);
        }
      }
    }
    errors.squared /= count;
    for (const auto& head : means) {
      for (const double mean : head) {
        errors.largest_mean = std::max(errors.largest_mean, std::fabs(mean));
      }
    }
    return errors;
  }

  Graph graph_;
  Weights weights_;
  ImageSource images_;
};

TEST_F(ImproveWeightsTest, ChangesNothingUnlessAsked) {
  const QuantizationSpec spec = Spec("per_channel", false, false);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Weights same,
      ImproveWeights(graph_, weights_, Calibration(), spec, AllInt8(), {}));
  EXPECT_EQ(same.nodes[1].weights, weights_.nodes[1].weights);
  EXPECT_EQ(same.nodes[1].bias, weights_.nodes[1].bias);
}

class EverySchemeTest : public ImproveWeightsTest,
                        public ::testing::WithParamInterface<std::string> {};

TEST_P(EverySchemeTest, BiasCorrectionTakesTheMeanErrorOut) {
  const QuantizationSpec spec = Spec(GetParam(), false, true);
  const Calibration calibration = Calibrate(spec);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Weights corrected,
      ImproveWeights(graph_, weights_, calibration, spec, AllInt8(), images_));
  EXPECT_EQ(corrected.nodes[2].weights, weights_.nodes[2].weights);
  EXPECT_NE(corrected.nodes[2].bias, weights_.nodes[2].bias);
  const Errors before = ErrorsOf(weights_, spec, calibration);
  const Errors after = ErrorsOf(corrected, spec, calibration);
  EXPECT_LT(after.largest_mean, 0.5 * before.largest_mean);
  EXPECT_LT(after.squared, before.squared);
}

TEST_P(EverySchemeTest, AdaRoundLowersTheErrorAndItsIntegersAreKept) {
  const QuantizationSpec spec = Spec(GetParam(), true, true);
  const Calibration calibration = Calibrate(spec);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Weights improved,
      ImproveWeights(graph_, weights_, calibration, spec, AllInt8(), images_));
  const Errors before = ErrorsOf(weights_, spec, calibration);
  EXPECT_LT(ErrorsOf(improved, spec, calibration).squared,
            0.95 * before.squared);

  const AlignedBytes bytes = Model(improved, spec, calibration);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "int8"));
  int moved = 0;
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    if (!graph_.nodes(i).has_convolution()) continue;
    const auto integers = model.Int8Weights(i);
    const auto scales = model.WeightScales(i);
    const size_t per_output = integers.size() / weights_.nodes[i].bias.size();
    for (size_t k = 0; k < integers.size(); ++k) {
      const float scale = scales[scales.size() == 1 ? 0 : k / per_output];
      EXPECT_NEAR(integers[k] * scale, improved.nodes[i].weights[k],
                  1e-5f * scale * 127);
      const float ratio = weights_.nodes[i].weights[k] / scale;
      EXPECT_LT(std::fabs(integers[k] - ratio), 1.001f);
      moved += std::fabs(integers[k] - ratio) > 0.501f;
    }
  }
  EXPECT_GT(moved, 10);
}

INSTANTIATE_TEST_SUITE_P(Schemes, EverySchemeTest,
                         ::testing::ValuesIn(SchemeNames()),
                         [](const auto& info) { return info.param; });

TEST_F(ImproveWeightsTest, LeavesFp32Parts) {
  const QuantizationSpec spec = Spec("per_channel", true, true);
  const Calibration calibration = Calibrate(spec);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Weights improved,
      ImproveWeights(graph_, weights_, calibration, spec,
                     PrecisionByPart(graph_, INT8, FP32, FP32), images_));
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    if (!graph_.nodes(i).has_convolution()) continue;
    const bool same = improved.nodes[i].weights == weights_.nodes[i].weights &&
                      improved.nodes[i].bias == weights_.nodes[i].bias;
    EXPECT_EQ(same, graph_.nodes(i).part() != BACKBONE)
        << graph_.nodes(i).name();
  }
}

TEST_F(ImproveWeightsTest, IsRepeatable) {
  const QuantizationSpec spec = Spec("qnnpack", true, true);
  const Calibration calibration = Calibrate(spec);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Weights once,
      ImproveWeights(graph_, weights_, calibration, spec, AllInt8(), images_));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Weights twice,
      ImproveWeights(graph_, weights_, calibration, spec, AllInt8(), images_));
  for (size_t i = 0; i < once.nodes.size(); ++i) {
    EXPECT_EQ(once.nodes[i].weights, twice.nodes[i].weights);
    EXPECT_EQ(once.nodes[i].bias, twice.nodes[i].bias);
  }
}

TEST_F(ImproveWeightsTest, Errors) {
  const QuantizationSpec spec = Spec("per_channel", false, true);
  const Calibration calibration = Calibrate(spec);
  const auto improve = [&](const ImageSource& images) {
    return ImproveWeights(graph_, weights_, calibration, spec, AllInt8(),
                          images)
        .status();
  };
  EXPECT_THAT(improve({}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("need at least one calibration image")));
  ImageSource wrong = images_;
  wrong.rgb = [](int64_t) { return std::vector<uint8_t>(7); };
  EXPECT_THAT(improve(wrong),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("image 0: the network's input has 576 bytes, "
                                 "not 7")));
  wrong.rgb = [](int64_t) { return absl::NotFoundError("gone.jpg"); };
  EXPECT_THAT(improve(wrong),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("gone.jpg")));
  EXPECT_THAT(
      ImproveWeights(graph_, weights_, Calibration(), spec, AllInt8(), images_)
          .status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("the calibration has no such tensor")));
}

}  // namespace
}  // namespace yoloq
