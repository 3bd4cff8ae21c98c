// YOLOv3-416 in INT8 gives the same bytes on x86-64 and on aarch64. Takes
// minutes: bazel test //tests:full_size_bytes_test{,_arm64}
#include <vector>

#include "hw/head_digest.h"
#include "hw/runtime/engines.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "quant/deployable.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(FullSizeBytesTest, HeadsHaveTheCommittedDigest) {
  QuantizationSpec spec;
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_leaky(QuantizationSpec::FUSED);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph network, BuildYolov3({}));
  const Graph graph = WithoutBatchNorm(network);
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, INT8, INT8), spec, /*seed=*/7));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "random"));
  for (const char* name : {"native", "reference"}) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const auto engine,
                               CreateEngine(name, &model, {}));
    std::vector<HeadOutput> heads;
    YOLOQ_ASSERT_OK(engine->Run(RandomPicture(graph, /*seed=*/7), &heads));
    EXPECT_EQ(
        HeadsSha256(heads),
        "80e5786a5b57c1f18d7c7a24f8f1b423907c8349913e6c89e315674ed05842dd")
        << name;
  }
}

}  // namespace
}  // namespace yoloq
