// Non-maximum suppression: one detection for each object.
#ifndef YOLOQ_MODEL_NMS_H_
#define YOLOQ_MODEL_NMS_H_

#include <vector>

#include "eval/detection.h"

namespace yoloq {

// Intersection over union of two boxes taken as continuous areas, in [0, 1];
// 0 when both are empty.
float IntersectionOverUnion(const Box& a, const Box& b);

// Class-wise greedy suppression: by descending score (equal scores in input
// order), a detection is kept unless its IoU with a kept one of its class
// exceeds iou_threshold. At most max_per_class are kept of a class; 0: no
// limit. The result is ordered by class, then by descending score.
std::vector<Detection> SuppressNonMaxima(std::vector<Detection> detections,
                                         float iou_threshold,
                                         int max_per_class);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_NMS_H_
