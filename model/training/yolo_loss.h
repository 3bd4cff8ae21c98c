// The loss of YOLOv3 (Redmon and Farhadi 2018, section 2.1), by LibTorch's
// differentiable operators. Shows LibTorch's tensors: include it in .cc files
// only.
#ifndef YOLOQ_MODEL_TRAINING_YOLO_LOSS_H_
#define YOLOQ_MODEL_TRAINING_YOLO_LOSS_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "absl/status/status.h"
#include "model/graph.pb.h"
#include "model/training/augmentation.h"
#include "model/training/training.pb.h"

namespace yoloq {

// Scalars, of the heads' type and on their device.
struct YoloLoss {
  at::Tensor total;  // the sum of the others, weighted: differentiate this
  at::Tensor box;    // already weighted, as are the following
  at::Tensor objectness;
  at::Tensor classes;
};

// InvalidArgument names the field that is out of range.
absl::Status CheckLoss(const LossSpec& spec);

// heads: raw outputs (N, C, H, W) of the graph's YOLO heads, in order, float32
// or float64; truth: the objects of each of the N images, classes in range.
// Sums over cells, anchors and heads, divided by N.
//
// Each truth belongs to the anchor, of all of the network's, whose shape
// overlaps its own most (both centred on one point), in the cell that holds its
// centre; when no head has that anchor, to none. (assign_threshold adds
// anchors.) There the objectness is told
// to be 1, the class scores to be 1 for its class and 0 for the others
// (cross-entropy), and the box to be its own (LossSpec.Box). Of two truths that
// meet at one anchor of one cell, the later counts. Every other objectness is
// told to be 0, but where the predicted box overlaps a truth of the image by
// more than the ignore threshold. Ignored truths belong to no anchor and serve
// this last rule alone.
YoloLoss ComputeYoloLoss(const Graph& graph, const LossSpec& spec,
                         const std::vector<at::Tensor>& heads,
                         const std::vector<std::vector<TruthBox>>& truth);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_YOLO_LOSS_H_
