#include "hw/pi3_model.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr double kClockHz = 1.4e9;
constexpr double kBytesPerSecond = 2e9;

// Millions of products by kind of layer, millions of weights under F(4,3) and
// under others, millions of activations.
struct Network {
  const char* name;
  double winograd;
  double other;
  double depthwise;
  double winograd_weights;
  double other_weights;
  double activations;
  double fp32_ms;
  double int8_ms;  // 0: not published
};

// Inputs of 224 x 224, yolov4-tiny of 416 x 416.
constexpr Network kNetworks[] = {
    {"resnet18", 1503, 311, 0, 9.2, 2.5, 2.5, 272, 160},
    {"resnet50", 1503, 2590, 0, 9.2, 16.3, 11, 587, 392},
    {"mobilenet v1", 0, 551, 17, 0, 4.2, 5.1, 109, 67},
    {"yolov4-tiny", 2860, 590, 0, 5.2, 0.9, 7, 417, 0},
};

Pi3Work WorkOf(const Network& network, bool int8) {
  Pi3Work work;
  work.name = absl::StrCat(network.name, int8 ? " INT8" : " FP32");
  work.instructions =
      1e6 * (network.winograd * 0.09 + network.other * (int8 ? 0.25 : 0.29) +
             network.depthwise * 0.6);
  const double value_bytes = int8 ? 1 : 4;
  work.traffic_bytes = 1e6 * value_bytes *
                       (network.winograd_weights * (int8 ? 8 : 4) +
                        network.other_weights + 2 * network.activations);
  return work;
}

double Factor(const Pi3Published& network) {
  return network.published_ms / Pi3BareMs(network.work, 4);
}

// "64x208x208" to its product; false where it is something else.
bool Elements(absl::string_view text, double* channels, double* elements) {
  const std::vector<std::string> parts = absl::StrSplit(text, 'x');
  double height = 0;
  double width = 0;
  if (parts.size() != 3 || !absl::SimpleAtod(parts[0], channels) ||
      !absl::SimpleAtod(parts[1], &height) ||
      !absl::SimpleAtod(parts[2], &width)) {
    return false;
  }
  *elements = *channels * height * width;
  return true;
}

// Transformed weights a weight, and their bytes.
double WeightBytes(const std::string& how, bool int8) {
  const double value_bytes = int8 ? 1 : 4;
  const double word_bytes = int8 ? 2 : 4;
  if (absl::StartsWith(how, "Winograd F(4,3)")) return 36.0 / 9 * word_bytes;
  if (absl::StartsWith(how, "Winograd F(2,3)")) return 16.0 / 9 * word_bytes;
  return value_bytes;
}

absl::StatusOr<Pi3Work> ParseLine(const std::vector<std::string>& fields,
                                  bool int8) {
  Pi3Work work;
  work.name = fields[0];
  double in_channels = 0;
  double in = 0;
  double out_channels = 0;
  double out = 0;
  double products = 0;
  if (!Elements(fields[1], &in_channels, &in) ||
      !Elements(fields[2], &out_channels, &out) ||
      !absl::SimpleAtod(fields[5], &products) ||
      !absl::SimpleAtod(fields[6], &work.instructions)) {
    return absl::InvalidArgumentError("not a layer of count_instructions");
  }
  const double weights = products / out * out_channels;
  work.traffic_bytes =
      (in + out) * (int8 ? 1 : 4) + weights * WeightBytes(fields[8], int8);
  return work;
}

}  // namespace

double Pi3BareMs(const Pi3Work& work, int threads) {
  return 1e3 * (work.instructions / (threads * kClockHz) +
                work.traffic_bytes / kBytesPerSecond);
}

std::vector<Pi3Published> Pi3PublishedLatencies() {
  std::vector<Pi3Published> published;
  for (const Network& network : kNetworks) {
    published.push_back({WorkOf(network, false), network.fp32_ms});
    if (network.int8_ms > 0) {
      published.push_back({WorkOf(network, true), network.int8_ms});
    }
  }
  return published;
}

Pi3Fit FitPi3Factor(const std::vector<Pi3Published>& published) {
  double sum = 0;
  for (const Pi3Published& network : published)
    sum += std::log(Factor(network));
  Pi3Fit fit;
  const double count = static_cast<double>(published.size());
  fit.factor = std::exp(sum / count);
  for (const Pi3Published& network : published) {
    const double own = std::log(Factor(network));
    const double others = std::exp((sum - own) / (count - 1));
    fit.largest_error =
        std::max(fit.largest_error, std::fabs(others / std::exp(own) - 1));
  }
  return fit;
}

absl::StatusOr<std::vector<Pi3Work>> ParsePi3Layers(absl::string_view table,
                                                    bool int8) {
  std::vector<Pi3Work> layers;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    ++number;
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    if (fields.size() != 9) continue;  // comments and totals
    absl::StatusOr<Pi3Work> layer = ParseLine(fields, int8);
    if (!layer.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": ", layer.status().message()));
    }
    layers.push_back(*std::move(layer));
  }
  if (layers.empty()) {
    return absl::InvalidArgumentError(
        "no layers; give what bazel run //hw:count_instructions printed");
  }
  return layers;
}

}  // namespace yoloq
