// Which tensors of a network exist in 8 bits, and which share a quantization.
#ifndef YOLOQ_QUANT_QUANTIZED_TENSORS_H_
#define YOLOQ_QUANT_QUANTIZED_TENSORS_H_

#include <vector>

#include "model/graph.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// Upsample, max-pool, slice and YOLO heads: their output holds values of their
// input, at its quantization.
bool MovesValues(const Node& node);

// For each node whether its output exists as 8-bit values: that of INT8 nodes,
// and what they read.
std::vector<bool> EightBitOutputs(const Graph& graph,
                                  const std::vector<Precision>& precision);

// For each node whether an FP32 simulation of the network fake-quantizes its
// output. It does not where the values are exact already: the picture, and what
// INT8 nodes move. An FP32 node is quantized when all its readers are INT8;
// with readers of both kinds it stays FP32 for both, since a tensor has one
// form in the simulation.
std::vector<bool> SimulatedOutputs(const Graph& graph,
                                   const std::vector<Precision>& precision);

// For each node the earliest of the nodes whose outputs have one quantization
// with its own: through nodes that move values, and with share_concat from an
// INT8 concat to its inputs (but not to the network's input).
std::vector<int> QuantizationRoots(const Graph& graph, bool share_concat,
                                   const std::vector<Precision>& precision);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_QUANTIZED_TENSORS_H_
