// A detected object.
#ifndef YOLOQ_EVAL_DETECTION_H_
#define YOLOQ_EVAL_DETECTION_H_

namespace yoloq {

// Corners in pixels of the original picture, continuous: the picture spans
// [0, width] x [0, height]. (The VOC devkit's 1-based inclusive pixels come in
// only where boxes are matched, eval/average_precision.h.)
struct Box {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;
};

struct Detection {
  Box box;
  int class_index = 0;
  float score = 0;  // in [0, 1]
};

}  // namespace yoloq

#endif  // YOLOQ_EVAL_DETECTION_H_
