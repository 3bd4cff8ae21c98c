#include "quant/scheme.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "quant/observer.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Spec = QuantizationSpec;

constexpr int kDefaultCalibrationImages = 2000;
constexpr int kDefaultReconstructionImages = 64;
constexpr int kDefaultAdaRoundSteps = 1000;

struct Scheme {
  const char* name;
  Spec::WeightGranularity weights;
  Spec::LeakyMode leaky;
  Spec::ConcatMode concat;
};

constexpr Scheme kSchemes[] = {
    // What this project's engines do at their best.
    {"per_channel", Spec::PER_CHANNEL, Spec::FUSED, Spec::REQUANTIZE},
    // PyTorch's default on Arm.
    {"qnnpack", Spec::PER_TENSOR, Spec::TWO_STEP, Spec::REQUANTIZE},
    // NVIDIA's engine writes concatenated tensors in place, at one scale.
    {"tensorrt", Spec::PER_CHANNEL, Spec::FUSED, Spec::SHARED_SCALE},
    // Per-channel convolutions without a fused leaky ReLU.
    {"xnnpack", Spec::PER_CHANNEL, Spec::TWO_STEP, Spec::REQUANTIZE},
};

absl::Status CheckNotNegative(const char* field, int value, int meaning_of_0) {
  if (value >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", value, " is negative; 0 means ", meaning_of_0));
}

absl::Status CheckFields(const Spec& spec) {
  if (!Spec::WeightGranularity_IsValid(spec.weights())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "weights: ", static_cast<int>(spec.weights()), " is no granularity"));
  }
  if (!Spec::LeakyMode_IsValid(spec.leaky())) {
    return absl::InvalidArgumentError(
        absl::StrCat("leaky: ", static_cast<int>(spec.leaky()), " is no mode"));
  }
  if (!Spec::ConcatMode_IsValid(spec.concat())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "concat: ", static_cast<int>(spec.concat()), " is no mode"));
  }
  YOLOQ_RETURN_IF_ERROR(CheckNotNegative("calibration_images",
                                         spec.calibration_images(),
                                         kDefaultCalibrationImages));
  YOLOQ_RETURN_IF_ERROR(CheckNotNegative("reconstruction_images",
                                         spec.reconstruction_images(),
                                         kDefaultReconstructionImages));
  return CheckNotNegative("ada_round_steps", spec.ada_round_steps(),
                          kDefaultAdaRoundSteps);
}

}  // namespace

std::vector<std::string> SchemeNames() {
  std::vector<std::string> names;
  for (const Scheme& scheme : kSchemes) names.push_back(scheme.name);
  return names;
}

absl::StatusOr<QuantizationSpec> ResolveScheme(QuantizationSpec spec) {
  const Scheme* found = nullptr;
  for (const Scheme& scheme : kSchemes) {
    if (spec.scheme() == scheme.name) found = &scheme;
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("scheme: \"", spec.scheme(), "\" is not one of ",
                     absl::StrJoin(SchemeNames(), ", ")));
  }
  YOLOQ_RETURN_IF_ERROR(CheckFields(spec));
  if (spec.weights() == Spec::WEIGHTS_BY_SCHEME) {
    spec.set_weights(found->weights);
  }
  if (spec.leaky() == Spec::LEAKY_BY_SCHEME) spec.set_leaky(found->leaky);
  if (spec.concat() == Spec::CONCAT_BY_SCHEME) spec.set_concat(found->concat);
  if (spec.calibration_images() == 0) {
    spec.set_calibration_images(kDefaultCalibrationImages);
  }
  if ((spec.ada_round() || spec.bias_correction()) &&
      spec.reconstruction_images() == 0) {
    spec.set_reconstruction_images(kDefaultReconstructionImages);
  }
  if (spec.ada_round() && spec.ada_round_steps() == 0) {
    spec.set_ada_round_steps(kDefaultAdaRoundSteps);
  }
  YOLOQ_ASSIGN_OR_RETURN(*spec.mutable_activation_observer(),
                         ResolveObserver(spec.activation_observer()));
  return spec;
}

}  // namespace yoloq
