// Random numbers that are the same on every platform and standard library.
#ifndef YOLOQ_EVAL_RANDOM_H_
#define YOLOQ_EVAL_RANDOM_H_

#include <cstdint>

namespace yoloq {

// SplitMix64 (Steele, Lea and Flood 2014): a stream for every (seed, stream)
// pair.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0);

  uint64_t Next();

  // Uniform in [0, bound), bound > 0, without bias.
  uint32_t Below(uint32_t bound);

  // Uniform in [low, high], low <= high.
  int Between(int low, int high);

  // Uniform in [0, 1), a multiple of 2^-53.
  double Uniform();

 private:
  uint64_t state_;
};

}  // namespace yoloq

#endif  // YOLOQ_EVAL_RANDOM_H_
