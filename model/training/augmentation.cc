#include "model/training/augmentation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "eval/preprocess.h"
#include "model/training/spec_fields.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kChannels = 3;
constexpr uint8_t kGrey = 128;

// Pixels of the picture, half open; may reach outside.
struct Crop {
  int left;
  int top;
  int width;
  int height;
};

Crop CropOf(const Picture& picture, const AugmentationDraw& draw) {
  const auto pixel = [](double share, int side) {
    return static_cast<int>(std::lround(share * side));
  };
  const int left = pixel(draw.left, picture.width);
  const int top = pixel(draw.top, picture.height);
  return {left, top, std::max(1, pixel(draw.right, picture.width) - left),
          std::max(1, pixel(draw.bottom, picture.height) - top)};
}

Picture Cropped(const Picture& picture, const Crop& crop) {
  Picture result;
  result.width = crop.width;
  result.height = crop.height;
  result.rgb.assign(size_t{kChannels} * crop.width * crop.height, kGrey);
  const int first = std::max(0, crop.left);
  const int last = std::min(picture.width, crop.left + crop.width);
  if (first >= last) return result;
  for (int y = std::max(0, crop.top);
       y < std::min(picture.height, crop.top + crop.height); ++y) {
    std::memcpy(result.rgb.data() +
                    size_t{kChannels} * (size_t(y - crop.top) * crop.width +
                                         (first - crop.left)),
                picture.rgb.data() +
                    size_t{kChannels} * (size_t(y) * picture.width + first),
                size_t{kChannels} * (last - first));
  }
  return result;
}

void FlipRows(int side, std::vector<uint8_t>* rgb) {
  for (int y = 0; y < side; ++y) {
    uint8_t* row = rgb->data() + size_t{kChannels} * side * y;
    for (int x = 0; x < side / 2; ++x) {
      std::swap_ranges(row + kChannels * x, row + kChannels * (x + 1),
                       row + kChannels * (side - 1 - x));
    }
  }
}

// Hue in [0, 6), saturation in [0, 1], value in [0, 255].
std::array<float, 3> ToHsv(const uint8_t* rgb) {
  const float r = rgb[0];
  const float g = rgb[1];
  const float b = rgb[2];
  const float high = std::max({r, g, b});
  const float range = high - std::min({r, g, b});
  if (range == 0) return {0, 0, high};
  float hue;
  if (high == r) {
    hue = (g - b) / range;
  } else if (high == g) {
    hue = 2 + (b - r) / range;
  } else {
    hue = 4 + (r - g) / range;
  }
  return {hue < 0 ? hue + 6 : hue, range / high, high};
}

void FromHsv(const std::array<float, 3>& hsv, uint8_t* rgb) {
  const auto [hue, saturation, value] = hsv;
  // The channel whose own hue is `offset` away (in sixths of the circle).
  const auto channel = [&, hue = hue, saturation = saturation,
                        value = value](float offset) {
    float k = hue + offset;
    if (k >= 6) k -= 6;
    const float share = std::clamp(std::min(k, 4 - k), 0.0f, 1.0f);
    return static_cast<uint8_t>(value * (1 - saturation * share) + 0.5f);
  };
  rgb[0] = channel(5);
  rgb[1] = channel(3);
  rgb[2] = channel(1);
}

void Recolour(const AugmentationDraw& draw, std::vector<uint8_t>* rgb) {
  if (draw.hue == 0 && draw.saturation == 1 && draw.exposure == 1) return;
  const float shift = static_cast<float>((draw.hue - std::floor(draw.hue)) * 6);
  const float saturation = static_cast<float>(draw.saturation);
  const float exposure = static_cast<float>(draw.exposure);
  for (size_t i = 0; i < rgb->size(); i += kChannels) {
    uint8_t* pixel = rgb->data() + i;
    std::array<float, 3> hsv = ToHsv(pixel);
    hsv[0] += shift;
    if (hsv[0] >= 6) hsv[0] -= 6;
    hsv[1] = std::min(1.0f, hsv[1] * saturation);
    hsv[2] = std::min(255.0f, hsv[2] * exposure);
    FromHsv(hsv, pixel);
  }
}

// From pixels of the picture to shares of the network's input.
class BoxMap {
 public:
  BoxMap(const Crop& crop, const Placement& placement)
      : crop_(crop), placement_(placement) {}

