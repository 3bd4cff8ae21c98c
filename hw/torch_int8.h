// The convolutions of a network by LibTorch's own quantized operators, for
// comparing times: random weights, per channel, packed once.
#ifndef YOLOQ_HW_TORCH_INT8_H_
#define YOLOQ_HW_TORCH_INT8_H_

#include <memory>

#include "absl/status/statusor.h"
#include "model/graph.h"

namespace yoloq {

// Engine ONEDNN, channels last, leaky ReLU as an operator of its own (LibTorch
// fuses none).
class TorchInt8Convolutions {
 public:
  // Unavailable where LibTorch lacks the engine or refuses a convolution.
  static absl::StatusOr<std::unique_ptr<TorchInt8Convolutions>> Create(
      const Graph& graph, int threads);
  ~TorchInt8Convolutions();

  // Each convolution of the graph once, on an input of its own.
  absl::Status Run();

 private:
  struct State;
  explicit TorchInt8Convolutions(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_TORCH_INT8_H_
