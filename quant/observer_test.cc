#include "quant/observer.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

ObserverSpec Spec(ObserverSpec::Kind kind) {
  ObserverSpec spec;
  spec.set_kind(kind);
  return *ResolveObserver(spec);
}

std::vector<float> Normal(int count, float mean, float deviation,
                          uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> values(count);
  for (float& x : values) x = normal(random);
  return values;
}

TEST(ResolveObserverTest, FillsDefaults) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ObserverSpec spec,
                             ResolveObserver(ObserverSpec()));
  EXPECT_EQ(spec.kind(), ObserverSpec::HISTOGRAM_MSE);
  EXPECT_EQ(spec.averaging_constant(), 0.01);
  EXPECT_EQ(spec.percentile(), 99.99);
  EXPECT_EQ(spec.bins(), 2048);
}

TEST(ResolveObserverTest, NamesTheFieldThatIsOutOfRange) {
  ObserverSpec spec;
  spec.set_percentile(50);
  EXPECT_THAT(ResolveObserver(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("activation_observer.percentile: 50")));
  spec = ObserverSpec();
  spec.set_averaging_constant(1.5);
  EXPECT_THAT(ResolveObserver(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("activation_observer.averaging_constant")));
  spec = ObserverSpec();
  spec.set_bins(100);
  EXPECT_THAT(ResolveObserver(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("activation_observer.bins: 100")));
}

TEST(TensorObserverTest, MinMaxIsOverAllBatches) {
  TensorObserver observer(Spec(ObserverSpec::MIN_MAX));
  const float first[] = {3, 1, 2};
  const float second[] = {2, 9, -4, 5};
  YOLOQ_ASSERT_OK(observer.Observe(first, 3));
  EXPECT_EQ(observer.State().min(), 1);
  YOLOQ_ASSERT_OK(observer.Observe(second, 4));
  EXPECT_EQ(observer.State().min(), -4);
  EXPECT_EQ(observer.State().max(), 9);
  EXPECT_EQ(observer.State().values(), 7);
}

TEST(TensorObserverTest, ExtremesAreFoundAtEveryPosition) {
  for (int at = 0; at < 40; ++at) {
    std::vector<float> values(40, 0.5f);
    values[at] = 2;
    values[(at + 7) % 40] = -3;
    TensorObserver observer(Spec(ObserverSpec::MIN_MAX));
    YOLOQ_ASSERT_OK(observer.Observe(values.data(), values.size()));
    EXPECT_EQ(observer.State().min(), -3);
    EXPECT_EQ(observer.State().max(), 2);
  }
}

TEST(TensorObserverTest, MovingAverageByHand) {
  ObserverSpec spec = Spec(ObserverSpec::MOVING_AVERAGE);
  spec.set_averaging_constant(0.25);
  TensorObserver observer(spec);
  const float batches[3][2] = {{0, 8}, {-4, 16}, {4, 4}};
  for (const auto& batch : batches) YOLOQ_ASSERT_OK(observer.Observe(batch, 2));
  // min: 0, -1, -1 + 0.25 * 5; max: 8, 10, 10 - 0.25 * 6.
  EXPECT_DOUBLE_EQ(observer.State().average_min(), 0.25);
  EXPECT_DOUBLE_EQ(observer.State().average_max(), 8.5);
}

