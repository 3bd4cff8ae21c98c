// LibTorch executor of the graph in FP32: the oracle of every other engine, and
// what calibration and fake quantization run on.
//
//   YOLOQ_ASSIGN_OR_RETURN(auto torch,
//                          TorchExecutor::Create(graph, weights, {}));
//   YOLOQ_RETURN_IF_ERROR(torch->Run(rgb, &heads));
#ifndef YOLOQ_MODEL_TORCH_EXECUTOR_H_
#define YOLOQ_MODEL_TORCH_EXECUTOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "hw/runtime/engine.h"
#include "model/graph.pb.h"
#include "model/weights.h"

namespace yoloq {

// Sees, and may change in place, a tensor as it is made: the values in
// (height, width, channels) order. before_activation: between a convolution
// (with its batch norm) and its activation; otherwise the node's output.
using TensorHook = std::function<void(int node, bool before_activation,
                                      float* values, int64_t count)>;

struct TorchExecutorOptions {
  // Folds batch norm into the convolutions; otherwise it runs as an operator.
  bool fold_batch_norm = true;
  // Intra-op threads, set in each thread that runs the executor; 0 leaves
  // LibTorch's setting.
  int threads = 0;
  // Called for the output of every node but the YOLO heads, where set.
  TensorHook hook;
  // Whether the hook also wants the tensors before activations.
  bool hook_before_activation = false;
};

class TorchExecutor : public Engine {
 public:
  // Checks graph and weights (InvalidArgument) and prepares the weights: packed
  // for oneDNN where that is the fastest form, channels-last elsewhere.
  static absl::StatusOr<std::unique_ptr<TorchExecutor>> Create(
      Graph graph, const Weights& weights, TorchExecutorOptions options);

  ~TorchExecutor() override;

  absl::string_view name() const override { return "torch"; }
  const Graph& graph() const override;
  absl::Status Run(absl::Span<const uint8_t> rgb,
                   std::vector<HeadOutput>* heads) override;

 private:
  struct State;
  explicit TorchExecutor(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// The version of the LibTorch that is linked, "1.13.1".
std::string TorchVersion();

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TORCH_EXECUTOR_H_
