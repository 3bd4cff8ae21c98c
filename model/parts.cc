#include "model/parts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/graph.h"

namespace yoloq {
namespace {

class PartRule {
 public:
  explicit PartRule(Graph* graph)
      : graph_(*graph), consumers_(Consumers(*graph)) {}

  void Apply() {
    const std::vector<int> heads = YoloHeads(graph_);
    SetAll(heads.empty() ? BACKBONE : NECK);
    if (heads.empty()) return;
    for (const int head : heads) MarkHead(head);
    const std::vector<bool> backbone = Ancestors(TrunkEnd(heads[0]));
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      if (backbone[i] && graph_.nodes(i).part() != HEAD) SetPart(i, BACKBONE);
    }
  }

 private:
  void SetPart(int index, Part part) {
    graph_.mutable_nodes(index)->set_part(part);
  }

  void SetAll(Part part) {
    for (int i = 0; i < graph_.nodes_size(); ++i) SetPart(i, part);
  }

  bool IsConvolution(int index) const {
    return graph_.nodes(index).has_convolution();
  }

  int Input(int index) const { return graph_.nodes(index).inputs(0); }

  bool IsPointwise(int index) const {
    return IsConvolution(index) &&
           graph_.nodes(index).convolution().kernel() == 1;
  }

  bool IsDepthwise(int index) const {
    const ConvolutionOp& op = graph_.nodes(index).convolution();
    return IsConvolution(index) && op.groups() > 1 &&
           op.groups() == op.out_channels();
  }

  // The second of a depthwise and a pointwise convolution that belong together.
  bool EndsSeparablePair(int index) const {
    return IsPointwise(index) && IsDepthwise(Input(index)) &&
           consumers_[Input(index)].size() == 1;
  }

  // The convolution that `index` reads, when it feeds nothing else; or -1.
  int OwnConvolution(int index) const {
    const int input = Input(index);
    return IsConvolution(input) && consumers_[input].size() == 1 ? input : -1;
  }

  void MarkHead(int head) {
    SetPart(head, HEAD);
    const int output = Input(head);
    if (!IsConvolution(output)) return;
    SetPart(output, HEAD);
    const int before = OwnConvolution(output);
    if (before < 0) return;
    SetPart(before, HEAD);
    if (EndsSeparablePair(before)) SetPart(Input(before), HEAD);
  }

  // `index` and all nodes that it is computed from.
  std::vector<bool> Ancestors(int index) const {
    std::vector<bool> marked(graph_.nodes_size());
    marked[index] = true;
    for (int i = index; i >= 0; --i) {
      if (!marked[i]) continue;
      for (const int input : graph_.nodes(i).inputs()) marked[input] = true;
    }
    return marked;
  }

  // Nodes with an upsampling among those they are computed from.
  std::vector<bool> AfterUpsampling() const {
    std::vector<bool> after(graph_.nodes_size());
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      after[i] = graph_.nodes(i).has_upsample();
      for (const int input : graph_.nodes(i).inputs()) {
        after[i] = after[i] || after[input];
      }
    }
    return after;
  }

  bool EndsStage(const Node& node) const {
    return node.has_add() || node.convolution().stride() > 1 ||
           node.max_pool().stride() > 1;
  }

  bool ContinuesTrunk(int index) const {
    const Node& node = graph_.nodes(index);
    if (node.part() == HEAD) return false;
    return node.has_max_pool() ||
           (IsConvolution(index) &&
            (!IsPointwise(index) || EndsSeparablePair(index)));
  }

  int TrunkEnd(int first_head) const {
    const std::vector<bool> ancestors = Ancestors(first_head);
    const std::vector<bool> after_upsampling = AfterUpsampling();
    int end = 0;
    for (int i = 0; i < first_head; ++i) {
      const Node& node = graph_.nodes(i);
      if (ancestors[i] && !after_upsampling[i] && node.part() != HEAD &&
          EndsStage(node)) {
        end = i;
      }
    }
    while (consumers_[end].size() == 1 && ContinuesTrunk(consumers_[end][0])) {
      end = consumers_[end][0];
    }
    return end;
  }

  Graph& graph_;
  const std::vector<std::vector<int>> consumers_;
};

}  // namespace

void AssignParts(Graph* graph) { PartRule(graph).Apply(); }

absl::Status OverrideParts(const std::vector<PartRange>& ranges, Graph* graph) {
  int last_layer = -1;
  for (const Node& node : graph->nodes()) {
    last_layer = std::max(last_layer, node.source_layer());
  }
  for (const PartRange& range : ranges) {
    if (range.first_layer < 0 || range.last_layer < range.first_layer ||
        range.last_layer > last_layer) {
      return absl::InvalidArgumentError(absl::StrCat(
          "parts: ", range.first_layer, " to ", range.last_layer,
          " is no range of layers; the network has layers 0 to ", last_layer));
    }
    if (range.part != BACKBONE && range.part != NECK && range.part != HEAD) {
      return absl::InvalidArgumentError(absl::StrCat(
          "parts: layers ", range.first_layer, " to ", range.last_layer,
          " need a part: BACKBONE, NECK or HEAD"));
    }
    for (Node& node : *graph->mutable_nodes()) {
      if (node.source_layer() >= range.first_layer &&
          node.source_layer() <= range.last_layer) {
        node.set_part(range.part);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace yoloq
