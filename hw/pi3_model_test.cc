#include "hw/pi3_model.h"

#include "absl/strings/str_format.h"
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

Pi3Latency ModelSmallGraph(Precision precision) {
  QuantizationSpec spec;
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  spec.set_leaky(QuantizationSpec::FUSED);
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, precision, precision, precision), spec,
      /*seed=*/1));
  const absl::StatusOr<Deployable> model =
      Deployable::FromBytes(bytes.view(), "small");
  EXPECT_TRUE(model.ok()) << model.status();
  const absl::StatusOr<Pi3Latency> latency = ModelPi3Latency(&*model);
  EXPECT_TRUE(latency.ok()) << latency.status();
  return *latency;
}

std::string Figures(const Pi3Latency& latency) {
  return absl::StrFormat("%.6g ms, %.6g instructions, %.6g bytes", latency.ms,
                         latency.instructions, latency.traffic_bytes);
}

// Modelled latencies are kept in caches by the version: other figures of the
// same version would never be seen.
TEST(Pi3ModelTest, OtherFiguresAreAnotherVersion) {
  const Pi3Latency fp32 = ModelSmallGraph(FP32);
  EXPECT_EQ(
      absl::StrFormat("version %d: factor %.6g, error %.6g; FP32 %s; INT8 %s",
                      kPi3ModelVersion, fp32.fit.factor, fp32.fit.largest_error,
                      Figures(fp32), Figures(ModelSmallGraph(INT8))),
      "version 4: factor 1.77976, error 0.188539; FP32 0.118964 ms, 202603 "
      "instructions, 61328 bytes; INT8 0.05906 ms, 135387 instructions, "
      "18016 bytes")
      << "raise kPi3ModelVersion, and write the new figures here";
}

TEST(Pi3ModelTest, ModelsADeployable) {
  const Pi3Latency latency = ModelSmallGraph(INT8);
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
