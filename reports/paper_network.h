// The paper's network, counted: what the audit and the comparison measure
// against.
#ifndef YOLOQ_REPORTS_PAPER_NETWORK_H_
#define YOLOQ_REPORTS_PAPER_NETWORK_H_

#include "absl/status/statusor.h"
#include "reports/audit.h"
#include "reports/published.pb.h"

namespace yoloq {

// Trainable parameters of YOLOv3 with the paper's classes, part by part, from
// the graph that model/yolov3.h builds.
absl::StatusOr<PartParameters> PaperNetworkParameters(
    const PublishedConditions& conditions);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_PAPER_NETWORK_H_
