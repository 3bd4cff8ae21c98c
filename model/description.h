// A network in numbers: parameters, multiply-accumulates and weight sizes, as
// text tables.
#ifndef YOLOQ_MODEL_DESCRIPTION_H_
#define YOLOQ_MODEL_DESCRIPTION_H_

#include <cstdint>
#include <string>

#include "model/graph.pb.h"

namespace yoloq {

// What convolutions add up to.
struct NetworkSize {
  int convolutions = 0;
  int64_t parameters = 0;            // trainable, batch norm included
  int64_t multiply_accumulates = 0;  // of one forward pass
  // Of the weights and biases with batch norm folded: all in float32, or int8
  // weights with int32 biases.
  int64_t fp32_bytes = 0;
  int64_t int8_bytes = 0;

  NetworkSize& operator+=(const NetworkSize& other);
};

// Of the nodes of one part; of all nodes with PART_UNSPECIFIED. `graph` has
// shapes.
NetworkSize MeasureNetwork(const Graph& graph, Part part);

// A Markdown table: a line for each part, then the total.
std::string DescribeParts(const Graph& graph);

// A Markdown table: a line for each node.
std::string DescribeNodes(const Graph& graph);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_DESCRIPTION_H_
