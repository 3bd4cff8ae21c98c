// The quantization of every tensor of a network, from its calibration.
#ifndef YOLOQ_QUANT_ACTIVATION_QUANTIZER_H_
#define YOLOQ_QUANT_ACTIVATION_QUANTIZER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "model/graph.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

struct ActivationQuantization {
  // Where the output exists as 8-bit values (quant/deployable.proto).
  absl::optional<TensorQuantization> output;
  // INT8 leaky convolutions in mode TWO_STEP.
  absl::optional<TensorQuantization> before_activation;
};

// One entry a node, by the rules that QuantizeModel documents. `spec` is
// resolved.
absl::StatusOr<std::vector<ActivationQuantization>> QuantizeActivations(
    const Graph& graph, const Calibration& calibration,
    const QuantizationSpec& spec, const std::vector<Precision>& precision);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_ACTIVATION_QUANTIZER_H_
