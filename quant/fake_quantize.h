// Fake quantization: the quantized network simulated in float32.
//
//   const FakeQuantization fake = MakeFakeQuantization(model);
//   // An FP32 executor of model.graph() with the weights fake.weights
//   simulates
//   // the model when its hook calls
//   // fake.Apply(node, before_activation, values, count).
#ifndef YOLOQ_QUANT_FAKE_QUANTIZE_H_
#define YOLOQ_QUANT_FAKE_QUANTIZE_H_

#include <cstdint>
#include <vector>

#include "absl/types/optional.h"
#include "model/weights.h"
#include "quant/deployable.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// Rounds each value to the nearest that has an 8-bit form:
// Dequantize(Quantize(x)) of quant/integer_semantics.h, which is also PyTorch's
// fake_quantize_per_tensor_affine but for the order of two float32 operations.
void FakeQuantizeInPlace(float* values, int64_t count,
                         const TensorQuantization& quantization);

struct FakeQuantization {
  struct Tensors {
    absl::optional<TensorQuantization> output;
    absl::optional<TensorQuantization> before_activation;
  };

  // Fake-quantizes the tensor in place where the model quantizes it.
  // Thread-safe.
  void Apply(int node, bool before_activation, float* values,
             int64_t count) const;

  // Whether any tensor before an activation is quantized.
  bool any_before_activation() const;

  // Parallel to the graph's nodes; `output` is unset where the tensor stays as
  // it is (SimulatedOutputs). A tap with readers of both precisions is the one
  // place where simulation and model round at different points.
  std::vector<Tensors> nodes;
  // int8 weights and int32 biases times their scales; FP32 ones unchanged.
  Weights weights;
};

FakeQuantization MakeFakeQuantization(const Deployable& model);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_FAKE_QUANTIZE_H_
