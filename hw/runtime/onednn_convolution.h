// One convolution of the graph as a oneDNN primitive, INT8 or FP32, with the
// activation and the requantization as oneDNN's own post-operations.
#ifndef YOLOQ_HW_RUNTIME_ONEDNN_CONVOLUTION_H_
#define YOLOQ_HW_RUNTIME_ONEDNN_CONVOLUTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/graph.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// The parameters of an INT8 convolution.
struct Int8ConvolutionParameters {
  absl::Span<const int8_t> weights;       // (out, in / groups, kernel, kernel)
  absl::Span<const int32_t> bias;         // out
  absl::Span<const float> weight_scales;  // 1 or out
  TensorQuantization input;
  TensorQuantization output;
  // Of the requantization: LINEAR where leaky is TWO_STEP.
  Activation activation = LINEAR;
};

class OneDnnConvolution {
 public:
  // The primitive is made for the number of OpenMP threads that the calling
  // thread has set, and must be run with as many.
  //
  // The bytes are those of quant/integer_semantics.h. oneDNN adds the bias in
  // float32 after converting the sum; that rounds once, like the definition's
  // conversion, as long as both fit 24 bits. A layer where a sum might not, and
  // where such a sum would not saturate either, is run to int32 and requantized
  // by RequantizeAccumulators.
  static absl::StatusOr<std::unique_ptr<OneDnnConvolution>> CreateInt8(
      const ConvolutionOp& op, const Shape& input, const Shape& output,
      const Int8ConvolutionParameters& parameters);
  static absl::StatusOr<std::unique_ptr<OneDnnConvolution>> CreateFloat(
      const ConvolutionOp& op, const Shape& input, const Shape& output,
      absl::Span<const float> weights, absl::Span<const float> bias);

  ~OneDnnConvolution();

  // Bytes of int32 sums that Run wants as scratch; 0 when all is fused.
  int64_t accumulator_bytes() const;

  // Channels-last input and output, uint8_t or float as created. `accumulators`
  // holds accumulator_bytes(). Throws dnnl::error.
  void Run(const void* input, void* output, void* accumulators);

 private:
  struct State;
  explicit OneDnnConvolution(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Whether the processor multiplies uint8 by int8 without intermediate
// saturation (VNNI); without it oneDNN's INT8 convolutions are inexact.
bool OneDnnInt8IsExact();

// "2.6.3".
std::string OneDnnVersion();

// True when the sums of the convolution may be requantized by oneDNN itself:
// see CreateInt8. Exposed for tests.
bool FusedRequantizationIsExact(const Int8ConvolutionParameters& parameters);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_ONEDNN_CONVOLUTION_H_
