#include "quant/fake_quantize.h"

#include <cmath>
#include <limits>
#include <random>

#include "quant/integer_semantics.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(FakeQuantizeInPlaceTest, IsDequantizeOfQuantize) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 3);
  for (const int zero_point : {0, 1, 77, 255}) {
    for (const float scale : {0.0173f, 1.0f, 1e-7f}) {
      TensorQuantization q;
      q.set_scale(scale);
      q.set_zero_point(zero_point);
      std::vector<float> values = {0, -0.0f, 1e30f, -1e30f,
                                   std::numeric_limits<float>::infinity()};
      // Every tie of the grid, and noise.
      for (int i = -300; i < 300; ++i) values.push_back((i + 0.5f) * scale);
      for (int i = 0; i < 3000; ++i) values.push_back(normal(random));
      std::vector<float> faked = values;
      FakeQuantizeInPlace(faked.data(), faked.size(), q);
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(faked[i], Dequantize(Quantize(values[i], q), q))
            << values[i] << " at scale " << scale;
      }
    }
  }
}

class MakeFakeQuantizationTest : public ::testing::Test {
 protected:
  void Make(Precision backbone, Precision neck, Precision head,
            QuantizationSpec::LeakyMode leaky) {
    graph_ = SmallGraph();
    QuantizationSpec spec;
    spec.set_weights(QuantizationSpec::PER_CHANNEL);
    spec.set_leaky(leaky);
    spec.set_concat(QuantizationSpec::REQUANTIZE);
    bytes_.emplace(RandomDeployable(
        graph_, PrecisionByPart(graph_, backbone, neck, head), spec, 2));
    auto model = Deployable::FromBytes(bytes_->view(), "m");
    ASSERT_TRUE(model.ok()) << model.status();
    model_.emplace(*std::move(model));
    fake_ = MakeFakeQuantization(*model_);
  }

  int Index(const std::string& name) const {
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      if (graph_.nodes(i).name() == name) return i;
    }
    ADD_FAILURE() << name;
    return 0;
  }
  const FakeQuantization::Tensors& At(const std::string& name) const {
    return fake_.nodes[Index(name)];
  }

  Graph graph_;
  absl::optional<AlignedBytes> bytes_;
  absl::optional<Deployable> model_;
  FakeQuantization fake_;
};

TEST_F(MakeFakeQuantizationTest, QuantizesWhereTheModelComputes) {
  Make(INT8, INT8, INT8, QuantizationSpec::TWO_STEP);
  for (const char* name : {"conv1", "grouped", "add", "concat", "raw2"}) {
    EXPECT_TRUE(At(name).output.has_value()) << name;
  }
  for (const char* name :
       {"input", "pool", "upsample", "slice", "yolo1", "yolo2"}) {
    EXPECT_FALSE(At(name).output.has_value()) << name;
  }
  EXPECT_TRUE(At("conv1").before_activation.has_value());
  EXPECT_FALSE(At("conv2").before_activation.has_value());  // ReLU
  EXPECT_TRUE(fake_.any_before_activation());

  const int conv1 = Index("conv1");
  float values[] = {0.013f, 1e9f};
  fake_.Apply(conv1, false, values, 2);
  const TensorQuantization& q = model_->execution(conv1).output();
  EXPECT_EQ(values[0], Dequantize(Quantize(0.013f, q), q));
  EXPECT_EQ(values[1], Dequantize(255, q));
  float kept[] = {0.013f};
  fake_.Apply(Index("pool"), false, kept, 1);
  EXPECT_EQ(kept[0], 0.013f);
}

TEST_F(MakeFakeQuantizationTest, WeightsAreTheIntegersTimesTheirScales) {
  Make(INT8, FP32, INT8, QuantizationSpec::FUSED);
  const int conv2 = Index("conv2");
  const double s_x = model_->execution(Index("conv1")).output().scale();
  const float s_w = model_->WeightScales(conv2)[3];
  EXPECT_EQ(fake_.weights.nodes[conv2].weights[3 * 72 + 5],
            model_->Int8Weights(conv2)[3 * 72 + 5] * s_w);
  EXPECT_FLOAT_EQ(fake_.weights.nodes[conv2].bias[3],
                  model_->Int32Bias(conv2)[3] * s_x * s_w);
  const int neck = Index("neck");
  EXPECT_EQ(fake_.weights.nodes[neck].weights[7],
            model_->FloatWeights(neck)[7]);
  EXPECT_TRUE(fake_.weights.nodes[0].weights.empty());
  EXPECT_FALSE(fake_.any_before_activation());
}

TEST_F(MakeFakeQuantizationTest, EdgesIntoInt8AreQuantized) {
  Make(FP32, INT8, INT8, QuantizationSpec::FUSED);
  // "half" feeds only the INT8 "neck"; "pool" feeds also the FP32 "half".
  EXPECT_TRUE(At("half").output.has_value());
  EXPECT_FALSE(At("pool").output.has_value());
  EXPECT_FALSE(At("conv1").output.has_value());
}

}  // namespace
}  // namespace yoloq
