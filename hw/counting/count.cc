// count ENGINE MODEL COUNTER: the instructions of one forward pass with one
// thread, layer by layer, as tab-separated lines: layer, input, output, kernel,
// stride, multiply-accumulates, instructions, instructions a
// multiply-accumulate, and how it is computed. Runs on an emulated processor
// whose plugin counts into the file COUNTER.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "hw/counting/counter.h"
#include "hw/runtime/engines.h"
#include "quant/deployable.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

std::string Text(const Shape& shape) {
  return absl::StrCat(shape.channels(), "x", shape.height(), "x",
                      shape.width());
}

int64_t MultiplyAccumulates(const Graph& graph, const Node& node) {
  if (!node.has_convolution()) return 0;
  const ConvolutionOp& op = node.convolution();
  return int64_t{node.output().height()} * node.output().width() *
         op.out_channels() * op.kernel() * op.kernel() *
         (graph.nodes(node.inputs(0)).output().channels() / op.groups());
}

std::string Kind(const Node& node) {
  if (!node.has_convolution()) return "-\t-";
  return absl::StrCat(node.convolution().kernel(), "\t",
                      node.convolution().stride());
}

void PrintLayer(const GraphEngine& engine, int index, int64_t instructions) {
  const Graph& graph = engine.graph();
  const Node& node = graph.nodes(index);
  const int64_t products = MultiplyAccumulates(graph, node);
  if (instructions == 0 && products == 0) return;
  std::printf(
      "%s\t%s\t%s\t%s\t%lld\t%lld\t%.4f\t%s\n", node.name().c_str(),
      node.inputs_size() == 0
          ? "-"
          : Text(graph.nodes(node.inputs(0)).output()).c_str(),
      Text(node.output()).c_str(), Kind(node).c_str(),
      static_cast<long long>(products), static_cast<long long>(instructions),
      products == 0 ? 0.0 : static_cast<double>(instructions) / products,
      engine.description(index).c_str());
}

absl::Status Count(const std::string& name, const std::string& model_path,
                   const std::string& counter_path,
                   absl::optional<int64_t> transform_budget_bytes) {
  YOLOQ_RETURN_IF_ERROR(OpenInstructionCounter(counter_path));
  YOLOQ_ASSIGN_OR_RETURN(const Deployable model, Deployable::Open(model_path));
  EngineOptions options;
  options.threads = 1;
  options.native.transform_budget_bytes = transform_budget_bytes;
  options.graph.time_nodes = true;
  options.graph.clock = CountedInstructions;
  YOLOQ_ASSIGN_OR_RETURN(const auto engine,
                         CreateGraphEngine(name, &model, options));
  const Shape& input = engine->graph().nodes(0).output();
  std::vector<uint8_t> picture(int64_t{input.height()} * input.width() *
                               input.channels());
  for (size_t i = 0; i < picture.size(); ++i) {
    picture[i] = static_cast<uint8_t>(i * 2654435761u >> 24);
  }
  std::vector<HeadOutput> heads;
  // The first run also pays for pages and buffers.
  YOLOQ_RETURN_IF_ERROR(engine->Run(picture, &heads));
  const int64_t begin = CountedInstructions();
  YOLOQ_RETURN_IF_ERROR(engine->Run(picture, &heads));
  const int64_t total = CountedInstructions() - begin;
  int64_t in_layers = 0;
  for (int i = 0; i < engine->graph().nodes_size(); ++i) {
    PrintLayer(*engine, i, engine->node_ns()[i]);
    in_layers += engine->node_ns()[i];
  }
  std::printf("all layers\t\t\t\t\t\t%lld\n",
              static_cast<long long>(in_layers));
  std::printf("between layers\t\t\t\t\t\t%lld\n",
              static_cast<long long>(total - in_layers));
  std::printf("packed bytes\t\t\t\t\t\t%lld\n",
              static_cast<long long>(engine->packed_bytes()));
  std::printf("forward pass\t\t\t\t\t\t%lld\n", static_cast<long long>(total));
  return absl::OkStatus();
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  int64_t budget_mb = -1;
  if (argc < 4 || argc > 5 ||
      (argc == 5 && !absl::SimpleAtoi(argv[4], &budget_mb))) {
    std::fprintf(stderr,
                 "usage: count ENGINE MODEL COUNTER [TRANSFORM_BUDGET_MB]\n");
    return 2;
  }
  const absl::Status status = yoloq::Count(
      argv[1], argv[2], argv[3], yoloq::TransformBudgetOfMegabytes(budget_mb));
  if (status.ok()) return 0;
  std::fprintf(stderr, "count: %s\n", status.ToString().c_str());
  return 1;
}
