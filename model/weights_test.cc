#include "model/weights.h"

#include <cmath>
#include <limits>

#include "model/graph.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// input -> conv (batch norm, leaky) -> conv (batch norm, linear) -> add.
Graph ResidualGraph() {
  Graph graph;
  EXPECT_TRUE(ParseTextProto(R"pb(
                               nodes {
                                 name: "input"
                                 output { channels: 32 height: 8 width: 8 }
                                 input {}
                               }
                               nodes {
                                 name: "a"
                                 inputs: 0
                                 convolution {
                                   out_channels: 64
                                   kernel: 1
                                   stride: 1
                                   groups: 1
                                   batch_norm: true
                                   activation: LEAKY
                                 }
                               }
                               nodes {
                                 name: "b"
                                 inputs: 1
                                 convolution {
                                   out_channels: 64
                                   kernel: 3
                                   stride: 1
                                   padding: 1
                                   groups: 1
                                   activation: LEAKY
                                 }
                               }
                               nodes {
                                 name: "c"
                                 inputs: 2
                                 convolution {
                                   out_channels: 64
                                   kernel: 3
                                   stride: 1
                                   padding: 1
                                   groups: 1
                                   batch_norm: true
                                 }
                               }
                               nodes {
                                 name: "d"
                                 inputs: 3
                                 inputs: 1
                                 add {}
                               }
                               nodes {
                                 name: "e"
                                 inputs: 2
                                 inputs: 4
                                 add {}
                               }
                             )pb",
                             "graph", &graph)
                  .ok());
  EXPECT_TRUE(InferShapes(&graph).ok());
  return graph;
}

double MeanSquare(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * value;
  return sum / values.size();
}

TEST(RandomWeightsTest, IsKaimingNormalAndScalesResidualBranches) {
  const Graph graph = ResidualGraph();
  const Weights weights = RandomWeights(graph, 1);
  YOLOQ_ASSERT_OK(CheckWeights(graph, weights));
  // gain^2 / fan_in, and for the residual branch ("c") over two additions.
  EXPECT_NEAR(MeanSquare(weights.nodes[1].weights) * 32, 2 / 1.01, 0.1);
  EXPECT_NEAR(MeanSquare(weights.nodes[2].weights) * 64 * 9, 2 / 1.01, 0.03);
  EXPECT_NEAR(MeanSquare(weights.nodes[3].weights) * 64 * 9, 1 / 2.0, 0.01);
  EXPECT_THAT(weights.nodes[1].gamma, ::testing::Each(1));
  EXPECT_THAT(weights.nodes[1].variance, ::testing::Each(1));
  EXPECT_THAT(weights.nodes[1].mean, ::testing::Each(0));
  EXPECT_THAT(weights.nodes[2].bias, ::testing::Each(0));
  EXPECT_THAT(weights.nodes[2].gamma, ::testing::IsEmpty());
}

// Share of |z| < 1 is 68.27 % and of |z| < 2 95.45 % under the normal law; the
// largest of 36,864 draws is about 4.2 deviations.
TEST(RandomWeightsTest, HasTheShapeOfTheNormalDistribution) {
  const Weights weights = RandomWeights(ResidualGraph(), 7);
  const std::vector<float>& values = weights.nodes[2].weights;
  const double deviation = std::sqrt(2 / 1.01 / (64 * 9));
  double within_one = 0, within_two = 0, sum = 0, largest = 0;
  for (const float value : values) {
    within_one += std::abs(value) < deviation;
    within_two += std::abs(value) < 2 * deviation;
    sum += value / deviation;
    largest = std::max(largest, std::abs(value) / deviation);
  }
  EXPECT_NEAR(within_one / values.size(), 0.6827, 0.01);
  EXPECT_NEAR(within_two / values.size(), 0.9545, 0.005);
  EXPECT_NEAR(sum / values.size(), 0, 0.02);
  EXPECT_GT(largest, 3.5);
  EXPECT_LT(largest, 5);
}

TEST(RandomWeightsTest, DependsOnTheSeedAlone) {
  const Graph graph = ResidualGraph();
  const Weights a = RandomWeights(graph, 1);
  const Weights b = RandomWeights(graph, 1);
  const Weights c = RandomWeights(graph, 2);
  EXPECT_EQ(a.nodes[2].weights, b.nodes[2].weights);
  EXPECT_NE(a.nodes[2].weights, c.nodes[2].weights);
  EXPECT_NE(a.nodes[2].weights[0] / a.nodes[3].weights[0],
            a.nodes[2].weights[1] / a.nodes[3].weights[1])
      << "nodes share one sequence";
}

TEST(CheckWeightsTest, NamesTheNodeAndTheField) {
  const Graph graph = ResidualGraph();
  const Weights good = RandomWeights(graph, 1);

  Weights bad = good;
  bad.nodes[2].weights[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(CheckWeights(graph, bad),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'b'"), HasSubstr("weights[5]"),
                             HasSubstr("not finite"))));
  bad = good;
  bad.nodes[1].bias[0] = -std::numeric_limits<float>::infinity();
  EXPECT_THAT(CheckWeights(graph, bad),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'a'"), HasSubstr("bias[0]"))));
  bad = good;
  bad.nodes[1].variance[3] = -1;
  EXPECT_THAT(CheckWeights(graph, bad),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("variance[3] is negative")));
  bad = good;
  bad.nodes[1].gamma.pop_back();
  EXPECT_THAT(
      CheckWeights(graph, bad),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("gamma has 63 values, the graph asks for 64")));
  bad = good;
  bad.nodes[4].bias.push_back(0);
  EXPECT_THAT(CheckWeights(graph, bad),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("only convolutions have weights")));
  bad = good;
  bad.nodes.pop_back();
  EXPECT_THAT(CheckWeights(graph, bad),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("weights for 5 nodes, but the graph has 6")));
}

// gamma 3, variance 4 - eps, so the factor is 3 / 2; bias 1 - 2 * 1.5 = -2.
TEST(FoldBatchNormTest, MatchesTheFormula) {
  const Graph graph = ResidualGraph();
  Weights weights = RandomWeights(graph, 1);
  weights.nodes[1].gamma[2] = 3;
  weights.nodes[1].variance[2] = 4 - kBatchNormEpsilon;
  weights.nodes[1].bias[2] = 1;
  weights.nodes[1].mean[2] = 2;
  const Weights folded = FoldBatchNorm(graph, weights);
  YOLOQ_ASSERT_OK(CheckWeights(WithoutBatchNorm(graph), folded));
  const float before = weights.nodes[1].weights[2 * 32 + 7];
  EXPECT_FLOAT_EQ(folded.nodes[1].weights[2 * 32 + 7], before * 1.5f);
  EXPECT_FLOAT_EQ(folded.nodes[1].bias[2], -2);
  EXPECT_EQ(folded.nodes[2].weights, weights.nodes[2].weights);
}

}  // namespace
}  // namespace yoloq
