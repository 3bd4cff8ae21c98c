// Darknet's .cfg files to a graph.
//
//   YOLOQ_ASSIGN_OR_RETURN(Graph graph, ReadDarknetCfg("yolov3-voc.cfg"));
//
// Understood: [net] (or [network]), [convolutional], [shortcut], [route],
// [maxpool], [upsample] and [yolo], with the keys listed in darknet_cfg.cc;
// enough for yolov3, yolov3-spp, yolov3-voc, yolov3-tiny, yolov4-tiny,
// MobileNetV2-YOLOv3 and the first 75 layers of darknet53. Keys that only
// matter to training are ignored, all others refused.
#ifndef YOLOQ_MODEL_DARKNET_CFG_H_
#define YOLOQ_MODEL_DARKNET_CFG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/graph.pb.h"
#include "model/parts.h"

namespace yoloq {

struct DarknetCfgOptions {
  // Only the first so many layers, such as 75 to have darknet53 without its
  // classifier; 0: all.
  int layers = 0;
  // Parts are assigned by AssignParts (model/parts.h), then by these.
  std::vector<PartRange> parts;
};

// The graph with shapes at the size that [net] gives. Nodes are named after the
// darknet layer they come from ("conv_0", "add_4", "pool_1", ...). A [route] of
// one layer without groups makes no node. `file` stands in errors. Errors are
// InvalidArgument with file, line and section.
absl::StatusOr<Graph> ParseDarknetCfg(absl::string_view text,
                                      absl::string_view file,
                                      const DarknetCfgOptions& options = {});

// The same for a file; also ReadFile's errors.
absl::StatusOr<Graph> ReadDarknetCfg(const std::string& path,
                                     const DarknetCfgOptions& options = {});

}  // namespace yoloq

#endif  // YOLOQ_MODEL_DARKNET_CFG_H_
