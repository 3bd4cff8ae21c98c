#include "experiments/device_results.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

DeviceSpec Board() {
  DeviceSpec device;
  device.set_name("pi3bplus");
  device.set_kind(DeviceSpec::SSH);
  device.mutable_board()->set_model("Raspberry Pi 3 Model B Plus");
  return device;
}

MeasurementResult Measured() {
  MeasurementResult result;
  result.mutable_device()->set_board_model(
      "Raspberry Pi 3 Model B Plus Rev 1.3");
  LatencyMeasurement* latency = result.add_latencies();
  latency->set_engine("native");
  latency->set_threads(4);
  latency->set_valid(true);
  latency->mutable_inference()->add_samples_ns(4000000);
  latency->mutable_inference()->set_median_ms(4);
  latency->mutable_inference()->set_median_low_ms(3.9);
  latency->mutable_inference()->set_median_high_ms(4.1);
  latency->mutable_end_to_end()->set_median_ms(5);
  for (const double celsius : {50.5, 61.0}) {
    LatencyRepetition* turn = latency->add_repetitions();
    turn->set_load_ns(7000000);
    turn->mutable_before()->set_temperature_celsius(celsius);
    turn->mutable_after()->set_throttled(celsius > 60 ? 0x2 : 0x1);
  }
  return result;
}

TEST(LatencyFromDeviceTest, TakesInferenceAndTellsTheRestApart) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const LatencyResult latency,
      LatencyFromDevice(Board(), LatencySpec(), Measured()));
  EXPECT_EQ(latency.device(), "pi3bplus");
  EXPECT_EQ(latency.median_ms(), 4);
  EXPECT_TRUE(latency.valid());
  EXPECT_THAT(latency.samples_ns(), ElementsAre(4000000));
  EXPECT_EQ(latency.device_run().end_to_end_ms(), 5);
  EXPECT_EQ(latency.device_run().load_ms(), 7);
  EXPECT_EQ(latency.device_run().min_celsius(), 50.5);
  EXPECT_EQ(latency.device_run().max_celsius(), 61);
  EXPECT_EQ(latency.device_run().throttled(), 0x3);
  EXPECT_FALSE(latency.device_run().has_governor());
}

std::string ReasonOf(const DeviceSpec& device, const LatencySpec& rules,
                     const MeasurementResult& measurement) {
  const auto latency = LatencyFromDevice(device, rules, measurement);
  if (!latency.ok()) return latency.status().ToString();
  EXPECT_FALSE(latency->valid());
  EXPECT_EQ(latency->invalid_reasons_size(), 1);
  return latency->invalid_reasons(0);
}

TEST(LatencyFromDeviceTest, WhatIsNoPiIsInvalid) {
  MeasurementResult other = Measured();
  other.mutable_device()->set_board_model("Raspberry Pi 4 Model B");
  EXPECT_THAT(ReasonOf(Board(), LatencySpec(), other),
              HasSubstr("calls itself 'Raspberry Pi 4 Model B'"));
  MeasurementResult emulated = Measured();
  emulated.mutable_device()->set_emulated(true);
  emulated.mutable_device()->set_emulated_reason("dummy-virt");
  EXPECT_THAT(ReasonOf(Board(), LatencySpec(), emulated),
              HasSubstr("the device is emulated: dummy-virt"));
}

TEST(LatencyFromDeviceTest, AWideIntervalIsInvalid) {
  LatencySpec rules;
  rules.set_max_relative_interval(0.04);
  EXPECT_THAT(ReasonOf(Board(), rules, Measured()),
              HasSubstr("is 5 % of it, above 4 %"));
}

TEST(LatencyFromDeviceTest, NothingMeasuredIsDataLoss) {
  EXPECT_THAT(
      LatencyFromDevice(Board(), LatencySpec(), MeasurementResult()).status(),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("holds no latency")));
}

MeasurementResult Accuracies(const std::string& heads, float score) {
  MeasurementResult result;
  AccuracyMeasurement* accuracy = result.add_accuracies();
  for (int i = 0; i < 2; ++i) {
    ImageDigests* image = accuracy->add_images();
    image->set_heads_sha256(i == 0 ? "same" : heads);
    DetectedObject* object = image->mutable_detections()->add_objects();
    object->set_score(score);
    object->set_right(10);
  }
  return result;
}

TEST(CompareWithHostTest, CountsEqualAndCloseImages) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DeviceCheck equal,
                             CompareWithHost(Board(), Accuracies("x", 0.5f),
                                             Accuracies("x", 0.5f), true));
  EXPECT_EQ(equal.images(), 2);
  EXPECT_EQ(equal.equal_heads(), 2);
  EXPECT_EQ(equal.close_detections(), 2);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DeviceCheck close,
                             CompareWithHost(Board(), Accuracies("x", 0.5f),
                                             Accuracies("y", 0.5005f), false));
  EXPECT_EQ(close.equal_heads(), 1);
  EXPECT_EQ(close.close_detections(), 2);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DeviceCheck far,
                             CompareWithHost(Board(), Accuracies("x", 0.5f),
                                             Accuracies("y", 0.6f), false));
  EXPECT_EQ(far.close_detections(), 1);
}

TEST(CompareWithHostTest, OtherImagesAreDataLoss) {
  MeasurementResult fewer = Accuracies("x", 0.5f);
  fewer.mutable_accuracies(0)->mutable_images()->RemoveLast();
  EXPECT_THAT(
      CompareWithHost(Board(), fewer, Accuracies("x", 0.5f), true).status(),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("other images")));
}

}  // namespace
}  // namespace yoloq
