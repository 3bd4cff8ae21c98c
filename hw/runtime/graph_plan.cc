#include "hw/runtime/graph_plan.h"

#include <algorithm>

#include "model/graph.h"
#include "quant/integer_semantics.h"

namespace yoloq {
namespace {

class Planner {
 public:
  Planner(const Deployable& model, const ConvolutionFusions& fusions)
      : model_(model),
        fusions_(fusions),
        graph_(model.graph()),
        consumers_(Consumers(graph_)),
        plan_(graph_.nodes_size()) {}

  void FindForms() {
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      for (const int consumer : consumers_[i]) {
        (ReadsBytes(consumer) ? plan_[i].read_as_bytes
                              : plan_[i].read_as_reals) = true;
      }
    }
  }

  void FuseAdds() {
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      if (!graph_.nodes(i).has_add()) continue;
      // The operand that is computed last: the other is there by then.
      const auto& inputs = graph_.nodes(i).inputs();
      const int last = std::max(inputs[0], inputs[1]);
      if (inputs[0] == inputs[1] || !graph_.nodes(last).has_convolution() ||
          consumers_[last].size() != 1 || !SamePrecision(last, i)) {
        continue;
      }
      plan_[last].fused_add = i;
      plan_[i].fused_into = last;
    }
  }

  void FoldUpsampling() {
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      if (!graph_.nodes(i).has_upsample() || consumers_[i].size() != 1) {
        continue;
      }
      const int reader = consumers_[i][0];
      if (graph_.nodes(reader).has_concat() && SamePrecision(i, reader)) {
        plan_[i].folded_into = reader;
      }
    }
  }

  void PlaceInConcats() {
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      if (!graph_.nodes(i).has_concat()) continue;
      int channel = 0;
      for (const int input : graph_.nodes(i).inputs()) {
        if (MayLieIn(i, input)) plan_[input].place = {i, channel};
        channel += graph_.nodes(input).output().channels();
      }
    }
  }

  std::vector<NodePlan> Take() && { return std::move(plan_); }

 private:
  bool ReadsBytes(int node) const {
    return !graph_.nodes(node).has_yolo_head() &&
           model_.execution(node).precision() == INT8;
  }

  bool SamePrecision(int a, int b) const {
    return model_.execution(a).precision() == model_.execution(b).precision();
  }

  // Whether a convolution writes the value and only nodes read it that can step
  // over the concat's other channels.
  bool MayLieIn(int concat, int value) const {
    const bool bytes = ReadsBytes(concat);
    if (plan_[value].place.concat >= 0 || !WrittenByConvolution(value)) {
      return false;
    }
    if (bytes && !SameQuantization(OutputQuantization(model_, value),
                                   OutputQuantization(model_, concat))) {
      return false;
    }
    const NodePlan& forms = plan_[value];
    if (forms.read_as_bytes && forms.read_as_reals && !fusions_.other_form) {
      return false;
    }
    int reads_by_concat = 0;
    for (const int consumer : consumers_[value]) {
      reads_by_concat += consumer == concat;
      if (ReadsBytes(consumer) == bytes && !ReadsWithStride(consumer)) {
        return false;
      }
    }
    return reads_by_concat == 1;
  }

  bool WrittenByConvolution(int node) const {
    return plan_[node].fused_add < 0 && (graph_.nodes(node).has_convolution() ||
                                         plan_[node].fused_into >= 0);
  }

  bool ReadsWithStride(int node) const {
    return graph_.nodes(node).has_convolution() ||
           graph_.nodes(node).has_concat() ||
           graph_.nodes(node).has_upsample() ||
           graph_.nodes(node).has_slice() || plan_[node].fused_into >= 0;
  }

  const Deployable& model_;
  const ConvolutionFusions fusions_;
  const Graph& graph_;
  const std::vector<std::vector<int>> consumers_;
  std::vector<NodePlan> plan_;
};

}  // namespace

TensorQuantization OutputQuantization(const Deployable& model, int node) {
  if (!model.graph().nodes(node).has_input()) {
    return model.execution(node).output();
  }
  TensorQuantization picture;
  picture.set_scale(kInputScale);
  picture.set_zero_point(kInputZeroPoint);
  return picture;
}

bool SameQuantization(const TensorQuantization& a,
                      const TensorQuantization& b) {
  return a.scale() == b.scale() && a.zero_point() == b.zero_point();
}

std::vector<NodePlan> PlanGraph(const Deployable& model,
                                const ConvolutionFusions& fusions) {
  Planner planner(model, fusions);
  planner.FindForms();
  if (fusions.add) planner.FuseAdds();
  planner.FoldUpsampling();
  if (fusions.strides) planner.PlaceInConcats();
  return std::move(planner).Take();
}

std::vector<NodePlan> PlanGraphUnfused(const Deployable& model) {
  Planner planner(model, {});
  planner.FindForms();
  return std::move(planner).Take();
}

}  // namespace yoloq
