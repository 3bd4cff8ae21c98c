// The slow scalar engine whose every byte is right by definition: integer nodes
// by quant/integer_semantics.h, FP32 nodes in float32. The other engines are
// compared with it.
#ifndef YOLOQ_QUANT_REFERENCE_ENGINE_H_
#define YOLOQ_QUANT_REFERENCE_ENGINE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "hw/runtime/engine.h"
#include "model/graph.pb.h"
#include "quant/deployable.h"

namespace yoloq {

// A node's value has an 8-bit form (INT8 nodes, and FP32 nodes with an `output`
// quantization), a float form (FP32 nodes, and INT8 nodes that an FP32 node or
// a YOLO head reads), or both. Where a form does not come from the node's own
// arithmetic, it is made from the other by Quantize or Dequantize, once.
class ReferenceEngine : public Engine {
 public:
  // `model` must outlive the engine.
  explicit ReferenceEngine(const Deployable* model);

  absl::string_view name() const override { return "reference"; }
  const Graph& graph() const override { return model_->graph(); }
  absl::Status Run(absl::Span<const uint8_t> rgb,
                   std::vector<HeadOutput>* heads) override;

  // What the last Run left at a node, (height, width, channels); empty when the
  // value has no such form.
  absl::Span<const uint8_t> Uint8Output(int node) const {
    return values_[node].bytes;
  }
  absl::Span<const float> FloatOutput(int node) const {
    return values_[node].reals;
  }

 private:
  struct Value {
    std::vector<uint8_t> bytes;
    std::vector<float> reals;
  };

  void RunInt8(int index);
  void RunFloat(int index);
  // Makes the forms of the value that its readers need beside its own.
  void Convert(int index);

  // The only input of the node at `index`, or its input number `which`.
  const Value& Input(int index, int which = 0) const;
  const TensorQuantization& InputQuantization(int index, int which = 0) const;
  const Shape& InputShape(int index, int which = 0) const;

  void ConvolveInt8(int index);
  void AddInt8(int index);
  void ConcatInt8(int index);
  void ConvolveFloat(int index);
  void AddFloat(int index);

  const Deployable* model_;
  std::vector<bool> needs_reals_;  // a reader takes the float form
  std::vector<Value> values_;      // parallel to the graph's nodes
};

}  // namespace yoloq

#endif  // YOLOQ_QUANT_REFERENCE_ENGINE_H_
