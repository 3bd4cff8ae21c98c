#include "experiments/estimate.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "eval/synthetic_voc.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/graph.h"
#include "model/training/trainer.h"
#include "model/yolov3.h"
#include "quant/node_precision.h"
#include "quant/qat.h"
#include "quant/scheme.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

Graph Yolov3(double width, int input_size) {
  Yolov3Options options;
  options.width = width;
  options.input_size = input_size;
  return *BuildYolov3(options);
}

// Pictures with their annotations.
std::vector<VocImage> Images(int count, int side) {
  SyntheticVocOptions options;
  options.scene.min_side = side;
  options.scene.max_side = side;
  options.train_images = count;
  options.val_images = 0;
  options.test_images = 0;
  const std::string root = TestFolder();
  EXPECT_TRUE(WriteSyntheticVoc(root, options).ok());
  return *ReadVocSets(root, {"VOC2007/train"}, VocClassNames());
}

PreprocessSpec Stretch() {
  PreprocessSpec spec;
  spec.set_resize(PreprocessSpec::STRETCH);
  return spec;
}

// --- The formula, by hand.

TEST(TrainingMemoryTest, CountsWhatEachNodeKeeps) {
  // Input 3 x 8 x 8; convolution with batch norm to 4 x 8 x 8; pool to
  // 4 x 4 x 4; convolution without to 2 x 4 x 4; upsampled to 2 x 8 x 8;
  // concatenated to 6 x 8 x 8.
  Graph graph;
  const auto add = [&](const char* name, std::vector<int> inputs) {
    Node* node = graph.add_nodes();
    node->set_name(name);
    node->set_part(BACKBONE);
    for (const int input : inputs) node->add_inputs(input);
    return node;
  };
  Node* input = add("input", {});
  input->mutable_input();
  input->mutable_output()->set_channels(3);
  input->mutable_output()->set_height(8);
  input->mutable_output()->set_width(8);
  const auto convolve = [&](const char* name, int from, int out, bool norm) {
    ConvolutionOp* op = add(name, {from})->mutable_convolution();
    op->set_out_channels(out);
    op->set_kernel(1);
    op->set_stride(1);
    op->set_groups(1);
    op->set_batch_norm(norm);
    op->set_activation(norm ? LEAKY : LINEAR);
  };
  convolve("a", 0, 4, true);
  MaxPoolOp* pool = add("pool", {1})->mutable_max_pool();
  pool->set_size(2);
  pool->set_stride(2);
  convolve("b", 2, 2, false);
  add("up", {3})->mutable_upsample()->set_factor(2);
  add("both", {4, 1})->mutable_concat();
  for (int i = 1; i < graph.nodes_size(); ++i) {
    YOLOQ_ASSERT_OK(InferShape(&graph, i));
  }
  TrainingSpec spec;
  spec.set_batch_size(5);
  const TrainingMemory memory =
      EstimateTrainingMemory(graph, spec, {}, /*simulated=*/false);
  const int64_t a = 256, p = 64, b = 32, up = 128, both = 384;
  EXPECT_EQ(memory.activation_bytes_per_image,
            4 * (192 + 2 * a + (a + 3 * p) + b + up + both));
  // Weights, beta and gamma of a; weights and bias of b.
  const int64_t parameters = 3 * 4 + 2 * 4 + 4 * 2 + 2;
  EXPECT_EQ(memory.parameter_bytes, 4 * 5 * parameters);
  EXPECT_EQ(memory.total_bytes(),
            memory.parameter_bytes + 5 * memory.activation_bytes_per_image);

  spec.set_ema_decay(0.9);
  EXPECT_EQ(EstimateTrainingMemory(graph, spec, {}, false).parameter_bytes,
            4 * 6 * parameters);
  EXPECT_EQ(
      EstimateTrainingMemory(graph, spec, {}, true).activation_bytes_per_image,
      4 * 192 + 24 * a + 4 * (a + 4 * p) + 8 * b + 8 * up + 8 * both);

  // Inference: input and a; then a, pool; ...; at most a, up and both.
  EXPECT_EQ(EstimateInferenceMemory(graph, 3),
            4 * (parameters + 3 * (parameters + a + up + both)));
}

