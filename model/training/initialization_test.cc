#include "model/training/initialization.h"

#include <cmath>

#include "model/graph.h"
#include "model/yolov3.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(InitializationTest, ChangesWhatIsAskedAlone) {
  Yolov3Options options;
  options.width = 0.0625;
  options.input_size = 32;
  options.classes = 2;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3(options));
  const Weights before = RandomWeights(graph, 1);
  Weights same = before;
  Initialize(graph, TrainingSpec(), &same);
  TrainingSpec spec;
  spec.set_initial_objectness(0.01);
  spec.set_initial_output_scale(0.5);
  spec.set_initial_residual_gamma(0.25);
  Weights after = before;
  Initialize(graph, spec, &after);
  int residual = 0;
  int outputs = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const ConvolutionWeights& old = before.nodes[i];
    const ConvolutionWeights& now = after.nodes[i];
    EXPECT_EQ(same.nodes[i].weights, old.weights);
    EXPECT_EQ(same.nodes[i].bias, old.bias);
    EXPECT_EQ(same.nodes[i].gamma, old.gamma);
    if (!graph.nodes(i).has_convolution()) continue;
    if (!graph.nodes(i).convolution().batch_norm()) {
      ++outputs;
      EXPECT_EQ(now.weights[3], 0.5f * old.weights[3]);
      // Three anchors of x, y, width, height, objectness and two classes.
      for (int k = 0; k < 21; ++k) {
        EXPECT_NEAR(now.bias[k], k % 7 == 4 ? std::log(0.01 / 0.99) : 0, 1e-6);
      }
    } else {
      EXPECT_EQ(now.weights, old.weights);
      residual += now.gamma[0] == 0.25f;
    }
  }
  EXPECT_EQ(outputs, 3);
  EXPECT_EQ(residual, 23);
}

}  // namespace
}  // namespace yoloq
