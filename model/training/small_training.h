// What tests train in a moment: a detector of two layers, and pictures for it.
#ifndef YOLOQ_MODEL_TRAINING_SMALL_TRAINING_H_
#define YOLOQ_MODEL_TRAINING_SMALL_TRAINING_H_

#include <vector>

#include "eval/voc.h"
#include "model/graph.pb.h"

namespace yoloq {

// Input 32 x 32, two convolutions with batch norm, one head of 4 x 4 cells and
// two classes; with shapes.
Graph SmallDetector();

// In a new folder of the test: a bright square on dark ground each, class 0
// red, class 1 blue.
std::vector<VocImage> Squares(int count);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_SMALL_TRAINING_H_
