// Runs an engine over the images of a set and keeps what it detects.
#ifndef YOLOQ_EVAL_EVALUATOR_H_
#define YOLOQ_EVAL_EVALUATOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/dataset_loader.h"
#include "eval/detection.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"
#include "hw/runtime/engine.h"

namespace yoloq {

struct DetectOptions {
  // On the progress line.
  std::string label = "evaluate";
  // Where finished images are kept, kImagesPerShard a file, so that an
  // interrupted run goes on where it stood. The folder must be of this model,
  // list and spec alone. Empty: nothing is kept.
  std::string shard_folder;
  LoaderOptions loader;
};

inline constexpr int kImagesPerShard = 256;

struct DetectionRun {
  // Parallel to the images; ordered by class, then by falling score.
  std::vector<std::vector<Detection>> detections;
  // DetectionsSha256 (eval/detections.h) of all.
  std::string sha256;
  // Wall-clock time of loading, inference and postprocessing together,
  // interrupted runs included.
  double seconds_per_image = 0;
};

// Detects objects in all images; loading overlaps with inference. `engines`:
// one or more of the same model; each runs in a thread of its own, an image at
// a time, which uses a machine better than one engine with many threads. The
// detections do not depend on how many there are.
// InvalidArgument when the engine's input is not square with three channels;
// errors of images, engine and shards name theirs.
absl::StatusOr<DetectionRun> DetectInImages(absl::Span<Engine* const> engines,
                                            absl::Span<const VocImage> images,
                                            const PreprocessSpec& preprocess,
                                            const EvaluationSpec& evaluation,
                                            const DetectOptions& options = {});

}  // namespace yoloq

#endif  // YOLOQ_EVAL_EVALUATOR_H_
