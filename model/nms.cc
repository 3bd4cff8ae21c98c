#include "model/nms.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace yoloq {
namespace {

float Area(const Box& box) {
  return std::max(0.0f, box.right - box.left) *
         std::max(0.0f, box.bottom - box.top);
}

// Areas are given so that they are computed once a box, not once a pair.
float IntersectionOverUnion(const Box& a, float area_a, const Box& b,
                            float area_b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (!(width > 0) || !(height > 0)) return 0;
  const float intersection = width * height;
  return intersection / (area_a + area_b - intersection);
}

struct KeptBox {
  Box box;
  float area;
};

bool OverlapsAny(const Box& box, float area, float iou_threshold,
                 const std::vector<KeptBox>& kept) {
  for (const KeptBox& other : kept) {
    if (IntersectionOverUnion(box, area, other.box, other.area) >
        iou_threshold) {
      return true;
    }
  }
  return false;
}

}  // namespace

float IntersectionOverUnion(const Box& a, const Box& b) {
  return IntersectionOverUnion(a, Area(a), b, Area(b));
}

std::vector<Detection> SuppressNonMaxima(std::vector<Detection> detections,
                                         float iou_threshold,
                                         int max_per_class) {
  std::stable_sort(detections.begin(), detections.end(),
                   [](const Detection& a, const Detection& b) {
                     return a.class_index != b.class_index
                                ? a.class_index < b.class_index
                                : a.score > b.score;
                   });
  const size_t limit =
      max_per_class > 0 ? max_per_class : std::numeric_limits<size_t>::max();
  std::vector<KeptBox> kept;  // of the current class
  size_t result_size = 0;
  for (size_t i = 0; i < detections.size(); ++i) {
    const Detection detection = detections[i];
    if (result_size > 0 &&
        detection.class_index != detections[result_size - 1].class_index) {
      kept.clear();
    }
    const float area = Area(detection.box);
    if (kept.size() >= limit ||
        OverlapsAny(detection.box, area, iou_threshold, kept)) {
      continue;
    }
    kept.push_back({detection.box, area});
    detections[result_size++] = detection;
  }
  detections.resize(result_size);
  return detections;
}

}  // namespace yoloq
