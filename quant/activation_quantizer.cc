#include "quant/activation_quantizer.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "quant/activation_range.h"
#include "quant/integer_semantics.h"
#include "quant/quantized_tensors.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr float kMaxScale = 0x1p60f;

absl::Status CheckFixed(const std::string& node,
                        const TensorQuantization& quantization) {
  // Written so that NaN fails.
  if (quantization.scale() > 0 && quantization.scale() <= kMaxScale &&
      quantization.zero_point() >= 0 && quantization.zero_point() <= 255) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "node \"", node, "\": the calibration fixes scale ", quantization.scale(),
      " and zero point ", quantization.zero_point(),
      "; they must be in (0, 2^60] and [0, 255]"));
}

class States {
 public:
  States(const Calibration& calibration, const ObserverSpec& observer)
      : observer_(observer) {
    for (const ObserverState& state : calibration.tensors()) {
      states_[{state.node(), state.before_activation()}] = &state;
    }
    for (const FixedQuantization& fixed : calibration.fixed()) {
      fixed_[fixed.node()] = &fixed;
    }
  }

  // What the calibration says of the node outright, or null.
  const FixedQuantization* Fixed(const std::string& node) const {
    const auto found = fixed_.find(node);
    return found == fixed_.end() ? nullptr : found->second;
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
  std::map<std::string, const FixedQuantization*> fixed_;
};

}  // namespace

absl::StatusOr<std::vector<ActivationQuantization>> QuantizeActivations(
    const Graph& graph, const Calibration& calibration,
    const QuantizationSpec& spec, const std::vector<Precision>& precision) {
  const bool share_concat = spec.concat() == QuantizationSpec::SHARED_SCALE;
  const std::vector<int> roots =
      QuantizationRoots(graph, share_concat, precision);
  const std::vector<bool> eight_bit = EightBitOutputs(graph, precision);
  const States states(calibration, spec.activation_observer());
  const int count = graph.nodes_size();

  // A set takes its range from its sharing concats where it has any, otherwise
  // from its root.
  std::vector<std::vector<int>> sources(count);
  for (int i = 0; i < count; ++i) {
    const bool sharing =
        share_concat && graph.nodes(i).has_concat() && precision[i] == INT8;
    if (sharing) sources[roots[i]].push_back(i);
  }

  std::map<int, TensorQuantization> by_root;
  std::vector<ActivationQuantization> result(count);
  for (int i = 0; i < count; ++i) {
    if (!eight_bit[i]) continue;
    const int root = roots[i];
    if (by_root.count(root) == 0) {
      TensorQuantization& quantization = by_root[root];
      if (graph.nodes(root).has_input()) {
        quantization.set_scale(kInputScale);
        quantization.set_zero_point(kInputZeroPoint);
      } else if (const FixedQuantization* fixed =
                     states.Fixed(graph.nodes(root).name());
                 fixed != nullptr && fixed->has_output()) {
        YOLOQ_RETURN_IF_ERROR(CheckFixed(fixed->node(), fixed->output()));
        quantization = fixed->output();
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
    const FixedQuantization* fixed = states.Fixed(node.name());
    if (fixed != nullptr && fixed->has_before_activation()) {
      YOLOQ_RETURN_IF_ERROR(
          CheckFixed(fixed->node(), fixed->before_activation()));
      result[i].before_activation = fixed->before_activation();
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
