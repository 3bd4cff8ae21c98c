// From raw head output to the detections of a picture. No LibTorch, no OpenCV:
// the device does the same.
#ifndef YOLOQ_EVAL_POSTPROCESS_H_
#define YOLOQ_EVAL_POSTPROCESS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "eval/detection.h"
#include "eval/preprocess.h"
#include "experiments/spec.pb.h"
#include "hw/runtime/engine.h"
#include "model/graph.pb.h"

namespace yoloq {

// Decodes the heads, maps the boxes to pixels of the picture, clips them to it,
// drops those that are empty, and suppresses non-maxima per class with the
// spec's thresholds. Ordered by class, then by falling score. InvalidArgument
// when a head's shape does not fit the graph.
absl::StatusOr<std::vector<Detection>> Postprocess(
    const Graph& graph, const std::vector<HeadOutput>& heads,
    const Placement& placement, const EvaluationSpec& spec);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_POSTPROCESS_H_
