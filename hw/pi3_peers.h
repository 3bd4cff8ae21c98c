// Networks whose latency on a Raspberry Pi 3B+ is published, and what the cost
// model of the native engine makes of their shapes.
#ifndef YOLOQ_HW_PI3_PEERS_H_
#define YOLOQ_HW_PI3_PEERS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace yoloq {

struct Pi3Peer {
  std::string name;         // "resnet18 INT8"
  double published_ms = 0;  // by ncnn with four threads
  double bare_ms = 0;       // by the cost model, with four threads of the board
};

// resnet18, resnet50 and mobilenet v1 (224 x 224 pixels) in FP32 and INT8,
// yolov4-tiny (416 x 416) in FP32: their convolutions and inner products, each
// computed in the way that the native engine would, without a limit to
// transformed weights, but with as many instructions more as ncnn executes of
// YOLOv3-416. Published: the benchmark of ncnn (Tencent) for the
// board.
absl::StatusOr<std::vector<Pi3Peer>> Pi3Peers();

}  // namespace yoloq

#endif  // YOLOQ_HW_PI3_PEERS_H_