TEST(TrainingMemoryTest, PicturesAreKeptUpToTheCache) {
  std::vector<VocImage> images(10);
  for (VocImage& image : images) {
    image.annotation.width = 500;
    image.annotation.height = 400;
  }
  const Graph graph = Yolov3(0.1, 64);
  TrainingSpec spec;
  EXPECT_EQ(EstimateTrainingMemory(graph, spec, images, false).picture_bytes,
            10 * 3 * 500 * 400);
  spec.set_cache_megabytes(2);
  EXPECT_EQ(EstimateTrainingMemory(graph, spec, images, false).picture_bytes,
            2000000);
}

// --- The formula, against what the system says.

int64_t ResidentBytes() {
  long pages = 0, resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  EXPECT_EQ(std::fscanf(file, "%ld %ld", &pages, &resident), 2);
  std::fclose(file);
  return int64_t{resident} * sysconf(_SC_PAGESIZE);
}

int64_t PeakBytes() {
  rusage usage;
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return int64_t{usage.ru_maxrss} * 1024;
}

// Measured peaks lie above the formula by what allocators and oneDNN's scratch
// memory add, and must stay within this factor of it.
constexpr double kFactor = 1.3;

// Two steps of a training of `graph`, or of its QAT.
void CompareWithMeasured(const Graph& graph, bool simulated) {
  const std::vector<VocImage> images = Images(8, 64);
  TrainingSpec spec;
  spec.set_epochs(2);
  spec.set_batch_size(8);
  spec.set_learning_rate(1e-5);
  spec.set_threads(1);
  const auto train = [&](const Graph& trained) {
    QuantizationSpec quantization;
    quantization.set_scheme("qnnpack");
    const auto hooks = *QatHooks::Create(
        trained, *ResolveScheme(quantization), *ResolveQatSpec(QatSpec()),
        PrecisionByPart(trained, INT8, INT8, INT8));
    TrainOptions options;
    if (simulated) options.hooks = hooks.get();
    YOLOQ_ASSERT_OK(Train(trained, RandomWeights(trained, 1), spec, images,
                          Stretch(), options)
                        .status());
  };
  // What the libraries keep for good.
  train(Yolov3(0.1, 64));
  const int64_t before = ResidentBytes();
  train(graph);
  const int64_t measured = PeakBytes() - before;
  const int64_t estimated =
      EstimateTrainingMemory(graph, spec, images, simulated).total_bytes();
  std::printf("estimated %.0f MB, measured %.0f MB\n", estimated / 1e6,
              measured / 1e6);
  EXPECT_LT(static_cast<double>(measured), kFactor * estimated);
  EXPECT_GT(static_cast<double>(measured), estimated / kFactor);
}

// In this order: a peak is that of the process's life, and the second is
// higher.
TEST(MeasuredMemoryTest, Training) {
  CompareWithMeasured(Yolov3(0.25, 256), /*simulated=*/false);
}

TEST(MeasuredMemoryTest, QuantizationAwareTraining) {
  CompareWithMeasured(Yolov3(0.25, 256), /*simulated=*/true);
}

// --- What is available.

TEST(AvailableMemoryTest, ReadsMemAvailable) {
  EXPECT_EQ(ParseAvailableBytes("MemTotal:       24641036 kB\n"
                                "MemFree:        18000000 kB\n"
                                "MemAvailable:   22000000 kB\n"),
            int64_t{22000000} * 1024);
  EXPECT_EQ(ParseAvailableBytes("MemTotal: 1 kB\n"), absl::nullopt);
  EXPECT_EQ(ParseAvailableBytes("MemAvailable: much\n"), absl::nullopt);
}

TEST(CheckTrainingMemoryTest, SaysWhichBatchFits) {
  TrainingMemory memory;
  memory.parameter_bytes = 1000000000;
  memory.picture_bytes = 500000000;
  memory.activation_bytes_per_image = 250000000;
  memory.batch_size = 16;
  YOLOQ_ASSERT_OK(CheckTrainingMemory("train", memory, 5500000000));
  EXPECT_THAT(
      CheckTrainingMemory("train", memory, 2400000000),
      StatusIs(StatusCode::kFailedPrecondition,
               "train: needs about 5.5 GB of memory, of which 2.4 GB are free; "
               "lower training.batch_size (16; 3 would fit)"));
  EXPECT_THAT(
      CheckTrainingMemory("qat", memory, 1400000000),
      StatusIs(StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("qat: needs about 5.5 GB"),
                     HasSubstr("model.input_size or training.cache_megabytes "
                               "(500 used)"))));
}