TEST(TensorObserverTest, NonFiniteValuesAreRefused) {
  for (const float bad : {std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    for (int at = 0; at < 20; ++at) {
      std::vector<float> values(20, 1.0f);
      TensorObserver observer(Spec(ObserverSpec::HISTOGRAM_MSE));
      values[at] = bad;
      EXPECT_THAT(observer.Observe(values.data(), values.size()),
                  StatusIs(absl::StatusCode::kInvalidArgument,
                           HasSubstr("not finite")));
      EXPECT_EQ(observer.State().values(), 0);
    }
  }
}

TEST(TensorObserverTest, HistogramOfOneBatchIsExact) {
  // 4,096 bins over [0, 4096): each value in the bin of its integer part.
  std::vector<float> values = {4096};
  for (int i = 0; i < 4096; i += 3) values.push_back(i + 0.5f);
  TensorObserver observer(Spec(ObserverSpec::HISTOGRAM_MSE));
  YOLOQ_ASSERT_OK(observer.Observe(values.data(), values.size()));
  const ObserverState state = observer.State();
  ASSERT_EQ(state.histogram_size(), 4096);
  EXPECT_EQ(state.histogram_min(), 0);
  EXPECT_EQ(state.histogram_max(), 4096);
  for (int i = 0; i < 4095; ++i) {
    EXPECT_EQ(state.histogram(i), i % 3 == 0 ? 1 : 0) << i;
  }
  EXPECT_EQ(state.histogram(4095), 2);  // 4095.5 and the maximum itself
}

TEST(TensorObserverTest, GrowthKeepsEveryCountInItsPlace) {
  TensorObserver observer(Spec(ObserverSpec::PERCENTILE));
  std::vector<float> all;
  for (int batch = 0; batch < 12; ++batch) {
    // Each wider than the last, and to the left or the right.
    const float spread = std::pow(1.7f, batch);
    std::vector<float> values =
        Normal(1000, batch % 2 ? spread : -spread, spread, batch);
    YOLOQ_ASSERT_OK(observer.Observe(values.data(), values.size()));
    all.insert(all.end(), values.begin(), values.end());
  }
  const ObserverState state = observer.State();
  const double width = (state.histogram_max() - state.histogram_min()) / 4096;
  EXPECT_LE(state.histogram_min(), state.min());
  EXPECT_GE(state.histogram_max(), state.max());
  // The seen range has at least the bins that were asked for.
  EXPECT_GE((state.max() - state.min()) / width, 2046);

  // Cumulated counts at every 16th edge: off by no more than what lies within a
  // rounding error of the edge.
  uint64_t counted = 0;
  for (int bin = 0; bin < 4096; ++bin) {
    if (bin % 16 == 0) {
      const double edge = state.histogram_min() + bin * width;
      uint64_t least = 0, most = 0;
      for (const float x : all) {
        least += x < edge - width / 100;
        most += x < edge + width / 100;
      }
      EXPECT_GE(counted, least) << bin;
      EXPECT_LE(counted, most) << bin;
    }
    counted += state.histogram(bin);
  }
  EXPECT_EQ(counted, all.size());
  EXPECT_EQ(state.values(), all.size());
}

TEST(TensorObserverTest, ConstantZerosCanBeFollowedByAnything) {
  TensorObserver observer(Spec(ObserverSpec::HISTOGRAM_MSE));
  const std::vector<float> zeros(100, 0.0f);
  YOLOQ_ASSERT_OK(observer.Observe(zeros.data(), zeros.size()));
  const std::vector<float> huge = {-1e30f, 3e38f, 1e-40f};
  YOLOQ_ASSERT_OK(observer.Observe(huge.data(), huge.size()));
  const ObserverState state = observer.State();
  uint64_t total = 0;
  for (const uint64_t count : state.histogram()) total += count;
  EXPECT_EQ(total, 103);
}

TEST(TensorObserverTest, RestoredObserverGoesOnAsIfNotInterrupted) {
  for (const auto kind :
       {ObserverSpec::MIN_MAX, ObserverSpec::MOVING_AVERAGE,
        ObserverSpec::PERCENTILE, ObserverSpec::HISTOGRAM_MSE}) {
    const ObserverSpec spec = Spec(kind);
    TensorObserver whole(spec);
    TensorObserver part(spec);
    for (int batch = 0; batch < 6; ++batch) {
      const std::vector<float> values = Normal(500, 0.1f, 1 + batch, batch);
      YOLOQ_ASSERT_OK(whole.Observe(values.data(), values.size()));
      YOLOQ_ASSERT_OK(part.Observe(values.data(), values.size()));
      YOLOQ_ASSERT_OK_AND_ASSIGN(part,
                                 TensorObserver::Restore(spec, part.State()));
    }
    EXPECT_EQ(whole.State().SerializeAsString(),
              part.State().SerializeAsString());
  }
}

TEST(TensorObserverTest, RestoreRefusesForeignStates) {
  const ObserverSpec spec = Spec(ObserverSpec::HISTOGRAM_MSE);
  TensorObserver observer(spec);
  const float values[] = {1, 2};
  YOLOQ_ASSERT_OK(observer.Observe(values, 2));
  ObserverState state = observer.State();
  state.mutable_histogram()->RemoveLast();
  EXPECT_THAT(TensorObserver::Restore(spec, state),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("4095 bins, the observer has 4096")));
  state = observer.State();
  state.set_histogram_max(1);
  EXPECT_THAT(TensorObserver::Restore(spec, state),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("histogram range")));
  state = observer.State();
  state.set_min(std::nan(""));
  EXPECT_THAT(
      TensorObserver::Restore(spec, state),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("min and max")));
}

}  // namespace
}  // namespace yoloq
