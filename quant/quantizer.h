// From a float network and its calibration to a deployable model.
#ifndef YOLOQ_QUANT_QUANTIZER_H_
#define YOLOQ_QUANT_QUANTIZER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/graph.pb.h"
#include "model/weights.h"
#include "quant/deployable.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// The deployable model of a network without batch norm (WithoutBatchNorm,
// FoldBatchNorm): its blobs go to `writer`, which then writes it.
//
// `precision`: one a node (quant/node_precision.h). `calibration` may be null,
// and `spec` empty, when all are FP32; otherwise `spec` names its scheme.
//
// Every INT8 node, and every FP32 node that an INT8 node reads, gets the output
// quantization that the spec's observer makes of the node's ObserverState,
// except where tensors share one: upsample, max-pool, slice and YOLO heads have
// that of their input, and in mode SHARED_SCALE the inputs of an INT8 concat
// that of its output (where concats share an input, the hull of their ranges).
// The network's input keeps its own: a concat requantizes it. Where the
// calibration has a FixedQuantization of the first node of those that share
// one, that is taken instead.
//
// InvalidArgument, naming the node, when weights, precision or calibration
// don't fit the graph.
absl::StatusOr<DeployableModel> QuantizeModel(
    const Graph& graph, const Weights& weights, const Calibration* calibration,
    const QuantizationSpec& spec, const std::vector<Precision>& precision,
    absl::Span<const std::string> class_names, DeployableWriter* writer);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_QUANTIZER_H_
