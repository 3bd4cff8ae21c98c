// From raw YOLO head output to boxes: sigmoid and exp in float32, whatever the
// precision of the network. No LibTorch: the device decodes with this too.
#ifndef YOLOQ_MODEL_DECODE_H_
#define YOLOQ_MODEL_DECODE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "eval/detection.h"
#include "hw/runtime/engine.h"
#include "model/graph.pb.h"

namespace yoloq {

// Every (anchor, cell, class) whose score = objectness * class probability
// exceeds score_threshold, in the order heads, rows, columns, anchors, classes.
// Boxes are in units of the network's input: [0, 1] is the whole input (boxes
// may reach outside). As darknet (Redmon and Farhadi 2018, section 2.1): centre
// = (cell + s * sigmoid(t) - (s - 1) / 2) / grid with s = scale_x_y; size =
// anchor * exp(t) / input size. Sizes are finite: t above 16 counts as 16, far
// beyond any picture. A cell with a NaN among the values that decide its box or
// score gives no detection. InvalidArgument when a head's shape does not fit
// the graph.
absl::StatusOr<std::vector<Detection>> DecodeHeads(
    const Graph& graph, const std::vector<HeadOutput>& heads,
    float score_threshold);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_DECODE_H_
