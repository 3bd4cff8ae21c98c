// Which part of the network (backbone, neck, head) each node belongs to.
#ifndef YOLOQ_MODEL_PARTS_H_
#define YOLOQ_MODEL_PARTS_H_

#include <vector>

#include "absl/status/status.h"
#include "model/graph.pb.h"

namespace yoloq {

// Sets every node's part by the structure of the graph:
//
// HEAD: each YOLO head; the convolution it reads (the output convolution); and
//   the convolution before that when it feeds nothing else, with the depthwise
//   convolution before it where it completes a depthwise-separable pair.
// BACKBONE: the last node of the trunk and everything it is computed from. The
//   trunk is what the first YOLO head is computed from, as far as no upsampling
//   lies before it. It ends with its last addition or down-sampling (stride
//   above 1), extended by the max-pools, the convolutions larger than 1x1 and
//   the depthwise-separable pairs that follow one another directly: a 1x1
//   convolution or a branching begins the neck.
// NECK: the rest.
//
// Without a YOLO head all is BACKBONE. On YOLOv3 this gives 52 / 17 / 6
// convolutions (backbone to layer 74), on YOLOv3-tiny 7 / 2 / 4, on
// MobileNetV2-YOLOv3-Nano the inverted residual blocks / what follows from the
// spatial pyramid on / the last two convolutions of each scale.
void AssignParts(Graph* graph);

// Darknet layers first_layer to last_layer, both included.
struct PartRange {
  int first_layer = 0;
  int last_layer = 0;
  Part part = PART_UNSPECIFIED;
};

// Sets the part of the nodes that come from the given layers; later ranges win.
// InvalidArgument when a range is not one of the graph's layers or has no part.
absl::Status OverrideParts(const std::vector<PartRange>& ranges, Graph* graph);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_PARTS_H_
