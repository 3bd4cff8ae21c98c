// From detections to the accuracy of a result.
#ifndef YOLOQ_EVAL_ACCURACY_H_
#define YOLOQ_EVAL_ACCURACY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/average_precision.h"
#include "eval/detection.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

// Matches detections (parallel to images) with the annotated objects.
// Errors as MatchDetections (eval/average_precision.h).
absl::StatusOr<Matches> MatchImages(
    absl::Span<const VocImage> images,
    absl::Span<const std::vector<Detection>> detections, int class_count,
    const EvaluationSpec& spec);

// mAP and AP of both protocols, with the bootstrap intervals that the spec asks
// for. Engine, digest, times and model are left to the caller. InvalidArgument
// when no image has an object, or as BootstrapMap.
absl::StatusOr<AccuracyResult> ComputeAccuracy(
    const Matches& matches, absl::Span<const std::string> class_names,
    const EvaluationSpec& spec);

// Sets map_change and its interval: run minus baseline by the spec's table
// protocol (AREA when unspecified). Errors as BootstrapMapDifference
// (eval/bootstrap.h).
absl::Status SetMapChange(const Matches& run, const Matches& baseline,
                          const EvaluationSpec& spec, AccuracyResult* result);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_ACCURACY_H_
