// A graph as a darknet .cfg file.
#ifndef YOLOQ_MODEL_DARKNET_CFG_WRITER_H_
#define YOLOQ_MODEL_DARKNET_CFG_WRITER_H_

#include <string>

#include "absl/status/statusor.h"
#include "model/graph.pb.h"

namespace yoloq {

// The .cfg text that darknet, and ReadDarknetCfg, build the same network from.
// Layers are numbered anew: a [route] is put in wherever a node reads another
// node than the one before it, as in darknet's own files. Parts are not
// written. InvalidArgument, naming the node, for what a .cfg cannot say: a
// slice that is not one of equal groups, a concatenation of one input, a node
// that reads the picture but is not the first.
absl::StatusOr<std::string> FormatDarknetCfg(const Graph& graph);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_DARKNET_CFG_WRITER_H_