TEST(AnnounceTrainingTest, RefusesWhatNoMachineHolds) {
  TrainingSpec spec;
  spec.set_epochs(1);
  spec.set_batch_size(65536);
  spec.set_device(TrainingSpec::CPU);
  EXPECT_THAT(AnnounceTraining("train", Yolov3(1, 608), Weights(), spec,
                               Images(1, 64), Stretch(), TestFolder(), nullptr),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("lower training.batch_size (65536; ")));
}

// --- The line.

TEST(FormatEstimateTest, TimeRateAndMemory) {
  StageEstimate estimate;
  estimate.label = "train";
  estimate.work = "3,000 images x 20 epochs";
  estimate.seconds = 200;
  estimate.images_per_second = 19;
  estimate.memory_bytes = 400000000;
  estimate.available_bytes = 21400000000;
  EXPECT_EQ(FormatEstimate(estimate),
            "train      3,000 images x 20 epochs: about 3 min 20 s (measured: "
            "19 images/s), 0.4 GB of memory of 21 GB free");
  estimate.available_bytes.reset();
  estimate.images_per_second = 0.957;
  estimate.seconds = 40 * 86400;
  EXPECT_EQ(FormatEstimate(estimate),
            "train      3,000 images x 20 epochs: about 40 days 00 h "
            "(measured: 0.96 images/s), 0.4 GB of memory");
}

// --- When a trial is made.

TEST(AnnounceTrainingTest, ShortOrResumedTrainingsAreNotTried) {
  const Graph graph = Yolov3(0.1, 64);
  const std::vector<VocImage> images = Images(2, 64);
  TrainingSpec spec;
  spec.set_batch_size(2);
  spec.set_threads(1);
  spec.set_epochs(39);
  // Weights that do not fit are an error of the trial alone.
  EXPECT_TRUE(AnnounceTraining("train", graph, Weights(), spec, images,
                               Stretch(), TestFolder(), nullptr)
                  .ok());
  spec.set_epochs(40);
  EXPECT_EQ(AnnounceTraining("train", graph, Weights(), spec, images, Stretch(),
                             TestFolder(), nullptr)
                .code(),
            StatusCode::kInvalidArgument);
  const std::string folder = TestFolder();
  YOLOQ_ASSERT_OK(
      WriteFileAtomically(JoinPath(folder, "checkpoint.yoloqck"), ""));
  EXPECT_TRUE(AnnounceTraining("train", graph, Weights(), spec, images,
                               Stretch(), folder, nullptr)
                  .ok());
}

TEST(AnnounceTrainingTest, SaysATrainingOfDays) {
  const Graph graph = Yolov3(0.1, 64);
  const std::vector<VocImage> images = Images(2, 64);
  TrainingSpec spec;
  spec.set_batch_size(2);
  spec.set_threads(1);
  spec.set_epochs(1000000000);
  ::testing::internal::CaptureStderr();
  YOLOQ_ASSERT_OK(AnnounceTraining("train", graph, RandomWeights(graph, 1),
                                   spec, images, Stretch(), TestFolder(),
                                   nullptr));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::ContainsRegex(
                  "train +2 images x 1000000000 epochs: about [0-9]+ days .*"
                  "images/s.*GB of memory"));
}

TEST(AnnounceInferenceTest, TriesLargeNetworksOnManyImagesTwice) {
  int rounds = 0;
  const auto try_round = [&] {
    ++rounds;
    return absl::OkStatus();
  };
  const Graph large = Yolov3(1, 416);
  YOLOQ_ASSERT_OK(AnnounceInference("evaluate", large, 79, 2, try_round));
  YOLOQ_ASSERT_OK(
      AnnounceInference("evaluate", Yolov3(0.1, 64), 400, 2, try_round));
  EXPECT_EQ(rounds, 0);
  YOLOQ_ASSERT_OK(AnnounceInference("evaluate", large, 80, 2, try_round));
  EXPECT_EQ(rounds, 2);
  EXPECT_EQ(AnnounceInference("evaluate", large, 80, 2,
                              [] { return absl::DataLossError("x"); })
                .code(),
            StatusCode::kDataLoss);
}

}  // namespace
}  // namespace yoloq
