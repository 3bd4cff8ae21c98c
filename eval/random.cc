#include "eval/random.h"

namespace yoloq {
namespace {

constexpr uint64_t kGoldenGamma = 0x9e3779b97f4a7c15;

uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(uint64_t seed, uint64_t stream)
    : state_(Mix(seed + kGoldenGamma) ^ Mix(~stream)) {}

uint64_t Random::Next() { return Mix(state_ += kGoldenGamma); }

uint32_t Random::Below(uint32_t bound) {
  // Lemire 2019: the products whose low half is under the threshold would make
  // some results likelier than others.
  const uint32_t threshold = -bound % bound;
  while (true) {
    const uint64_t product = (Next() >> 32) * bound;
    if (static_cast<uint32_t>(product) >= threshold) return product >> 32;
  }
}

int Random::Between(int low, int high) {
  return low + static_cast<int>(Below(static_cast<uint32_t>(high - low) + 1));
}

double Random::Uniform() {
  return static_cast<double>(Next() >> 11) * 0x1.0p-53;
}

}  // namespace yoloq
