#include "quant/quantized_tensors.h"

#include <algorithm>
#include <numeric>

#include "model/graph.h"

namespace yoloq {
namespace {

// Sets of nodes (a union-find structure).
class NodeSets {
 public:
  explicit NodeSets(int nodes) : parents_(nodes) {
    std::iota(parents_.begin(), parents_.end(), 0);
  }

  // The same for all members: the earliest.
  int Root(int node) const {
    while (parents_[node] != node) node = parents_[node];
    return node;
  }

  void Join(int a, int b) {
    a = Root(a);
    b = Root(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<int> parents_;
};

}  // namespace

bool MovesValues(const Node& node) {
  return node.has_upsample() || node.has_max_pool() || node.has_slice() ||
         node.has_yolo_head();
}

std::vector<bool> EightBitOutputs(const Graph& graph,
                                  const std::vector<Precision>& precision) {
  std::vector<bool> eight_bit(graph.nodes_size());
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (precision[i] != INT8) continue;
    eight_bit[i] = true;
    for (const int input : graph.nodes(i).inputs()) eight_bit[input] = true;
  }
  return eight_bit;
}

std::vector<bool> SimulatedOutputs(const Graph& graph,
                                   const std::vector<Precision>& precision) {
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  std::vector<bool> simulated = EightBitOutputs(graph, precision);
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    if (node.has_input() || (precision[i] == INT8 && MovesValues(node))) {
      simulated[i] = false;
    }
    if (precision[i] == INT8) continue;
    for (const int reader : consumers[i]) {
      if (precision[reader] != INT8) simulated[i] = false;
    }
  }
  return simulated;
}

std::vector<int> QuantizationRoots(const Graph& graph, bool share_concat,
                                   const std::vector<Precision>& precision) {
  NodeSets sets(graph.nodes_size());
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (MovesValues(graph.nodes(i))) sets.Join(i, graph.nodes(i).inputs(0));
  }
  for (int i = 0; share_concat && i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    if (!node.has_concat() || precision[i] != INT8) continue;
    for (const int input : node.inputs()) {
      // The picture's bytes can't be changed.
      if (!graph.nodes(sets.Root(input)).has_input()) sets.Join(i, input);
    }
  }
  std::vector<int> roots;
  for (int i = 0; i < graph.nodes_size(); ++i) roots.push_back(sets.Root(i));
  return roots;
}

}  // namespace yoloq
