#include "eval/preprocess.h"

#include <algorithm>
#include <array>

namespace yoloq {
namespace {

constexpr int kWeightBits = 11;
constexpr int kOne = 1 << kWeightBits;
constexpr int kChannels = 3;
constexpr uint8_t kGrey = 128;

// A sample between two neighbouring source pixels: its value is
// ((kOne - weight) * source[first] + weight * source[second]) / kOne.
struct Tap {
  int first;
  int second;
  int weight;  // in [0, kOne)
};

// Half-pixel centres: position = (target + 1/2) * from / to - 1/2, in units of
// 1 / kOne rounded to nearest; outside the first and last centre the edge is
// repeated.
std::vector<Tap> MakeTaps(int from, int to) {
  std::vector<Tap> taps(to);
  for (int i = 0; i < to; ++i) {
    const int64_t doubled =
        std::max<int64_t>(0, int64_t{2 * i + 1} * from - to);
    const int64_t position = (doubled * kOne + to) / (2 * int64_t{to});
    const int first = std::min<int>(position >> kWeightBits, from - 1);
    taps[i].first = first;
    taps[i].second = std::min(first + 1, from - 1);
    taps[i].weight = static_cast<int>(position & (kOne - 1));
  }
  return taps;
}

// Resizes a source row; values are scaled by kOne.
void ResizeRow(const uint8_t* source, const std::vector<Tap>& taps,
               int32_t* target) {
  for (const Tap& tap : taps) {
    const uint8_t* first = source + kChannels * tap.first;
    const uint8_t* second = source + kChannels * tap.second;
    for (int c = 0; c < kChannels; ++c) {
      target[c] = first[c] * kOne + (second[c] - first[c]) * tap.weight;
    }
    target += kChannels;
  }
}

void BlendRows(const int32_t* first, const int32_t* second, int weight,
               int count, uint8_t* target) {
  constexpr int32_t kHalf = 1 << (2 * kWeightBits - 1);
  const int first_weight = kOne - weight;
  for (int i = 0; i < count; ++i) {
    target[i] = static_cast<uint8_t>(
        (first[i] * first_weight + second[i] * weight + kHalf) >>
        (2 * kWeightBits));
  }
}

// Resizes the picture to width x height at (left, top) of an input of `side`.
void ResizeInto(const Picture& picture, int left, int top, int width,
                int height, int side, uint8_t* input) {
  const std::vector<Tap> columns = MakeTaps(picture.width, width);
  const std::vector<Tap> rows = MakeTaps(picture.height, height);
  const int count = kChannels * width;
  // The two source rows in use, resized; an enlargement uses each several
  // times.
  std::array<std::vector<int32_t>, 2> resized;
  std::array<int, 2> held = {-1, -1};
  for (std::vector<int32_t>& row : resized) row.resize(count);
  const auto row_at = [&](int y) {
    const int slot = y % 2;
    if (held[slot] != y) {
      ResizeRow(picture.rgb.data() + size_t{kChannels} * picture.width * y,
                columns, resized[slot].data());
      held[slot] = y;
    }
    return resized[slot].data();
  };
  for (int y = 0; y < height; ++y) {
    const Tap& tap = rows[y];
    BlendRows(row_at(tap.first), row_at(tap.second), tap.weight, count,
              input + size_t{kChannels} * (size_t(top + y) * side + left));
  }
}

int RoundedDivide(int64_t a, int64_t b) {
  return static_cast<int>((2 * a + b) / (2 * b));
}

}  // namespace

NetworkInput MakeNetworkInput(const Picture& picture, int side,
                              PreprocessSpec::Resize resize) {
  int width = side;
  int height = side;
  if (resize == PreprocessSpec::LETTERBOX) {
    const int64_t longest = std::max(picture.width, picture.height);
    width = std::max(1, RoundedDivide(int64_t{side} * picture.width, longest));
    height =
        std::max(1, RoundedDivide(int64_t{side} * picture.height, longest));
  }
  const int left = (side - width) / 2;
  const int top = (side - height) / 2;
  NetworkInput input;
  input.rgb.assign(size_t{kChannels} * side * side, kGrey);
  ResizeInto(picture, left, top, width, height, side, input.rgb.data());
  input.placement = {static_cast<float>(left),
                     static_cast<float>(top),
                     static_cast<float>(width),
                     static_cast<float>(height),
                     side,
                     picture.width,
                     picture.height};
  return input;
}

Box ToPicture(const Box& box, const Placement& placement) {
  const auto map = [&](float unit, float offset, float resized, int pixels) {
    const float at =
        (unit * static_cast<float>(placement.input_side) - offset) / resized *
        static_cast<float>(pixels);
    return std::clamp(at, 0.0f, static_cast<float>(pixels));
  };
  const auto x = [&](float unit) {
    return map(unit, placement.left, placement.width, placement.picture_width);
  };
  const auto y = [&](float unit) {
    return map(unit, placement.top, placement.height, placement.picture_height);
  };
  return {x(box.left), y(box.top), x(box.right), y(box.bottom)};
}

}  // namespace yoloq
