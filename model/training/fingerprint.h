// What a training is of, as a digest: its checkpoints carry it.
#ifndef YOLOQ_MODEL_TRAINING_FINGERPRINT_H_
#define YOLOQ_MODEL_TRAINING_FINGERPRINT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"
#include "model/graph.pb.h"
#include "model/training/training.pb.h"
#include "model/weights.h"

namespace yoloq {

// SHA-256 of everything that decides the result, in hexadecimal: not of where
// files lie, how often checkpoints are written, or, with a STEP schedule, how
// many epochs there are (a training can be prolonged).
std::string TrainingFingerprint(const Graph& graph, const Weights& initial,
                                const TrainingSpec& spec,
                                absl::Span<const VocImage> images,
                                const PreprocessSpec& preprocess,
                                absl::string_view more);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_FINGERPRINT_H_
