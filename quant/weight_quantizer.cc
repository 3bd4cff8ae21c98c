#include "quant/weight_quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kMaxWeight = 127;
constexpr float kMaxScale = 0x1p60f;
constexpr double kMaxBias = int64_t{1} << 30;
constexpr double kMaxAccumulator = std::numeric_limits<int32_t>::max();

float LargestMagnitude(absl::Span<const float> values) {
  float largest = 0;
  for (const float x : values) {
    const float magnitude = std::fabs(x);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

float ScaleFor(float largest_weight, float largest_bias, float input_scale) {
  const float least = std::numeric_limits<float>::epsilon();
  const float by_bias =
      static_cast<float>(largest_bias / (input_scale * kMaxBias));
  return std::max({largest_weight / kMaxWeight, by_bias, least});
}

void QuantizeRow(absl::Span<const float> row, float scale, int8_t* to) {
  for (size_t i = 0; i < row.size(); ++i) {
    const float q = std::nearbyint(row[i] / scale);
    to[i] = static_cast<int8_t>(std::min(
        std::max(q, static_cast<float>(-kMaxWeight)), float{kMaxWeight}));
  }
}

int32_t QuantizeBias(float bias, double scale) {
  return static_cast<int32_t>(
      std::min(std::max(std::nearbyint(bias / scale), -kMaxBias), kMaxBias));
}

absl::Status CheckFixedScales(absl::Span<const float> scales, size_t expected) {
  if (scales.size() != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("weight_scales: ", scales.size(), " values, expected ",
                     expected, "; was it made for another granularity?"));
  }
  for (const float scale : scales) {
    if (scale > 0 && scale <= kMaxScale) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("weight_scales: ", scale, " is not in (0, 2^60]"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<QuantizedConvolution> QuantizeConvolution(
    const ConvolutionWeights& weights,
    QuantizationSpec::WeightGranularity granularity, float input_scale,
    absl::Span<const float> fixed_scales) {
  const size_t outputs = weights.bias.size();
  const size_t per_output = weights.weights.size() / outputs;
  if (255.0 * kMaxWeight * per_output + kMaxBias > kMaxAccumulator) {
    return absl::InvalidArgumentError(
        absl::StrCat(per_output,
                     " weights an output channel are too many: the accumulator "
                     "could leave int32; keep this convolution in FP32"));
  }
  const auto row = [&](size_t channel) {
    return absl::MakeConstSpan(weights.weights)
        .subspan(channel * per_output, per_output);
  };

  QuantizedConvolution result;
  if (!fixed_scales.empty()) {
    YOLOQ_RETURN_IF_ERROR(CheckFixedScales(
        fixed_scales,
        granularity == QuantizationSpec::PER_TENSOR ? 1 : outputs));
    result.scales.assign(fixed_scales.begin(), fixed_scales.end());
  } else if (granularity == QuantizationSpec::PER_TENSOR) {
    result.scales = {ScaleFor(LargestMagnitude(weights.weights),
                              LargestMagnitude(weights.bias), input_scale)};
  } else {
    for (size_t c = 0; c < outputs; ++c) {
      result.scales.push_back(ScaleFor(
          LargestMagnitude(row(c)), std::fabs(weights.bias[c]), input_scale));
    }
  }
  const float widest =
      *std::max_element(result.scales.begin(), result.scales.end());
  if (!(widest <= kMaxScale)) {
    return absl::InvalidArgumentError(
        absl::StrCat("weights or biases are too large to be quantized (scale ",
                     widest, ")"));
  }

  result.weights.resize(weights.weights.size());
  result.bias.resize(outputs);
  for (size_t c = 0; c < outputs; ++c) {
    const float scale = result.scales[result.scales.size() == 1 ? 0 : c];
    QuantizeRow(row(c), scale, result.weights.data() + c * per_output);
    result.bias[c] =
        QuantizeBias(weights.bias[c], static_cast<double>(input_scale) * scale);
  }
  return result;
}

}  // namespace yoloq
