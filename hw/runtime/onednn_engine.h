// Engine `onednn` (x86-64): convolutions by oneDNN, everything else by
// hw/runtime/node_kernels.h. FP32, INT8 and mixed models; integer results equal
// the scalar reference's bit for bit.
#ifndef YOLOQ_HW_RUNTIME_ONEDNN_ENGINE_H_
#define YOLOQ_HW_RUNTIME_ONEDNN_ENGINE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "hw/runtime/engine.h"
#include "quant/deployable.h"

namespace yoloq {

struct OneDnnEngineOptions {
  int threads = 1;  // OpenMP threads, >= 1
  // Keeps every node's values until the next run (more memory), for comparison
  // with the reference.
  bool keep_all_values = false;
};

class OneDnnEngine : public Engine {
 public:
  // Packs the weights and plans the memory. `model` must outlive the engine.
  // FailedPrecondition for a model with INT8 parts on a processor without VNNI.
  static absl::StatusOr<std::unique_ptr<OneDnnEngine>> Create(
      const Deployable* model, OneDnnEngineOptions options);

  ~OneDnnEngine() override;

  absl::string_view name() const override { return "onednn"; }
  const Graph& graph() const override;
  absl::Status Run(absl::Span<const uint8_t> rgb,
                   std::vector<HeadOutput>* heads) override;

  // With keep_all_values: what the last Run left at a node, (height, width,
  // channels); empty when the value has no such form.
  absl::Span<const uint8_t> Uint8Output(int node) const;
  absl::Span<const float> FloatOutput(int node) const;

  // Activations and scratch, without weights.
  int64_t activation_bytes() const;

 private:
  struct State;
  explicit OneDnnEngine(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_ONEDNN_ENGINE_H_
