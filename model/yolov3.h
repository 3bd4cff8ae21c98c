// YOLOv3 (Redmon and Farhadi 2018) as a graph, for any class count, width and
// size.
//
//   YOLOQ_ASSIGN_OR_RETURN(Graph graph, BuildYolov3({}));   // VOC, 416 x 416
//   Weights weights = RandomWeights(graph, /*seed=*/1);
#ifndef YOLOQ_MODEL_YOLOV3_H_
#define YOLOQ_MODEL_YOLOV3_H_

#include "absl/status/statusor.h"
#include "model/graph.pb.h"

namespace yoloq {

struct Yolov3Options {
  // At least 1. 20 is PASCAL VOC.
  int classes = 20;
  // Multiplies every channel count but those of the three output convolutions;
  // each is then rounded to the nearest multiple of 8, at least 8. In (0, 8].
  double width = 1;
  // Side of the square input in pixels, a multiple of 32.
  int input_size = 416;
};

// The graph with shapes. At width 1 it has 75 convolutions with leaky ReLU and
// batch norm (but the three linear output convolutions), in the paper's parts:
// backbone 52 (darknet-53), neck 17, head 6 (the three 3x3 + 1x1 output pairs).
// Node.source_layer is the index of the layer in darknet's yolov3.cfg, and
// nodes are named after it ("conv_0", "add_4", ..., "yolo_106"). Heads come
// from the coarsest grid to the finest, with the nine anchors of darknet's
// yolov3.cfg, in proportion to the input (they are meant for 416 x 416).
// InvalidArgument names the option that is out of range.
absl::StatusOr<Graph> BuildYolov3(const Yolov3Options& options);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_YOLOV3_H_
