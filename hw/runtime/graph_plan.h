// What an engine decides about a graph before it makes any convolution: which
// sums are folded into a convolution, which values are written straight into a
// concat, which enlargements happen on the way into one.
#ifndef YOLOQ_HW_RUNTIME_GRAPH_PLAN_H_
#define YOLOQ_HW_RUNTIME_GRAPH_PLAN_H_

#include <vector>

#include "hw/runtime/convolution.h"
#include "quant/deployable.h"

namespace yoloq {

// The quantization of a node's 8-bit output; the input's is that of a picture.
TensorQuantization OutputQuantization(const Deployable& model, int node);

bool SameQuantization(const TensorQuantization& a, const TensorQuantization& b);

// A value's place inside a concat's output.
struct ConcatPlace {
  int concat = -1;  // node; -1: the value has memory of its own
  int channel = 0;  // its first channel there
};

// Parallel to the graph's nodes.
struct NodePlan {
  // Another node needs the value in this form.
  bool read_as_bytes = false;
  bool read_as_reals = false;
  // Convolutions: the add that it does as well; it then stands for that node.
  int fused_add = -1;
  // Adds: the convolution that does it.
  int fused_into = -1;
  // Upsample nodes: the concat that enlarges the input as it copies.
  int folded_into = -1;
  // Where the form that the concat reads is written.
  ConcatPlace place;
};

// Everything that `fusions` allow and that leaves all results as they are.
std::vector<NodePlan> PlanGraph(const Deployable& model,
                                const ConvolutionFusions& fusions);

// The same with nothing fused or shared.
std::vector<NodePlan> PlanGraphUnfused(const Deployable& model);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_GRAPH_PLAN_H_
