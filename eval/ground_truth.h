// What detections are judged by: the annotated objects of a picture.
#ifndef YOLOQ_EVAL_GROUND_TRUTH_H_
#define YOLOQ_EVAL_GROUND_TRUTH_H_

#include "eval/detection.h"

namespace yoloq {

// An annotated object. Unlike a detection's, its box is kept as the VOC devkit
// writes it: pixels counted from 1, the right and bottom ones included.
struct GroundTruthObject {
  Box box;
  int class_index = 0;
  // Hard to recognize: neither missed nor found in evaluation.
  bool difficult = false;
};

}  // namespace yoloq

#endif  // YOLOQ_EVAL_GROUND_TRUTH_H_
