#include "quant/calibration_list.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>

namespace yoloq {
namespace {

// Uniform in [0, bound). (The standard fixes mt19937_64, but not what its
// distributions make of it.)
uint64_t Below(uint64_t bound, std::mt19937_64& random) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  const uint64_t limit = kMax - kMax % bound;
  uint64_t value;
  do {
    value = random();
  } while (value >= limit);
  return value % bound;
}

}  // namespace

std::vector<std::string> DrawCalibrationIds(std::vector<std::string> ids,
                                            const QuantizationSpec& spec) {
  const size_t count = std::min<size_t>(ids.size(), spec.calibration_images());
  std::mt19937_64 random(spec.calibration_seed());
  for (size_t i = 0; i < count; ++i) {
    std::swap(ids[i], ids[i + Below(ids.size() - i, random)]);
  }
  ids.resize(count);
  return ids;
}

}  // namespace yoloq
