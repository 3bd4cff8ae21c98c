#include "quant/activation_quantizer.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "quant/activation_range.h"
#include "quant/integer_semantics.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

bool MovesValues(const Node& node) {
  return node.has_upsample() || node.has_max_pool() || node.has_slice() ||
         node.has_yolo_head();
}

// Sets of nodes whose outputs have one quantization (a union-find structure).
class SharedOutputs {
 public:
  SharedOutputs(const Graph& graph, bool share_concat,
                const std::vector<Precision>& precision)
      : parents_(graph.nodes_size()) {
    std::iota(parents_.begin(), parents_.end(), 0);
    for (int i = 0; i < graph.nodes_size(); ++i) {
      const Node& node = graph.nodes(i);
      if (MovesValues(node)) Join(i, node.inputs(0));
    }
    if (!share_concat) return;
    for (int i = 0; i < graph.nodes_size(); ++i) {
      const Node& node = graph.nodes(i);
      if (!node.has_concat() || precision[i] != INT8) continue;
      for (const int input : node.inputs()) {
        // The picture's bytes can't be changed.
        if (!graph.nodes(Root(input)).has_input()) Join(i, input);
      }
    }
  }

  // The same for all members: the earliest.
  int Root(int node) const {
    while (parents_[node] != node) node = parents_[node];
    return node;
  }

 private:
  void Join(int a, int b) {
    a = Root(a);
    b = Root(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

  std::vector<int> parents_;
};

class States {
 public:
  States(const Calibration& calibration, const ObserverSpec& observer)
      : observer_(observer) {
    for (const ObserverState& state : calibration.tensors()) {
      states_[{state.node(), state.before_activation()}] = &state;
    }
  }

  absl::StatusOr<Range> RangeOf(const std::string& node,
                                bool before_activation) const {
    const auto found = states_.find({node, before_activation});
    if (found == states_.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "node \"", node, "\": the calibration has no such tensor",
          before_activation ? " before the activation" : "",
          "; calibrate this network with this scheme"));
    }
    absl::StatusOr<Range> range = ChooseRange(observer_, *found->second);
    if (!range.ok()) {
      return Annotate(range.status(), absl::StrCat("node \"", node, "\""));
    }
    return range;
  }

 private:
  const ObserverSpec& observer_;
  std::map<std::pair<std::string, bool>, const ObserverState*> states_;
};

}  // namespace

absl::StatusOr<std::vector<ActivationQuantization>> QuantizeActivations(
    const Graph& graph, const Calibration& calibration,
    const QuantizationSpec& spec, const std::vector<Precision>& precision) {
  const bool share_concat = spec.concat() == QuantizationSpec::SHARED_SCALE;
  const SharedOutputs shared(graph, share_concat, precision);
  const States states(calibration, spec.activation_observer());
  const int count = graph.nodes_size();

  std::vector<bool> eight_bit(count);
  for (int i = 0; i < count; ++i) {
    if (precision[i] != INT8) continue;
    eight_bit[i] = true;
    for (const int input : graph.nodes(i).inputs()) eight_bit[input] = true;
  }

  // A set takes its range from its sharing concats where it has any, otherwise
  // from its root.
  std::vector<std::vector<int>> sources(count);
  for (int i = 0; i < count; ++i) {
    const bool sharing =
        share_concat && graph.nodes(i).has_concat() && precision[i] == INT8;
    if (sharing) sources[shared.Root(i)].push_back(i);
  }

  std::map<int, TensorQuantization> by_root;
  std::vector<ActivationQuantization> result(count);
  for (int i = 0; i < count; ++i) {
    if (!eight_bit[i]) continue;
    const int root = shared.Root(i);
    if (by_root.count(root) == 0) {
      TensorQuantization& quantization = by_root[root];
      if (graph.nodes(root).has_input()) {
        quantization.set_scale(kInputScale);
        quantization.set_zero_point(kInputZeroPoint);
      } else {
        if (sources[root].empty()) sources[root].push_back(root);
        Range hull;
        for (const int source : sources[root]) {
          YOLOQ_ASSIGN_OR_RETURN(
              const Range range,
              states.RangeOf(graph.nodes(source).name(), false));
          hull.low = std::min(hull.low, range.low);
          hull.high = std::max(hull.high, range.high);
        }
        YOLOQ_ASSIGN_OR_RETURN(quantization, QuantizationOfRange(hull));
      }
    }
    result[i].output = by_root[root];
  }

  for (int i = 0; i < count; ++i) {
    const Node& node = graph.nodes(i);
    if (precision[i] != INT8 || !node.has_convolution() ||
        node.convolution().activation() != LEAKY ||
        spec.leaky() != QuantizationSpec::TWO_STEP) {
      continue;
    }
    YOLOQ_ASSIGN_OR_RETURN(const Range range,
                           states.RangeOf(node.name(), true));
    YOLOQ_ASSIGN_OR_RETURN(result[i].before_activation,
                           QuantizationOfRange(range));
  }
  return result;
}

}  // namespace yoloq
