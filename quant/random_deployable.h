// Small graphs and random models for tests of engines and of readers.
#ifndef YOLOQ_QUANT_RANDOM_DEPLOYABLE_H_
#define YOLOQ_QUANT_RANDOM_DEPLOYABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "model/graph.pb.h"
#include "quant/node_precision.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// A graph with every kind of node and all parts; two YOLO heads; 16 x 12
// pixels. Shapes are filled in.
Graph SmallGraph();

// A graph of nodes in text format, shapes filled in: a shorthand for tests,
// which ends the program when the graph is malformed.
Graph GraphFromText(absl::string_view text);

// How 8-bit weights are drawn.
enum class WeightSpread {
  kUniform,  // over [-127, 127]
  kNormal,   // as trained ones are, about: normal, 127 at 4 deviations
};

// A serialized deployable file (quant/deployable.h) of random weights, zero
// points and scales, such that values spread over the 8-bit range and also
// saturate. `spec`: weights, leaky and concat are set.
std::string RandomDeployable(const Graph& graph,
                             const std::vector<Precision>& precision,
                             const QuantizationSpec& spec, uint64_t seed,
                             WeightSpread spread = WeightSpread::kUniform);

// Random bytes of the size of the graph's input.
std::vector<uint8_t> RandomPicture(const Graph& graph, uint64_t seed);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_RANDOM_DEPLOYABLE_H_
