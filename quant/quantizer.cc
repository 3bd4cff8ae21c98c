#include "quant/quantizer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "quant/activation_quantizer.h"
#include "quant/scheme.h"
#include "quant/weight_quantizer.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::Status CheckArguments(const Graph& graph, const Weights& weights,
                            const std::vector<Precision>& precision) {
  YOLOQ_RETURN_IF_ERROR(CheckWeights(graph, weights));
  if (static_cast<int>(precision.size()) != graph.nodes_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("precision: ", precision.size(),
                     " entries, the graph has ", graph.nodes_size(), " nodes"));
  }
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    if (node.convolution().batch_norm()) {
      return absl::InvalidArgumentError(
          absl::StrCat("node \"", node.name(), "\": fold batch norm first"));
    }
    if (precision[i] != FP32 && precision[i] != INT8) {
      return absl::InvalidArgumentError(absl::StrCat(
          "node \"", node.name(), "\": precision is neither FP32 nor INT8"));
    }
  }
  return absl::OkStatus();
}

absl::Span<const float> FixedWeightScales(const Calibration& calibration,
                                          const std::string& node) {
  for (const FixedQuantization& fixed : calibration.fixed()) {
    if (fixed.node() == node) {
      return absl::MakeConstSpan(fixed.weight_scales().data(),
                                 fixed.weight_scales_size());
    }
  }
  return {};
}

template <typename T>
Blob Append(const std::vector<T>& values, DeployableWriter* writer) {
  return writer->Append(values.data(), values.size() * sizeof(T));
}

}  // namespace

absl::StatusOr<DeployableModel> QuantizeModel(
    const Graph& graph, const Weights& weights, const Calibration* calibration,
    const QuantizationSpec& spec, const std::vector<Precision>& precision,
    absl::Span<const std::string> class_names, DeployableWriter* writer) {
  YOLOQ_RETURN_IF_ERROR(CheckArguments(graph, weights, precision));
  DeployableModel model;
  *model.mutable_graph() = graph;
  for (const std::string& name : class_names) model.add_class_names(name);

  std::vector<ActivationQuantization> activations(graph.nodes_size());
  if (std::count(precision.begin(), precision.end(), INT8) > 0) {
    if (calibration == nullptr) {
      return absl::InvalidArgumentError(
          "an INT8 model needs a calibration; calibrate the network first");
    }
    YOLOQ_ASSIGN_OR_RETURN(*model.mutable_quantization(), ResolveScheme(spec));
    YOLOQ_ASSIGN_OR_RETURN(
        activations, QuantizeActivations(graph, *calibration,
                                         model.quantization(), precision));
  }

  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    NodeExecution* execution = model.add_nodes();
    execution->set_precision(precision[i]);
    if (activations[i].output.has_value()) {
      *execution->mutable_output() = *activations[i].output;
    }
    if (activations[i].before_activation.has_value()) {
      *execution->mutable_before_activation() =
          *activations[i].before_activation;
    }
    if (!node.has_convolution()) continue;
    const ConvolutionWeights& own = weights.nodes[i];
    if (precision[i] == FP32) {
      *execution->mutable_weights() = Append(own.weights, writer);
      *execution->mutable_bias() = Append(own.bias, writer);
      continue;
    }
    const absl::StatusOr<QuantizedConvolution> quantized =
        QuantizeConvolution(own, model.quantization().weights(),
                            activations[node.inputs(0)].output->scale(),
                            FixedWeightScales(*calibration, node.name()));
    YOLOQ_RETURN_IF_ERROR(Annotate(quantized.status(),
                                   absl::StrCat("node \"", node.name(), "\"")));
    *execution->mutable_weights() = Append(quantized->weights, writer);
    *execution->mutable_bias() = Append(quantized->bias, writer);
    *execution->mutable_weight_scales() = Append(quantized->scales, writer);
  }
  return model;
}

}  // namespace yoloq
