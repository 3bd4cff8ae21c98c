#include "hw/native/backend.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "hw/native/convolution_tester.h"
#include "hw/native/emulated_kernels.h"
#include "hw/native/isa.h"
#include "hw/native/tested_kernels.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace native {
namespace {

using ::testing::HasSubstr;

// $YOLOQ_ONE_CASE_OF: of so many random cases one is tried, for slow machines.
int CaseStep() {
  const char* const text = std::getenv("YOLOQ_ONE_CASE_OF");
  return text == nullptr ? 1 : std::max(1, std::atoi(text));
}

int Pick(std::mt19937_64* random, std::vector<int> values) {
  return values[(*random)() % values.size()];
}

// A convolution of any kind.
ConvolutionCase RandomCase(uint64_t seed) {
  std::mt19937_64 random(seed);
  ConvolutionCase p;
  p.seed = seed;
  p.channels = Pick(&random, {1, 3, 4, 17, 31, 32, 33, 64, 70});
  p.out_channels = Pick(&random, {1, 3, 16, 17, 31, 32, 33, 64, 85, 255});
  p.height = 1 + random() % 22;
  p.width = 1 + random() % 22;
  p.kernel = Pick(&random, {1, 1, 3, 3, 3, 5});
  p.stride = Pick(&random, {1, 1, 1, 2, 3});
  p.padding = Pick(&random, {0, p.kernel / 2, p.kernel / 2, 1});
  while (p.height + 2 * p.padding < p.kernel) ++p.height;
  while (p.width + 2 * p.padding < p.kernel) ++p.width;
  p.activation = static_cast<Activation>(random() % 3);
  p.two_step = p.activation == LEAKY && random() % 2 == 0;
  p.per_channel = random() % 2 == 0;
  p.add = random() % 2 == 0;
  p.add_activation = static_cast<Activation>(random() % 3);
  p.wants_reals = random() % 2 == 0;
  p.wants_bytes = !p.wants_reals || random() % 2 == 0;
  p.extra_stride = Pick(&random, {0, 0, 1, 5, 64});
  p.inputs = static_cast<Values>(Pick(&random, {0, 0, 1, 2}));
  p.weights = static_cast<Values>(Pick(&random, {0, 0, 1, 2}));
  p.input_zero_point = Pick(&random, {0, 1, 127, 128, 254, 255});
  p.output_zero_point = static_cast<int>(random() % 256);
  return p;
}

struct Way {
  const KernelSet* kernels;
  NativeAlgorithm algorithm;
};

std::vector<Way> AllWays() {
  std::vector<Way> ways;
  for (const KernelSet* set : TestedKernels()) {
    for (const NativeAlgorithm algorithm :
         {NativeAlgorithm::kCheapest, NativeAlgorithm::kDirect,
          NativeAlgorithm::kWinograd2, NativeAlgorithm::kWinograd4,
          NativeAlgorithm::kWinograd4InRun}) {
      ways.push_back({set, algorithm});
    }
  }
  return ways;
}

// All ways but those of the set on emulated tiles that are another set's: it
// has nothing of its own but the direct product of bytes.
bool IsWorthTrying(const Way& way, const ConvolutionCase& parameters) {
  return way.kernels != EmulatedAvx512AmxKernels() ||
         (way.algorithm == NativeAlgorithm::kDirect &&
          parameters.precision == INT8);
}

// By every set of kernels and every algorithm, for several numbers of threads.
void Check(const ConvolutionCase& parameters) {
  const ConvolutionTester tester(parameters);
  int threads = static_cast<int>(parameters.seed % 3);
  for (const Way& way : AllWays()) {
    if (!IsWorthTrying(way, parameters)) continue;
    NativeOptions options;
    options.algorithm = way.algorithm;
    options.threads = ++threads % 9 == 0 ? 2 + threads % 2 : 1;
    ASSERT_EQ(tester.Test(options, *way.kernels), "");
  }
}

TEST(NativeConvolutionTest, RandomInt8ConvolutionsEqualTheOracle) {
  for (uint64_t seed = 1; seed <= 150; seed += CaseStep()) {
    Check(RandomCase(seed));
  }
}

TEST(NativeConvolutionTest, RandomFp32ConvolutionsAreWithinTheBound) {
  for (uint64_t seed = 1; seed <= 60; seed += CaseStep()) {
    ConvolutionCase p = RandomCase(seed);
    p.precision = FP32;
    p.two_step = false;
    Check(p);
  }
}

TEST(NativeConvolutionTest, StrideTwo) {
  for (uint64_t seed = 1; seed <= 40; seed += CaseStep()) {
    std::mt19937_64 random(seed);
    ConvolutionCase p = RandomCase(seed);
    p.channels = Pick(&random, {16, 17, 32, 48, 70, 130});
    p.kernel = 3;
    p.stride = 2;
    p.padding = Pick(&random, {0, 1, 1, 2});
    p.height = 3 + static_cast<int>(random() % 40);
    p.width = 3 + static_cast<int>(random() % 40);
    Check(p);
    p.precision = FP32;
    p.two_step = false;
    Check(p);
  }
}

// Rows of the kernel so long that a product takes them one after another.
TEST(NativeConvolutionTest, LongKernelRows) {
  for (uint64_t seed = 1; seed <= 16; seed += CaseStep()) {
    std::mt19937_64 random(seed);
    ConvolutionCase p = RandomCase(seed);
    p.groups = 1;
    p.kernel = Pick(&random, {3, 3, 5});
    p.channels = Pick(&random, {128, 132, 200});
    p.stride = 1 + static_cast<int>(seed % 2);
    p.padding = Pick(&random, {0, 1, 2});
    p.height = 5 + static_cast<int>(random() % 12);
    p.width = 5 + static_cast<int>(random() % 36);
    Check(p);
    p.precision = FP32;
    p.two_step = false;
    p.channels = Pick(&random, {32, 33, 40});
    Check(p);
  }
}

TEST(NativeConvolutionTest, Pictures) {
  for (uint64_t seed = 1; seed <= 40; seed += CaseStep()) {
    std::mt19937_64 random(seed);
    ConvolutionCase p = RandomCase(seed);
    p.channels = 3;
    p.kernel = 3;
    p.out_channels = Pick(&random, {1, 4, 16, 21, 32, 64});
    p.height = 1 + static_cast<int>(random() % 12);
    p.width = 1 + static_cast<int>(random() % 70);
    p.stride = 1 + static_cast<int>(seed / 2 % 3);
    p.padding = Pick(&random, {0, 1, 1, 2});
    while (p.height + 2 * p.padding < p.kernel) ++p.height;
    while (p.width + 2 * p.padding < p.kernel) ++p.width;
    p.extra_stride = Pick(&random, {0, 0, 0, 1});
    Check(p);
  }
}

TEST(NativeConvolutionTest, GroupedAndDepthwise) {
  for (uint64_t seed = 1; seed <= 40; seed += CaseStep()) {
    std::mt19937_64 random(seed);
    ConvolutionCase p = RandomCase(seed);
    p.groups = Pick(&random, {2, 3, 5, 36});
    const bool depthwise = seed % 2 == 0;
    p.channels = p.groups * (depthwise ? 1 : Pick(&random, {1, 3, 4, 8}));
    p.out_channels =
        depthwise ? p.groups : p.groups * Pick(&random, {1, 2, 5, 33});
    Check(p);
    p.precision = FP32;
    p.two_step = false;
    Check(p);
  }
}

TEST(NativeConvolutionTest, EveryZeroPoint) {
  for (int zero_point = 0; zero_point < 256; zero_point += CaseStep()) {
    ConvolutionCase p;
    p.channels = 5;
    p.out_channels = 6;
    p.input_zero_point = zero_point;
    p.output_zero_point = 255 - zero_point;
    p.add = zero_point % 2 == 0;
    p.seed = zero_point;
    Check(p);
  }
}

// Multipliers up to 1/2 have epilogues of their own; these go from 0.02 to
// 30,000 as the scale of the output shrinks.
TEST(NativeConvolutionTest, EveryMultiplier) {
  for (int seed = 0; seed < 32; seed += CaseStep()) {
    ConvolutionCase p;
    p.channels = seed % 4 < 2 ? 16 : 1;
    p.out_channels = 64;
    p.kernel = seed % 4 < 2 ? 3 : 1;
    p.padding = p.kernel / 2;
    p.output_scale = std::pow(10.0f, -static_cast<float>(seed / 4));
    p.add = seed % 2 == 0;
    p.inputs = Values::kExtremes;
    p.seed = seed;
    Check(p);
  }
}

// Tiles and panels of every remainder.
TEST(NativeConvolutionTest, EveryRemainder) {
  for (int size = 1; size <= 34; size += CaseStep()) {
    ConvolutionCase p;
    p.channels = size;
    p.out_channels = 69 - size;
    p.height = 1 + size % 13;
    p.width = size;
    p.seed = size;
    Check(p);
    p.precision = FP32;
    Check(p);
  }
}

// More than one block of tiles, of k and of panels at once.
TEST(NativeConvolutionTest, LargeMaps) {
  ConvolutionCase p;
  p.channels = 70;
  p.out_channels = 66;
  p.height = 41;
  p.width = 45;
  p.add = true;
  Check(p);
  p.precision = FP32;
  Check(p);
}

// The sums are as large as they can be.
TEST(NativeConvolutionTest, ManyChannelsAtTheExtremes) {
  for (const Values inputs : {Values::kExtremes, Values::kLargest}) {
    for (const int zero_point : {0, 255}) {
      ConvolutionCase p;
      p.channels = 512;
      p.out_channels = 33;
      p.height = 5;
      p.width = 6;
      p.inputs = inputs;
      p.weights = Values::kExtremes;
      p.input_zero_point = zero_point;
      Check(p);
    }
  }
}

std::string Describe(const NativeOptions& options,
                     const ConvolutionCase& parameters) {
  const ConvolutionTester tester(parameters);
  return (*(*NewNativeBackend(options))->Create(tester.task()))->description();
}

TEST(NativeBackendTest, FallsBackWhereASumMayNotFit) {
  NativeOptions options;
  options.algorithm = NativeAlgorithm::kWinograd4;
  ConvolutionCase p;
  p.channels = 64;
  EXPECT_THAT(Describe(options, p), HasSubstr("F(4,3)"));
  // 9 * 114 * 127 * 255 = 33,227,010 and the bias, 7,300 sqrt(9 * 114) =
  // 233,828, are below 2^25 = 33,554,432; with one channel more they are not.
  p.weights = Values::kLargest;
  p.input_zero_point = 0;
  p.channels = 114;
  EXPECT_THAT(Describe(options, p), HasSubstr("F(4,3), gemm"));
  p.inputs = Values::kLargest;
  Check(p);
  p.channels = 115;
  EXPECT_THAT(Describe(options, p), Not(HasSubstr("F(4,3), gemm")));
}

TEST(NativeBackendTest, HasWinogradAtStrideTwo) {
  NativeOptions options;
  options.algorithm = NativeAlgorithm::kWinograd4;
  ConvolutionCase p;
  p.channels = 64;
  p.height = 20;
  p.width = 21;
  p.stride = 2;
  for (const Precision precision : {INT8, FP32}) {
    p.precision = precision;
    const bool has = (*FindKernels(""))->winograd_stride_2;
    EXPECT_EQ(
        absl::StrContains(Describe(options, p), "Winograd F(4,2) at stride 2"),
        has);
  }
}

TEST(NativeBackendTest, WinogradCanBeSwitchedOff) {
  ConvolutionCase p;
  p.channels = 64;
  NativeOptions options;
  options.algorithm = NativeAlgorithm::kWinograd4;
  options.int8_winograd = false;
  EXPECT_EQ(Describe(options, p).find("direct"), 0);
  p.precision = FP32;
  EXPECT_THAT(Describe(options, p), HasSubstr("Winograd"));
  options.fp32_winograd = false;
  EXPECT_EQ(Describe(options, p).find("direct"), 0);
  options.int8_winograd = options.fp32_winograd = true;
}

TEST(NativeBackendTest, KeepsWeightsAsTheyAreWithoutABudget) {
  ConvolutionCase p;
  p.channels = 64;
  NativeOptions options;
  options.algorithm = NativeAlgorithm::kWinograd4;
  options.transform_budget_bytes = 0;
  EXPECT_THAT(Describe(options, p), Not(HasSubstr("asked for")));
  options.algorithm = NativeAlgorithm::kWinograd4InRun;
  EXPECT_THAT(Describe(options, p), HasSubstr("in the run, gemm"));
}

TEST(NativeBackendTest, RejectsBadOptions) {
  NativeOptions options;
  options.threads = 0;
  EXPECT_THAT(
      NewNativeBackend(options),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0 threads")));
  options.threads = 1;
  options.kernels = "mmx";
  EXPECT_THAT(
      NewNativeBackend(options),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("portable")));
}

TEST(NativeBackendTest, RejectsInconsistentTasks) {
  auto backend = *NewNativeBackend({});
  const ConvolutionTester tester(ConvolutionCase{});
  const auto expect = [&](const ConvolutionTask& task, const char* message) {
    EXPECT_THAT(
        backend->Create(task),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  ConvolutionTask task = tester.task();
  task.output.set_width(task.output.width() + 1);
  expect(task, "convolution tested: the output's shape");
  task = tester.task();
  task.op.set_groups(3);
  expect(task, "groups");
  task = tester.task();
  task.int32_bias = task.int32_bias.subspan(1);
  expect(task, "wrong number of weights, biases or scales");
  task = tester.task();
  task.bytes_stride = 1;
  expect(task, "stride is below");
  task = tester.task();
  task.wants_bytes = false;
  expect(task, "neither form");
  task = tester.task();
  task.output_quantization.reset();
  expect(task, "no quantization");
  task = tester.task();
  task.before_activation = task.output_quantization;
  task.op.set_activation(RELU);
  expect(task, "only leaky");
}

}  // namespace
}  // namespace native
}  // namespace yoloq
