#include "hw/bench_latency.h"

#include <memory>

#include "hw/head_digest.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "quant/random_deployable.h"
#include "quant/reference_engine.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

Graph SlimYolov3() {
  Yolov3Options options;
  options.width = 0.01;
  options.input_size = 32;
  return WithoutBatchNorm(*BuildYolov3(options));
}

std::string WriteModel(const Graph& graph) {
  QuantizationSpec spec;
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_leaky(QuantizationSpec::FUSED);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  const std::string path = JoinPath(TestFolder(), "slim.yoloq");
  EXPECT_TRUE(
      WriteFileAtomically(
          path, RandomDeployable(
                    graph, PrecisionByPart(graph, INT8, INT8, INT8), spec, 1))
          .ok());
  return path;
}

// The reference, with node i taking 1000 i ns in each run, and from run
// number `wrong_from` on another output.
class FakeEngine : public Engine {
 public:
  FakeEngine(const Deployable* model, bool time_nodes, int wrong_from)
      : engine_(model), wrong_from_(wrong_from) {
    if (!time_nodes) return;
    for (int i = 0; i < graph().nodes_size(); ++i) times_.push_back(1000 * i);
  }
  absl::string_view name() const override { return "fake"; }
  const Graph& graph() const override { return engine_.graph(); }
  absl::Status Run(absl::Span<const uint8_t> rgb,
                   std::vector<HeadOutput>* heads) override {
    const absl::Status status = engine_.Run(rgb, heads);
    if (++runs_ >= wrong_from_) heads->front().values[0] += 1;
    return status;
  }
  absl::Span<const int64_t> node_ns() const override { return times_; }

 private:
  ReferenceEngine engine_;
  int wrong_from_;
  int runs_ = 0;
  std::vector<int64_t> times_;
};

EngineMaker FakeMaker(int wrong_from) {
  return
      [wrong_from](const Deployable* model, int /*threads*/, bool time_nodes) {
        return absl::StatusOr<std::unique_ptr<Engine>>(
            std::make_unique<FakeEngine>(model, time_nodes, wrong_from));
      };
}

constexpr int kNever = 1000000;

LatencyBenchOptions Options() {
  LatencyBenchOptions options;
  options.rules.warmup_runs = 2;
  options.rules.min_runs = 3;
  options.rules.min_seconds = 0;
  options.node_runs = 4;
  options.detector.evaluation.set_score_threshold(0.01);
  options.detector.evaluation.set_nms_iou_threshold(0.45);
  options.limits.max_variation = 0;
  options.limits.max_other_load_cores = 1e9;
  options.sleep = [](double) {};
  return options;
}

const Picture kGrey{40, 20, std::vector<uint8_t>(2400, 128)};

TEST(LatencyBenchTest, KeepsEverySampleOfEveryTurn) {
  const Graph graph = SlimYolov3();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ModelIdentity model,
                             IdentifyModel(WriteModel(graph)));
  LatencyBench bench(model, "fake", 1, FakeMaker(kNever), Options());
  YOLOQ_ASSERT_OK(bench.TakeTurn("grey", kGrey));
  YOLOQ_ASSERT_OK(bench.TakeTurn("grey", kGrey));
  const LatencyMeasurement result = bench.Summarize();
  EXPECT_EQ(bench.title(), "slim.yoloq/fake/threads:1");
  ASSERT_EQ(result.repetitions_size(), 2);
  EXPECT_EQ(result.repetitions(1).runs(), 3);
  EXPECT_GT(result.repetitions(1).load_ns(), 0);
  EXPECT_GT(result.repetitions(1).first_inference_ns(), 0);
  EXPECT_GT(result.repetitions(1).peak_memory_bytes(), 1 << 20);
  EXPECT_GE(result.repetitions(1).during_size(), 1);
  ASSERT_EQ(result.end_to_end().samples_ns_size(), 6);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(result.end_to_end().samples_ns(i),
              result.preprocess().samples_ns(i) +
                  result.inference().samples_ns(i) +
                  result.postprocess().samples_ns(i));
  }
  EXPECT_TRUE(result.valid());
  EXPECT_EQ(result.heads_sha256().size(), 64u);
  EXPECT_EQ(result.detections_sha256().size(), 64u);
}

TEST(LatencyBenchTest, SumsNodesByPart) {
  const Graph graph = SlimYolov3();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ModelIdentity model,
                             IdentifyModel(WriteModel(graph)));
  LatencyBench bench(model, "fake", 1, FakeMaker(kNever), Options());
  YOLOQ_ASSERT_OK(bench.TakeTurn("grey", kGrey));
  const LatencyMeasurement result = bench.Summarize();
  ASSERT_EQ(result.nodes_size(), graph.nodes_size());
  EXPECT_EQ(result.nodes(5).name(), graph.nodes(5).name());
  EXPECT_EQ(result.nodes(5).latency().samples_ns_size(), 4);
  EXPECT_EQ(result.nodes(5).latency().samples_ns(3), 5000);
  ASSERT_EQ(result.parts_size(), 3);
  int64_t sum_ns = 0;
  for (const PartLatency& part : result.parts()) {
    sum_ns += part.latency().samples_ns(0);
  }
  const int64_t nodes = graph.nodes_size();
  EXPECT_EQ(sum_ns, 1000 * nodes * (nodes - 1) / 2);
}

TEST(LatencyBenchTest, RefusesAnEngineWhoseOutputChanges) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ModelIdentity model,
                             IdentifyModel(WriteModel(SlimYolov3())));
  LatencyBench bench(model, "fake", 1, FakeMaker(4), Options());
  EXPECT_THAT(bench.TakeTurn("grey", kGrey),
              StatusIs(absl::StatusCode::kInternal,
                       HasSubstr("slim.yoloq/fake/threads:1: a run gave "
                                 "another output than the first one")));
}

TEST(LatencyBenchTest, ADeviceThatStaysHotIsInvalid) {
  const std::string root = TestFolder();
  YOLOQ_ASSERT_OK(WriteFileAtomically(JoinPath(root, "temp"), "82000\n"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ModelIdentity model,
                             IdentifyModel(WriteModel(SlimYolov3())));
  LatencyBenchOptions options = Options();
  options.sources.root = root;
  options.sources.temperature_path = "/temp";
  options.cool_to_celsius = 50;
  options.cool_timeout_s = 4;
  options.limits.hot_celsius = 60;
  LatencyBench bench(model, "fake", 1, FakeMaker(kNever), options);
  YOLOQ_ASSERT_OK(bench.TakeTurn("grey", kGrey));
  const LatencyMeasurement result = bench.Summarize();
  EXPECT_FALSE(result.valid());
  EXPECT_THAT(result.invalid_reasons(),
              ::testing::ElementsAre(HasSubstr("did not cool"),
                                     HasSubstr("too hot: 82.0")));
}

TEST(LatencyBenchTest, SaysWhenTheNetworkIsNotSquare) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ModelIdentity model,
                             IdentifyModel(WriteModel(SmallGraph())));
  LatencyBench bench(model, "fake", 1, FakeMaker(kNever), Options());
  EXPECT_THAT(bench.TakeTurn("grey", kGrey),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("input is 16 x 12 x 3")));
}

TEST(LatencyBenchTest, NamesAMissingModel) {
  EXPECT_THAT(IdentifyModel("/none/a.yoloq"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("a.yoloq")));
}

}  // namespace
}  // namespace yoloq
