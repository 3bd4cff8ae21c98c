#include "eval/postprocess.h"

#include <algorithm>
#include <utility>

#include "model/decode.h"
#include "model/nms.h"
#include "tools/base/status_macros.h"

namespace yoloq {

absl::StatusOr<std::vector<Detection>> Postprocess(
    const Graph& graph, const std::vector<HeadOutput>& heads,
    const Placement& placement, const EvaluationSpec& spec) {
  YOLOQ_ASSIGN_OR_RETURN(
      std::vector<Detection> detections,
      DecodeHeads(graph, heads, static_cast<float>(spec.score_threshold())));
  for (Detection& detection : detections) {
    detection.box = ToPicture(detection.box, placement);
  }
  // Boxes outside the picture, such as on a letterbox's grey, clip to nothing.
  detections.erase(std::remove_if(detections.begin(), detections.end(),
                                  [](const Detection& d) {
                                    return d.box.right <= d.box.left ||
                                           d.box.bottom <= d.box.top;
                                  }),
                   detections.end());
  return SuppressNonMaxima(std::move(detections),
                           static_cast<float>(spec.nms_iou_threshold()),
                           spec.max_detections_per_class());
}

}  // namespace yoloq
