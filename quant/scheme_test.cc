#include "quant/scheme.h"

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

QuantizationSpec Named(const std::string& scheme) {
  QuantizationSpec spec;
  spec.set_scheme(scheme);
  return spec;
}

TEST(ResolveSchemeTest, QnnpackIsPyTorchsDefaultOnArm) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const QuantizationSpec spec,
                             ResolveScheme(Named("qnnpack")));
  EXPECT_EQ(spec.weights(), QuantizationSpec::PER_TENSOR);
  EXPECT_EQ(spec.leaky(), QuantizationSpec::TWO_STEP);
  EXPECT_EQ(spec.concat(), QuantizationSpec::REQUANTIZE);
  EXPECT_EQ(spec.calibration_images(), 2000);
  EXPECT_EQ(spec.activation_observer().kind(), ObserverSpec::HISTOGRAM_MSE);
  EXPECT_EQ(spec.activation_observer().bins(), 2048);
}

TEST(ResolveSchemeTest, PerChannelFusesLeaky) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const QuantizationSpec spec,
                             ResolveScheme(Named("per_channel")));
  EXPECT_EQ(spec.weights(), QuantizationSpec::PER_CHANNEL);
  EXPECT_EQ(spec.leaky(), QuantizationSpec::FUSED);
  EXPECT_EQ(spec.concat(), QuantizationSpec::REQUANTIZE);
}

TEST(ResolveSchemeTest, EverySchemeResolvesToAFixedPoint) {
  for (const std::string& name : SchemeNames()) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const QuantizationSpec once,
                               ResolveScheme(Named(name)));
    YOLOQ_ASSERT_OK_AND_ASSIGN(const QuantizationSpec twice,
                               ResolveScheme(once));
    EXPECT_EQ(once.SerializeAsString(), twice.SerializeAsString()) << name;
  }
}

TEST(ResolveSchemeTest, FieldsWinOverTheScheme) {
  QuantizationSpec spec = Named("qnnpack");
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_concat(QuantizationSpec::SHARED_SCALE);
  spec.set_calibration_images(7);
  spec.mutable_activation_observer()->set_kind(ObserverSpec::MIN_MAX);
  YOLOQ_ASSERT_OK_AND_ASSIGN(spec, ResolveScheme(spec));
  EXPECT_EQ(spec.weights(), QuantizationSpec::PER_CHANNEL);
  EXPECT_EQ(spec.leaky(), QuantizationSpec::TWO_STEP);
  EXPECT_EQ(spec.concat(), QuantizationSpec::SHARED_SCALE);
  EXPECT_EQ(spec.calibration_images(), 7);
  EXPECT_EQ(spec.activation_observer().kind(), ObserverSpec::MIN_MAX);
}

TEST(ResolveSchemeTest, UnknownSchemeListsTheKnownOnes) {
  EXPECT_THAT(
      ResolveScheme(Named("fbgemm")),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("scheme: \"fbgemm\" is not one of per_channel, "
                         "qnnpack, tensorrt, xnnpack")));
  EXPECT_THAT(
      ResolveScheme(QuantizationSpec()),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("scheme: \"\"")));
}

TEST(ResolveSchemeTest, ReconstructionHasDefaultsOnlyWhereItIsOn) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(QuantizationSpec spec,
                             ResolveScheme(Named("per_channel")));
  EXPECT_EQ(spec.reconstruction_images(), 0);
  EXPECT_EQ(spec.ada_round_steps(), 0);
  spec.set_bias_correction(true);
  YOLOQ_ASSERT_OK_AND_ASSIGN(spec, ResolveScheme(spec));
  EXPECT_EQ(spec.reconstruction_images(), 64);
  EXPECT_EQ(spec.ada_round_steps(), 0);
  spec.set_ada_round(true);
  spec.set_reconstruction_images(5);
  YOLOQ_ASSERT_OK_AND_ASSIGN(spec, ResolveScheme(spec));
  EXPECT_EQ(spec.reconstruction_images(), 5);
  EXPECT_EQ(spec.ada_round_steps(), 1000);
}

TEST(ResolveSchemeTest, BadFieldsAreNamed) {
  QuantizationSpec spec = Named("qnnpack");
  spec.set_calibration_images(-1);
  EXPECT_THAT(ResolveScheme(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("calibration_images: -1")));
  spec = Named("qnnpack");
  spec.set_reconstruction_images(-2);
  EXPECT_THAT(ResolveScheme(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("reconstruction_images: -2")));
  spec = Named("qnnpack");
  spec.set_ada_round_steps(-3);
  EXPECT_THAT(ResolveScheme(spec), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("ada_round_steps: -3")));
  spec = Named("qnnpack");
  spec.set_leaky(static_cast<QuantizationSpec::LeakyMode>(9));
  EXPECT_THAT(ResolveScheme(spec), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("leaky: 9")));
  spec = Named("qnnpack");
  spec.mutable_activation_observer()->set_bins(3);
  EXPECT_THAT(ResolveScheme(spec),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("activation_observer.bins: 3")));
}

}  // namespace
}  // namespace yoloq
