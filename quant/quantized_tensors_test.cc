#include "quant/quantized_tensors.h"

#include <string>

#include "quant/node_precision.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Names(const Graph& graph,
                               const std::vector<bool>& chosen) {
  std::vector<std::string> names;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (chosen[i]) names.push_back(graph.nodes(i).name());
  }
  return names;
}

std::string RootName(const Graph& graph, const std::vector<int>& roots,
                     const std::string& name) {
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (graph.nodes(i).name() == name) return graph.nodes(roots[i]).name();
  }
  return "";
}

TEST(QuantizedTensorsTest, OnlyTheNeckInInt8) {
  const Graph graph = SmallGraph();
  const std::vector<Precision> precision =
      PrecisionByPart(graph, FP32, INT8, FP32);
  EXPECT_THAT(Names(graph, EightBitOutputs(graph, precision)),
              ElementsAre("pool", "half", "neck", "upsample", "slice", "concat",
                          "add_leaky"));
  // "pool" is read by the FP32 "half" as well; the rest of what is missing
  // moves values that are quantized already.
  EXPECT_THAT(Names(graph, SimulatedOutputs(graph, precision)),
              ElementsAre("half", "neck", "concat", "add_leaky"));
}

TEST(QuantizedTensorsTest, RootsAreTheProducers) {
  const Graph graph = SmallGraph();
  const std::vector<Precision> precision =
      PrecisionByPart(graph, INT8, INT8, INT8);
  const std::vector<int> roots = QuantizationRoots(graph, false, precision);
  EXPECT_EQ(RootName(graph, roots, "half"), "add");
  EXPECT_EQ(RootName(graph, roots, "slice"), "add");
  EXPECT_EQ(RootName(graph, roots, "upsample"), "neck");
  EXPECT_EQ(RootName(graph, roots, "concat"), "concat");
  EXPECT_EQ(RootName(graph, roots, "yolo1"), "raw1");

  const std::vector<int> shared = QuantizationRoots(graph, true, precision);
  EXPECT_EQ(RootName(graph, shared, "concat"), "add");
  EXPECT_EQ(RootName(graph, shared, "neck"), "add");
  EXPECT_EQ(RootName(graph, shared, "raw1"), "raw1");
}

}  // namespace
}  // namespace yoloq