  // False when the object is no longer seen.
  bool Map(const GroundTruthObject& object, TruthBox* truth) const {
    // VOC counts pixels from 1 and includes the last.
    const double left = object.box.left - 1 - crop_.left;
    const double top = object.box.top - 1 - crop_.top;
    const double right = object.box.right - crop_.left;
    const double bottom = object.box.bottom - crop_.top;
    const double x = (left + right) / 2;
    const double y = (top + bottom) / 2;
    if (x < 0 || x >= crop_.width || y < 0 || y >= crop_.height) return false;
    const double x0 = X(std::max(left, 0.0));
    const double x1 = X(std::min<double>(right, crop_.width));
    const double y0 = Y(std::max(top, 0.0));
    const double y1 = Y(std::min<double>(bottom, crop_.height));
    const double pixel = 1.0 / placement_.input_side;
    if (x1 - x0 < pixel || y1 - y0 < pixel) return false;
    truth->x = static_cast<float>((x0 + x1) / 2);
    truth->y = static_cast<float>((y0 + y1) / 2);
    truth->width = static_cast<float>(x1 - x0);
    truth->height = static_cast<float>(y1 - y0);
    truth->class_index = object.class_index;
    truth->ignored = object.difficult;
    return true;
  }

 private:
  double X(double pixel) const {
    return (placement_.left + pixel / crop_.width * placement_.width) /
           placement_.input_side;
  }
  double Y(double pixel) const {
    return (placement_.top + pixel / crop_.height * placement_.height) /
           placement_.input_side;
  }

  const Crop crop_;
  const Placement placement_;
};

// log-uniform over [1 / bound, bound].
double DrawFactor(double bound, Random* random) {
  return std::exp((2 * random->Uniform() - 1) * std::log(bound));
}

double FactorBound(double value) { return value == 0 ? 1 : value; }

}  // namespace

absl::Status CheckAugmentation(const AugmentationSpec& spec) {
  YOLOQ_RETURN_IF_ERROR(
      CheckField("augmentation.jitter", spec.jitter(), 0, 0.45));
  YOLOQ_RETURN_IF_ERROR(CheckField("augmentation.hue", spec.hue(), 0, 0.5));
  YOLOQ_RETURN_IF_ERROR(CheckField("augmentation.saturation",
                                   FactorBound(spec.saturation()), 1, 10));
  return CheckField("augmentation.exposure", FactorBound(spec.exposure()), 1,
                    10);
}

Random AugmentationRandom(uint64_t seed, int epoch, int index) {
  return Random(seed, (static_cast<uint64_t>(epoch) << 32) +
                          static_cast<uint32_t>(index));
}

AugmentationDraw DrawAugmentation(const AugmentationSpec& spec,
                                  Random* random) {
  const auto around = [&](double bound) {
    return bound * (2 * random->Uniform() - 1);
  };
  AugmentationDraw draw;
  draw.left = around(spec.jitter());
  draw.top = around(spec.jitter());
  draw.right = 1 + around(spec.jitter());
  draw.bottom = 1 + around(spec.jitter());
  draw.flip = spec.flip() && random->Below(2) == 1;
  draw.hue = around(spec.hue());
  draw.saturation = DrawFactor(FactorBound(spec.saturation()), random);
  draw.exposure = DrawFactor(FactorBound(spec.exposure()), random);
  return draw;
}

TrainingImage Augment(const Picture& picture,
                      absl::Span<const GroundTruthObject> objects, int side,
                      PreprocessSpec::Resize resize,
                      const AugmentationDraw& draw) {
  const Crop crop = CropOf(picture, draw);
  const bool whole = crop.left == 0 && crop.top == 0 &&
                     crop.width == picture.width &&
                     crop.height == picture.height;
  NetworkInput input =
      MakeNetworkInput(whole ? picture : Cropped(picture, crop), side, resize);
  TrainingImage result;
  const BoxMap map(crop, input.placement);
  for (const GroundTruthObject& object : objects) {
    TruthBox truth;
    if (!map.Map(object, &truth)) continue;
    if (draw.flip) truth.x = 1 - truth.x;
    result.truth.push_back(truth);
  }
  result.rgb = std::move(input.rgb);
  if (draw.flip) FlipRows(side, &result.rgb);
  Recolour(draw, &result.rgb);
  return result;
}

}  // namespace yoloq
