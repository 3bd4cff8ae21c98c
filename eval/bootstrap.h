// How far mAP depends on which images were in the test set: percentile
// bootstrap over images (Efron and Tibshirani 1993, chapter 13).
#ifndef YOLOQ_EVAL_BOOTSTRAP_H_
#define YOLOQ_EVAL_BOOTSTRAP_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "eval/average_precision.h"

namespace yoloq {

struct BootstrapOptions {
  int resamples = 1000;  // >= 1
  uint64_t seed = 0;     // same seed, same intervals, on any number of threads
  int threads = 2;       // >= 1
};

struct ConfidenceInterval {
  double low = 0;
  double high = 0;
};

// 95 % intervals for both protocols.
struct MapIntervals {
  ConfidenceInterval area;
  ConfidenceInterval eleven_point;
};

// The interval of mAP. Each resample draws as many images as there are, with
// replacement; its mAP is over the classes that have objects in it.
// InvalidArgument without images, objects or resamples.
absl::StatusOr<MapIntervals> BootstrapMap(const Matches& matches,
                                          const BootstrapOptions& options);

// The interval of mAP(run) - mAP(baseline), paired: both see the same
// resamples. InvalidArgument also when the two are not over the same images and
// objects.
absl::StatusOr<MapIntervals> BootstrapMapDifference(
    const Matches& run, const Matches& baseline,
    const BootstrapOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_BOOTSTRAP_H_
