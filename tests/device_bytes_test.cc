// Integer models give the same bytes on x86-64 and on aarch64: each engine's
// output for random models of every node type, and for a slim YOLOv3, has the
// committed digest. BUILD runs this for both.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hw/head_digest.h"
#include "hw/runtime/engines.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "quant/deployable.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

struct ModelCase {
  std::string name;
  bool slim_yolov3;  // else the small graph that has every node type
  QuantizationSpec::WeightGranularity weights;
  QuantizationSpec::LeakyMode leaky;
  QuantizationSpec::ConcatMode concat;
  std::string heads_sha256;
};

std::vector<ModelCase> Models() {
  using Spec = QuantizationSpec;
  return {
      {"small_channel_fused", false, Spec::PER_CHANNEL, Spec::FUSED,
       Spec::REQUANTIZE,
       "c40c9b0a376481e8a7fc9738fd07b0dcfdd91bf12b5fc01f4551ba228875e65a"},
      {"small_channel_two_step", false, Spec::PER_CHANNEL, Spec::TWO_STEP,
       Spec::REQUANTIZE,
       "613c5caad273483d6c8d95f056bae922eb00d674056e59204e0e3d9b8457865d"},
      {"small_tensor_fused", false, Spec::PER_TENSOR, Spec::FUSED,
       Spec::REQUANTIZE,
       "008a32458b5f9193c9a4db6846c8fbd104f065a62624c64c8aa3f6a39f572ba9"},
      {"small_tensor_two_step", false, Spec::PER_TENSOR, Spec::TWO_STEP,
       Spec::REQUANTIZE,
       "9d0a6cfe78def4d721b46ecccd1447d79eb27312b66503b8be5ea8a8ce8c14dc"},
      {"yolov3_channel_fused", true, Spec::PER_CHANNEL, Spec::FUSED,
       Spec::REQUANTIZE,
       "51a72de8cc27e15f39e026565c52fa2d0f858ca7a77a14ed0d29724168123737"},
      {"yolov3_channel_two_step", true, Spec::PER_CHANNEL, Spec::TWO_STEP,
       Spec::REQUANTIZE,
       "47ec5d69888265a2b408f8450040d4e27080712056adce35cb225c2ed87c9753"},
  };
}

Graph SlimYolov3() {
  Yolov3Options options;
  options.width = 0.125;
  options.input_size = 64;
  return WithoutBatchNorm(*BuildYolov3(options));
}

class DeviceBytesTest
    : public ::testing::TestWithParam<std::tuple<std::string, ModelCase>> {};

TEST_P(DeviceBytesTest, HeadsHaveTheCommittedDigest) {
  const auto& [engine_name, model_case] = GetParam();
  const absl::Status usable = CheckInt8(engine_name);
  if (!usable.ok()) GTEST_SKIP() << usable;
  QuantizationSpec spec;
  spec.set_weights(model_case.weights);
  spec.set_leaky(model_case.leaky);
  spec.set_concat(model_case.concat);
  const Graph graph = model_case.slim_yolov3 ? SlimYolov3() : SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, INT8, INT8), spec, /*seed=*/7));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Deployable model,
                             Deployable::FromBytes(bytes.view(), "random"));
  EngineOptions options;
  options.threads = engine_name == "reference" ? 1 : 2;
  const absl::StatusOr<std::unique_ptr<Engine>> engine =
      CreateEngine(engine_name, &model, options);
  if (engine_name == "xnnpack" && model_case.leaky == QuantizationSpec::FUSED) {
    EXPECT_THAT(engine,
                StatusIs(absl::StatusCode::kUnimplemented,
                         HasSubstr("export the model with leaky: TWO_STEP")));
    return;
  }
  YOLOQ_ASSERT_OK(engine);
  std::vector<HeadOutput> heads;
  YOLOQ_ASSERT_OK((*engine)->Run(RandomPicture(graph, /*seed=*/7), &heads));
  EXPECT_EQ(HeadsSha256(heads), model_case.heads_sha256);
}

INSTANTIATE_TEST_SUITE_P(Engines, DeviceBytesTest,
                         ::testing::Combine(::testing::ValuesIn(EngineNames()),
                                            ::testing::ValuesIn(Models())),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param), "_",
                                               std::get<1>(info.param).name);
                         });

}  // namespace
}  // namespace yoloq
