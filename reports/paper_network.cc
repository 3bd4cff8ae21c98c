#include "reports/paper_network.h"

#include "model/graph.h"
#include "model/yolov3.h"
#include "tools/base/status_macros.h"

namespace yoloq {

absl::StatusOr<PartParameters> PaperNetworkParameters(
    const PublishedConditions& conditions) {
  Yolov3Options options;
  options.classes = conditions.classes();
  options.input_size = conditions.input_size();
  YOLOQ_ASSIGN_OR_RETURN(const Graph graph, BuildYolov3(options));
  PartParameters parameters;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const int64_t count = ParameterCount(graph, i);
    switch (graph.nodes(i).part()) {
      case BACKBONE:
        parameters.backbone += count;
        break;
      case NECK:
        parameters.neck += count;
        break;
      case HEAD:
        parameters.head += count;
        break;
      default:
        break;
    }
  }
  return parameters;
}

}  // namespace yoloq
