#include "hw/pi3_model.h"

#include "quant/node_precision.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(Pi3ModelTest, FitsTheGeometricMean) {
  const Pi3Fit fit =
      FitPi3Factor({{"twice", 2000, 1000}, {"eight times", 8000, 1000}});
  EXPECT_NEAR(fit.factor, 4, 1e-9);
  // 8 for 2, and 2 for 8.
  EXPECT_NEAR(fit.largest_error, 3, 1e-9);
}

TEST(Pi3ModelTest, ModelsThePublishedNetworksWithinABound) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto peers, Pi3Peers());
  EXPECT_EQ(peers.size(), 7);
  const Pi3Fit fit = FitPi3Factor(peers);
  EXPECT_GT(fit.factor, 1);
  EXPECT_LT(fit.largest_error, 0.2);
}

TEST(Pi3ModelTest, ModelsADeployable) {
  QuantizationSpec spec;
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  spec.set_leaky(QuantizationSpec::FUSED);
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, INT8, INT8), spec, /*seed=*/1));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "small"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Pi3Latency latency, ModelPi3Latency(&model));
  EXPECT_GT(latency.instructions, 0);
  EXPECT_GT(latency.traffic_bytes, 0);
  // Four threads, each an instruction a cycle, and 2 GB/s.
  EXPECT_NEAR(
      latency.ms,
      latency.fit.factor * 1e3 *
          (latency.instructions / (4 * 1.4e9) + latency.traffic_bytes / 2e9),
      1e-9);
}

}  // namespace
}  // namespace yoloq
