#include "quant/activation_range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "quant/integer_semantics.h"
#include "quant/observer.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

ObserverSpec Spec(ObserverSpec::Kind kind) {
  ObserverSpec spec;
  spec.set_kind(kind);
  return *ResolveObserver(spec);
}

ObserverState Observe(const ObserverSpec& spec,
                      const std::vector<float>& values) {
  TensorObserver observer(spec);
  EXPECT_TRUE(observer.Observe(values.data(), values.size()).ok());
  return observer.State();
}

template <typename Distribution>
std::vector<float> Draw(int count, Distribution distribution) {
  std::mt19937 random(7);
  std::vector<float> values(count);
  for (float& x : values) x = static_cast<float>(distribution(random));
  return values;
}

double SampleError(const std::vector<float>& values,
                   const TensorQuantization& q) {
  double sum = 0;
  for (const float x : values) {
    const double error = x - Dequantize(Quantize(x, q), q);
    sum += error * error;
  }
  return sum / values.size();
}

TEST(QuantizationOfRangeTest, FollowsPyTorchsFormula) {
  // scale = (max - min) / 255; zero_point = round(-min / scale).
  YOLOQ_ASSERT_OK_AND_ASSIGN(TensorQuantization q,
                             QuantizationOfRange({-1, 4.1}));
  EXPECT_FLOAT_EQ(q.scale(), 5.1 / 255);
  EXPECT_EQ(q.zero_point(), 50);
}

TEST(QuantizationOfRangeTest, IncludesZero) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(TensorQuantization q,
                             QuantizationOfRange({3, 5.1}));
  EXPECT_FLOAT_EQ(q.scale(), 0.02);
  EXPECT_EQ(q.zero_point(), 0);
  YOLOQ_ASSERT_OK_AND_ASSIGN(q, QuantizationOfRange({-5.1, -3}));
  EXPECT_FLOAT_EQ(q.scale(), 0.02);
  EXPECT_EQ(q.zero_point(), 255);
}

TEST(QuantizationOfRangeTest, EmptyRangeGetsTheLeastScale) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const TensorQuantization q,
                             QuantizationOfRange({0, 0}));
  EXPECT_EQ(q.scale(), std::numeric_limits<float>::epsilon());
  EXPECT_EQ(q.zero_point(), 0);
}

TEST(QuantizationOfRangeTest, RefusesAbsurdRanges) {
  for (const double high : {1e38, HUGE_VAL, std::nan("")}) {
    EXPECT_THAT(
        QuantizationOfRange({0, high}),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too wide")));
  }
  EXPECT_THAT(
      QuantizationOfRange({-1e38, 0}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too wide")));
}

TEST(ChooseRangeTest, NeedsValues) {
  EXPECT_THAT(ChooseRange(Spec(ObserverSpec::MIN_MAX), ObserverState()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has seen no values")));
}

TEST(ChooseRangeTest, NeedsTheHistogramThatTheKindUses) {
  const ObserverState state = Observe(Spec(ObserverSpec::MIN_MAX), {1, 2});
  EXPECT_THAT(ChooseRange(Spec(ObserverSpec::ENTROPY), state),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("which ENTROPY needs")));
}

TEST(ChooseRangeTest, MinMaxAndMovingAverage) {
  ObserverState state = Observe(Spec(ObserverSpec::MIN_MAX), {-1, 3});
  YOLOQ_ASSERT_OK_AND_ASSIGN(Range range,
                             ChooseRange(Spec(ObserverSpec::MIN_MAX), state));
  EXPECT_EQ(range.low, -1);
  EXPECT_EQ(range.high, 3);
  state.set_average_min(-0.5);
  state.set_average_max(2.5);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      range, ChooseRange(Spec(ObserverSpec::MOVING_AVERAGE), state));
  EXPECT_EQ(range.low, -0.5);
  EXPECT_EQ(range.high, 2.5);
}

TEST(ChooseRangeTest, PercentileCutsBothTails) {
  std::vector<float> values;
  for (int i = 0; i < 100000; ++i) values.push_back(-20 + i * 0.001f);
  ObserverSpec spec = Spec(ObserverSpec::PERCENTILE);
  spec.set_percentile(90);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Range range,
                             ChooseRange(spec, Observe(spec, values)));
  EXPECT_NEAR(range.low, -15, 0.05);
  EXPECT_NEAR(range.high, 75, 0.05);
}

TEST(ChooseRangeTest, PercentileOfAHundredIsMinMax) {
  ObserverSpec spec = Spec(ObserverSpec::PERCENTILE);
  spec.set_percentile(100);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Range range,
                             ChooseRange(spec, Observe(spec, {-1, 0.5f, 3})));
  EXPECT_EQ(range.low, -1);
  EXPECT_EQ(range.high, 3);
}

TEST(HistogramSquaredErrorTest, EqualsTheErrorOfTheSamples) {
  const ObserverSpec spec = Spec(ObserverSpec::HISTOGRAM_MSE);
  const std::vector<float> values =
      Draw(200000, std::normal_distribution<double>(0.3, 1));
  const ObserverState state = Observe(spec, values);
  for (const Range& range : {Range{-4, 5}, Range{-1, 1}, Range{-2, 0.5},
                             Range{0, 3}, Range{-3, 0}}) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const TensorQuantization q,
                               QuantizationOfRange(range));
    EXPECT_NEAR(HistogramSquaredError(state, q) / SampleError(values, q), 1,
                0.02)
        << range.low << " " << range.high;
  }
}

