#include "reports/paper_network.h"

#include "model/description.h"
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
  parameters.backbone = MeasureNetwork(graph, BACKBONE).parameters;
  parameters.neck = MeasureNetwork(graph, NECK).parameters;
  parameters.head = MeasureNetwork(graph, HEAD).parameters;
  return parameters;
}

}  // namespace yoloq
