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

// The boxes kept so far, in blocks that are compared at once: with thousands of
// candidates a picture, comparing is all the time that is spent.
class KeptBoxes {
 public:
  size_t size() const { return size_; }

  void Clear() {
    blocks_.clear();
    size_ = 0;
  }

  void Add(const Box& box, float area) {
    const size_t place = size_++ % kBlock;
    if (place == 0) blocks_.emplace_back();
    blocks_.back().Set(place, box, area);
  }

  bool OverlapAny(const Box& box, float area, float iou_threshold) const {
    for (const Block& block : blocks_) {
      if (block.OverlapsAny(box, area, iou_threshold)) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kBlock = 16;

  // Places that are not used are empty boxes, which overlap nothing.
  struct Block {
    float left[kBlock] = {};
    float top[kBlock] = {};
    float right[kBlock] = {};
    float bottom[kBlock] = {};
    float area[kBlock] = {};

    void Set(size_t place, const Box& box, float box_area) {
      left[place] = box.left;
      top[place] = box.top;
      right[place] = box.right;
      bottom[place] = box.bottom;
      area[place] = box_area;
    }

    // IntersectionOverUnion, without branches so that it is vectorised.
    bool OverlapsAny(const Box& box, float box_area, float threshold) const {
      int any = 0;
      for (size_t i = 0; i < kBlock; ++i) {
        const float width =
            std::min(box.right, right[i]) - std::max(box.left, left[i]);
        const float height =
            std::min(box.bottom, bottom[i]) - std::max(box.top, top[i]);
        const float intersection = width * height;
        const float iou = intersection / (box_area + area[i] - intersection);
        any |= (width > 0) & (height > 0) & (iou > threshold);
      }
      return any != 0;
    }
  };

  std::vector<Block> blocks_;
  size_t size_ = 0;
};

}  // namespace

float IntersectionOverUnion(const Box& a, const Box& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (!(width > 0) || !(height > 0)) return 0;
  const float intersection = width * height;
  return intersection / (Area(a) + Area(b) - intersection);
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
  KeptBoxes kept;  // of the current class
  size_t result_size = 0;
  for (size_t i = 0; i < detections.size(); ++i) {
    const Detection detection = detections[i];
    if (result_size > 0 &&
        detection.class_index != detections[result_size - 1].class_index) {
      kept.Clear();
    }
    const float area = Area(detection.box);
    if (kept.size() >= limit ||
        kept.OverlapAny(detection.box, area, iou_threshold)) {
      continue;
    }
    kept.Add(detection.box, area);
    detections[result_size++] = detection;
  }
  detections.resize(result_size);
  return detections;
}

}  // namespace yoloq
