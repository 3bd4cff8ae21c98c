#include "reports/measurement.h"

#include "reports/published.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kParameters = 61626049;

class MeasurementTest : public ::testing::Test {
 protected:
  // A run under the paper's conditions.
  MeasurementTest() {
    conditions_ = LoadPublished()->conditions();
    MeasuredModel model;
    model.set_label("YOLOv3");
    model.set_parameters(kParameters);
    model.set_input_size(416);
    result_.mutable_profile()->mutable_data()->add_test_sets("VOC2007/test");
    result_.mutable_model_size()->set_file_bytes(246500000);
    *result_.mutable_model_size()->mutable_model() = model;
    AccuracyResult* accuracy = result_.mutable_accuracy();
    accuracy->set_images(4952);
    accuracy->set_map_area(0.75);
    accuracy->set_map_eleven_point(0.5);
    accuracy->mutable_map_eleven_point_interval()->set_high(0.625);
    *accuracy->mutable_model() = model;
    LatencyResult* latency = result_.mutable_latency();
    latency->set_device("pi3bplus");
    latency->set_median_ms(8000);
    latency->mutable_median_interval_ms()->set_low(4000);
    latency->mutable_median_interval_ms()->set_high(10000);
    latency->set_valid(true);
    *latency->mutable_model() = model;
  }

  Measurement Of(Metric metric) const {
    return MeasurementOf(&result_, metric, conditions_, kParameters);
  }

  PublishedConditions conditions_;
  RunResult result_;
};

TEST_F(MeasurementTest, ValuesAreInTheTablesUnits) {
  EXPECT_EQ(*Of(MODEL_SIZE_MB).value, 246.5);
  EXPECT_EQ(*Of(MAP_PERCENT).value, 75);
  EXPECT_EQ(*Of(LATENCY_S).value, 8);
  EXPECT_EQ(*Of(FPS).value, 0.125);
}

TEST_F(MeasurementTest, IntervalsGoWithTheValues) {
  EXPECT_FALSE(Of(MODEL_SIZE_MB).interval.has_value());
  EXPECT_FALSE(Of(MAP_PERCENT).interval.has_value());
  EXPECT_EQ(Of(LATENCY_S).interval->low(), 4);
  EXPECT_EQ(Of(FPS).interval->low(), 0.1);
  EXPECT_EQ(Of(FPS).interval->high(), 0.25);
}

TEST_F(MeasurementTest, ProtocolIsTheProfiles) {
  result_.mutable_profile()->mutable_evaluation()->set_table_protocol(
      EvaluationSpec::ELEVEN_POINT);
  EXPECT_EQ(*Of(MAP_PERCENT).value, 50);
  EXPECT_EQ(Of(MAP_PERCENT).interval->high(), 62.5);
  EXPECT_THAT(Of(MAP_PERCENT).measured_on, HasSubstr("AP by 11 points"));
}

TEST_F(MeasurementTest, ThePapersConditionsAreComparable) {
  for (const Metric metric : TableMetrics()) {
    EXPECT_EQ(Of(metric).not_comparable, "") << Metric_Name(metric);
  }
}

TEST_F(MeasurementTest, AnotherDeviceIsNotComparable) {
  result_.mutable_latency()->set_device("host");
  EXPECT_EQ(Of(LATENCY_S).not_comparable,
            "another device: host, the paper's a Raspberry Pi 3B+");
  EXPECT_EQ(Of(FPS).not_comparable, Of(LATENCY_S).not_comparable);
}

TEST_F(MeasurementTest, AnEmulatedBoardIsNeverComparable) {
  result_.mutable_latency()->mutable_device_run()->set_emulated(true);
  EXPECT_EQ(Of(LATENCY_S).not_comparable,
            "emulated (pi3bplus): its times say nothing about a board");
}

TEST_F(MeasurementTest, InvalidLatencyIsGivenAndNotComparable) {
  result_.mutable_latency()->set_valid(false);
  result_.mutable_latency()->add_invalid_reasons("throttled");
  EXPECT_EQ(*Of(LATENCY_S).value, 8);
  EXPECT_EQ(Of(LATENCY_S).not_comparable, "INVALID: throttled");
}

TEST_F(MeasurementTest, AnotherNetworkIsNotComparable) {
  result_.mutable_model_size()->mutable_model()->set_parameters(1000);
  EXPECT_EQ(Of(MODEL_SIZE_MB).not_comparable,
            "another network: 1,000 parameters, the paper's 61,626,049");
  EXPECT_EQ(Of(LATENCY_S).not_comparable, "");
}

TEST_F(MeasurementTest, AnotherInputIsNotComparable) {
  result_.mutable_accuracy()->mutable_model()->set_input_size(320);
  EXPECT_EQ(Of(MAP_PERCENT).not_comparable,
            "another input: 320 pixels, the paper's 416");
}

TEST_F(MeasurementTest, OtherDataAreNotComparable) {
  result_.mutable_accuracy()->set_images(510);
  EXPECT_EQ(Of(MAP_PERCENT).not_comparable,
            "other data: 510 images, the paper's 4,952 of VOC2007/test");
  result_.mutable_accuracy()->set_images(4952);
  result_.mutable_profile()->mutable_data()->set_test_sets(0, "VOC2012/val");
  EXPECT_THAT(Of(MAP_PERCENT).not_comparable, HasSubstr("other data"));
}

TEST_F(MeasurementTest, ReasonsOfWhatWasNotRun) {
  result_.clear_accuracy();
  EXPECT_EQ(Of(MAP_PERCENT).not_run, "the run did not measure it");
  (*result_.mutable_not_run())["accuracy"] = "no data";
  EXPECT_EQ(Of(MAP_PERCENT).not_run, "no data");
  EXPECT_FALSE(Of(MAP_PERCENT).value.has_value());
  EXPECT_EQ(MeasurementOf(nullptr, FPS, conditions_, kParameters).not_run,
            "no result was given");
}

TEST_F(MeasurementTest, WhatIsModelledIsNotMeasured) {
  result_.clear_latency();
  result_.mutable_modelled_latency()->set_ms(2000);
  EXPECT_FALSE(Of(LATENCY_S).value.has_value());
  EXPECT_FALSE(Of(FPS).value.has_value());
  EXPECT_EQ(Of(LATENCY_S).not_run, "the run did not measure it");
}

TEST_F(MeasurementTest, NoRateFollowsFromNoTime) {
  result_.mutable_latency()->set_median_ms(0);
  EXPECT_FALSE(Of(FPS).value.has_value());
  EXPECT_EQ(Of(FPS).not_run, "the latency is not positive");
}

}  // namespace
}  // namespace yoloq
