// The size of YOLOv3's deployable files, the tables' first column.
#include <cstdio>
#include <string>
#include <vector>

#include "model/graph.h"
#include "model/weights.h"
#include "model/yolov3.h"
#include "quant/node_precision.h"
#include "quant/quantizer.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

class ModelSizeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    YOLOQ_ASSERT_OK_AND_ASSIGN(graph_, BuildYolov3({}));
    graph_ = WithoutBatchNorm(std::move(graph_));
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      weights_.nodes.emplace_back();
      const Node& node = graph_.nodes(i);
      if (!node.has_convolution()) continue;
      weights_.nodes[i].weights.resize(WeightCount(graph_, i), 0.01f);
      weights_.nodes[i].bias.resize(node.convolution().out_channels());
    }
    for (const Node& node : graph_.nodes()) {
      for (const bool before : {false, true}) {
        ObserverState* state = calibration_.add_tensors();
        state->set_node(node.name());
        state->set_before_activation(before);
        state->set_min(-1);
        state->set_max(2);
        state->set_values(1);
      }
    }
  }

  int64_t Bytes(Precision backbone, Precision neck, Precision head,
                const std::string& scheme) {
    QuantizationSpec spec;
    spec.set_scheme(scheme);
    spec.mutable_activation_observer()->set_kind(ObserverSpec::MIN_MAX);
    DeployableWriter writer;
    const auto model =
        QuantizeModel(graph_, weights_, &calibration_, spec,
                      PrecisionByPart(graph_, backbone, neck, head),
                      std::vector<std::string>(20, "a class name"), &writer);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? writer.FileSizeBytes(*model) : 0;
  }

  Graph graph_;
  Weights weights_;
  Calibration calibration_;
};

TEST_F(ModelSizeTest, IsThatOfTheParameters) {
  const double fp32 = Bytes(FP32, FP32, FP32, "per_channel");
  EXPECT_GE(fp32, 246.1e6);
  EXPECT_LE(fp32, 246.9e6);
  const auto saved = [&](double bytes) { return 100 * (fp32 - bytes) / fp32; };
  for (const char* scheme : {"qnnpack", "per_channel"}) {
    const double int8 = Bytes(INT8, INT8, INT8, scheme);
    std::printf("%s: FP32 %.0f bytes, INT8 %.0f bytes, reduction %.2f %%\n",
                scheme, fp32, int8, saved(int8));
    EXPECT_GE(int8, 61.6e6) << scheme;
    EXPECT_LE(int8, 62.3e6) << scheme;
    // Three quarters, less the biases and scales; the paper says 74.8.
    EXPECT_NEAR(saved(int8), 74.9, 0.1) << scheme;
  }
  // Three quarters of the part's share of the parameters.
  EXPECT_NEAR(saved(Bytes(INT8, FP32, FP32, "per_channel")), 49.4, 0.2);
  EXPECT_NEAR(saved(Bytes(FP32, INT8, FP32, "per_channel")), 17.9, 0.2);
  EXPECT_NEAR(saved(Bytes(FP32, FP32, INT8, "per_channel")), 7.7, 0.2);
}

}  // namespace
}  // namespace yoloq
