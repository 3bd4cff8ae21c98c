#include "model/training/initialization.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "model/graph.h"

namespace yoloq {
namespace {

void SetObjectness(const Graph& graph, double chance, Weights* weights) {
  const float bias = static_cast<float>(std::log(chance / (1 - chance)));
  for (const int head : YoloHeads(graph)) {
    const Node& node = graph.nodes(head);
    std::vector<float>& biases = weights->nodes[node.inputs(0)].bias;
    const size_t values = 5 + node.yolo_head().classes();
    for (size_t i = 4; i < biases.size(); i += values) biases[i] = bias;
  }
}

void ScaleOutputs(const Graph& graph, double scale, Weights* weights) {
  for (const int head : YoloHeads(graph)) {
    for (float& value : weights->nodes[graph.nodes(head).inputs(0)].weights) {
      value *= static_cast<float>(scale);
    }
  }
}

// The later of an addition's inputs ends the residual branch.
void SetResidualGamma(const Graph& graph, double gamma, Weights* weights) {
  for (const Node& node : graph.nodes()) {
    if (!node.has_add()) continue;
    std::vector<float>& gammas =
        weights->nodes[std::max(node.inputs(0), node.inputs(1))].gamma;
    std::fill(gammas.begin(), gammas.end(), static_cast<float>(gamma));
  }
}

}  // namespace

void Initialize(const Graph& graph, const TrainingSpec& spec,
                Weights* weights) {
  if (spec.initial_objectness() > 0) {
    SetObjectness(graph, spec.initial_objectness(), weights);
  }
  if (spec.initial_output_scale() > 0) {
    ScaleOutputs(graph, spec.initial_output_scale(), weights);
  }
  if (spec.initial_residual_gamma() > 0) {
    SetResidualGamma(graph, spec.initial_residual_gamma(), weights);
  }
}

}  // namespace yoloq
