// From the precision of the three parts to that of each node.
#ifndef YOLOQ_QUANT_NODE_PRECISION_H_
#define YOLOQ_QUANT_NODE_PRECISION_H_

#include <vector>

#include "model/graph.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// One precision a node: that of its part, but YOLO heads that of their input,
// and the network's input INT8 when an INT8 node reads it.
std::vector<Precision> PrecisionByPart(const Graph& graph, Precision backbone,
                                       Precision neck, Precision head);

// The same for a choice made node by node: `precision` is that of the nodes
// that compute; YOLO heads and the input are set to fit.
std::vector<Precision> CompletePrecision(const Graph& graph,
                                         std::vector<Precision> precision);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_NODE_PRECISION_H_
