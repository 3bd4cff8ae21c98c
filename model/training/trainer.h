// Trains a network on images: YOLOv3's loss, darknet's augmentation, Adam.
//
//   YOLOQ_ASSIGN_OR_RETURN(
//       TrainingOutcome outcome,
//       Train(graph, RandomWeights(graph, 1), spec, images, preprocess,
//             {.folder = "/cache/train"}));
//
// The same graph, weights, spec (threads included) and images give the same
// weights, interrupted or not.
#ifndef YOLOQ_MODEL_TRAINING_TRAINER_H_
#define YOLOQ_MODEL_TRAINING_TRAINER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"
#include "model/graph.pb.h"
#include "model/training/training.pb.h"
#include "model/weights.h"

namespace yoloq {

class TrainingHooks;

struct TrainOptions {
  // Where the checkpoint ("checkpoint.yoloqck") is kept; a training that finds
  // its own there goes on where it stood. Empty: none is written.
  std::string folder;
  // Quantization-aware training; may be null. Outlives the call.
  TrainingHooks* hooks = nullptr;
  // What besides graph, weights, spec and images decides the result (the
  // hooks' own spec): a checkpoint of another one is refused.
  std::string fingerprint;
  // On the progress line.
  std::string label = "train";
  // Called after each epoch and its checkpoint; `weights` makes what Train
  // would return if this were the last epoch. An error ends the training.
  std::function<absl::Status(const EpochRecord& epoch,
                             const std::function<Weights()>& weights)>
      on_epoch;
};

struct TrainingOutcome {
  Weights weights;
  std::vector<EpochRecord> epochs;
};

// InvalidArgument names the field that is out of range.
absl::Status CheckTrainingSpec(const TrainingSpec& spec);

// Trains from `initial`, which fits `graph`. The graph's input is square; the
// images have at least one member, with classes below the graph's class count.
// Errors: InvalidArgument (spec, graph, images), FailedPrecondition (CUDA asked
// for and not there; a checkpoint of another training), DataLoss (a damaged
// checkpoint, an image that does not decode), OutOfRange (diverged: names the
// epoch, the step and the node).
absl::StatusOr<TrainingOutcome> Train(const Graph& graph, Weights initial,
                                      const TrainingSpec& spec,
                                      absl::Span<const VocImage> images,
                                      const PreprocessSpec& preprocess,
                                      const TrainOptions& options = {});

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_TRAINER_H_
