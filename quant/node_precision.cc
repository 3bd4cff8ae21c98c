#include "quant/node_precision.h"

#include <utility>

namespace yoloq {

std::vector<Precision> PrecisionByPart(const Graph& graph, Precision backbone,
                                       Precision neck, Precision head) {
  std::vector<Precision> result;
  for (const Node& node : graph.nodes()) {
    result.push_back(node.part() == NECK   ? neck
                     : node.part() == HEAD ? head
                                           : backbone);
  }
  return CompletePrecision(graph, std::move(result));
}

std::vector<Precision> CompletePrecision(const Graph& graph,
                                         std::vector<Precision> precision) {
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    if (node.has_input()) precision[i] = FP32;
    if (node.has_yolo_head()) precision[i] = precision[node.inputs(0)];
    if (precision[i] != INT8) continue;
    for (const int input : node.inputs()) {
      if (graph.nodes(input).has_input()) precision[input] = INT8;
    }
  }
  return precision;
}

}  // namespace yoloq
