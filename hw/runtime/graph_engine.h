// The engine of every backend: walks the graph once at creation, decides what
// is fused, where each value lies and in which forms, and has the backend make
// the convolutions; then runs the resulting steps in order.
#ifndef YOLOQ_HW_RUNTIME_GRAPH_ENGINE_H_
#define YOLOQ_HW_RUNTIME_GRAPH_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "hw/runtime/convolution.h"
#include "hw/runtime/engine.h"
#include "quant/deployable.h"

namespace yoloq {

struct GraphEngineOptions {
  // Keeps every node's values until the next run, each in memory of its own and
  // nothing fused with a neighbour, for comparison with the reference.
  bool keep_all_values = false;
  // Times each node (Engine::node_ns).
  bool time_nodes = false;
  // What node_ns counts in place of nanoseconds, such as instructions.
  int64_t (*clock)() = nullptr;
};

// Integer results equal the scalar reference's (quant/reference_engine.h) bit
// for bit if those of the backend's convolutions do.
class GraphEngine : public Engine {
 public:
  // Packs the weights and plans the memory. `model` must outlive the engine.
  // Errors are the backend's, with the node's name.
  static absl::StatusOr<std::unique_ptr<GraphEngine>> Create(
      const Deployable* model, std::unique_ptr<ConvolutionBackend> backend,
      const GraphEngineOptions& options);

  ~GraphEngine() override;

  absl::string_view name() const override;
  const Graph& graph() const override;
  absl::Status Run(absl::Span<const uint8_t> rgb,
                   std::vector<HeadOutput>* heads) override;
  absl::Span<const int64_t> node_ns() const override;

  // With keep_all_values: what the last Run left at a node, (height, width,
  // channels); empty when the value has no such form.
  absl::Span<const uint8_t> Uint8Output(int node) const;
  absl::Span<const float> FloatOutput(int node) const;

  // Activations and scratch, without weights.
  int64_t activation_bytes() const;

  // Packed weights, biases and scales.
  int64_t packed_bytes() const;

  // How the convolution at `node` is computed (Convolution::description), what
  // is fused with it; "" for other nodes.
  std::string description(int node) const;

 private:
  struct State;
  explicit GraphEngine(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_GRAPH_ENGINE_H_