// The best of all ranges on a fine grid, by the samples themselves.
double LeastSampleError(const std::vector<float>& values, const Range& full) {
  constexpr int kSteps = 40;
  double least = HUGE_VAL;
  for (int i = 0; i < kSteps; ++i) {
    for (int j = 0; j < kSteps; ++j) {
      const Range range = {full.low * i / kSteps, full.high * (j + 1) / kSteps};
      least = std::min(least, SampleError(values, *QuantizationOfRange(range)));
    }
  }
  return least;
}

TEST(ChooseRangeTest, HistogramMseFindsTheBestRange) {
  std::vector<std::vector<float>> cases;
  cases.push_back(Draw(10000, std::normal_distribution<double>(0.3, 1)));
  // Leaky ReLU of a normal variable: small negatives, a long positive tail.
  cases.push_back(cases[0]);
  for (float& x : cases[1]) x = x < 0 ? x * 0.1f : x * x * x;
  // ReLU: half of the values are exactly 0.
  cases.push_back(Draw(10000, std::student_t_distribution<double>(3)));
  for (float& x : cases[2]) x = std::max(x, 0.0f);
  // A lone outlier.
  cases.push_back(cases[0]);
  cases[3][17] = 40;
  const ObserverSpec spec = Spec(ObserverSpec::HISTOGRAM_MSE);
  for (size_t i = 0; i < cases.size(); ++i) {
    const ObserverState state = Observe(spec, cases[i]);
    YOLOQ_ASSERT_OK_AND_ASSIGN(const TensorQuantization q,
                               ComputeTensorQuantization(spec, state));
    const Range full = {std::min(0.0, state.min()), state.max()};
    EXPECT_LT(SampleError(cases[i], q), 1.03 * LeastSampleError(cases[i], full))
        << i;
  }
}

TEST(ChooseRangeTest, HistogramMseKeepsAUniformRange) {
  const ObserverSpec spec = Spec(ObserverSpec::HISTOGRAM_MSE);
  const ObserverState state =
      Observe(spec, Draw(100000, std::uniform_real_distribution<>(-1, 2)));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Range range, ChooseRange(spec, state));
  EXPECT_NEAR(range.low, -1, 0.01);
  EXPECT_NEAR(range.high, 2, 0.01);
}

TEST(ChooseRangeTest, EntropyDropsOutliersAndKeepsTheBody) {
  const ObserverSpec spec = Spec(ObserverSpec::ENTROPY);
  std::vector<float> values =
      Draw(100000, std::normal_distribution<double>(0, 1));
  values[5] = 30;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Range range,
                             ChooseRange(spec, Observe(spec, values)));
  EXPECT_GT(range.high, 2.5);
  EXPECT_LT(range.high, 15);
  EXPECT_LT(range.low, -2.5);
}

TEST(ChooseRangeTest, EntropyKeepsAUniformRange) {
  const ObserverSpec spec = Spec(ObserverSpec::ENTROPY);
  const ObserverState state =
      Observe(spec, Draw(400000, std::uniform_real_distribution<>(0, 2)));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Range range, ChooseRange(spec, state));
  EXPECT_EQ(range.low, 0);
  EXPECT_NEAR(range.high, 2, 0.05);
}

TEST(ChooseRangeTest, EntropyOfAReluIgnoresHowManyZerosThereAre) {
  const ObserverSpec spec = Spec(ObserverSpec::ENTROPY);
  std::vector<float> values =
      Draw(50000, std::exponential_distribution<double>(1));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Range few,
                             ChooseRange(spec, Observe(spec, values)));
  values.resize(500000, 0.0f);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Range many,
                             ChooseRange(spec, Observe(spec, values)));
  EXPECT_EQ(few.high, many.high);
}

TEST(ChooseRangeTest, ConstantTensorsHaveARange) {
  for (const auto kind : {ObserverSpec::MIN_MAX, ObserverSpec::PERCENTILE,
                          ObserverSpec::HISTOGRAM_MSE, ObserverSpec::ENTROPY}) {
    for (const float value : {0.0f, 2.5f, -2.5f}) {
      const ObserverSpec spec = Spec(kind);
      const ObserverState state = Observe(spec, {value, value, value});
      YOLOQ_ASSERT_OK_AND_ASSIGN(const TensorQuantization q,
                                 ComputeTensorQuantization(spec, state));
      EXPECT_NEAR(Dequantize(Quantize(value, q), q), value, 0.01)
          << ObserverSpec::Kind_Name(kind);
    }
  }
}

}  // namespace
}  // namespace yoloq
