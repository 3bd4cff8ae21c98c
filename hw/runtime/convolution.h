// What a backend offers: the convolutions of a graph, made once and run often.
// hw/runtime/graph_engine.h does the rest of the graph for every backend.
#ifndef YOLOQ_HW_RUNTIME_CONVOLUTION_H_
#define YOLOQ_HW_RUNTIME_CONVOLUTION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "hw/runtime/thread_pool.h"
#include "model/graph.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// A residual sum folded into the convolution before it. In INT8 the
// convolution's output is first rounded to its own scale, as if it were stored:
// AddQuantized(convolution, output, residual, quantization, activation, sum).
struct FusedAdd {
  Activation activation = LINEAR;
  bool convolution_is_second = false;  // which operand of the sum it is
  TensorQuantization residual;         // INT8 only
  TensorQuantization sum;              // INT8 only
  int residual_stride = 0;  // elements from one pixel of the residual to the
                            // next, >= the output's channels
};

// One convolution: its shapes, parameters and neighbours. All tensors are
// channels last; a stride is the distance in elements from one pixel to the
// next (>= the channels; more where the tensor lies inside a concat's).
struct ConvolutionTask {
  std::string name;  // the node's, for messages
  ConvolutionOp op;  // no batch norm; `activation` is the one to apply
  Shape input;
  Shape output;
  int input_stride = 0;
  Precision precision = FP32;

  // FP32: weights (out, in / groups, kernel, kernel), bias (out). They outlive
  // Create only.
  absl::Span<const float> float_weights;
  absl::Span<const float> float_bias;

  // INT8: the input's and the output's quantization, and mode TWO_STEP's scale
  // before the activation. Weights as above, in [-127, 127]; weight_scales has
  // 1 or `out` values. With FP32, `output_quantization` is set when the 8-bit
  // form is wanted, and is that of the result (the sum's, with an add).
  absl::Span<const int8_t> int8_weights;
  absl::Span<const int32_t> int32_bias;
  absl::Span<const float> weight_scales;
  TensorQuantization input_quantization;
  absl::optional<TensorQuantization> output_quantization;
  absl::optional<TensorQuantization> before_activation;

  absl::optional<FusedAdd> add;

  // The forms of the output that are wanted, after the add: at least one. A
  // convolution of one precision makes the other form by Quantize or
  // Dequantize of its own.
  bool wants_bytes = false;
  bool wants_reals = false;
  int bytes_stride = 0;
  int reals_stride = 0;
};

// Where one run's tensors lie: uint8_t in INT8 and float in FP32 for input and
// residual.
struct ConvolutionBuffers {
  const void* input = nullptr;
  const void* residual = nullptr;
  uint8_t* bytes = nullptr;  // set as the task wants
  float* reals = nullptr;
  void* scratch = nullptr;  // scratch_bytes(), aligned to 64
};

class Convolution {
 public:
  virtual ~Convolution() = default;

  // Scratch that Run wants. Nothing survives in it from run to run.
  virtual int64_t scratch_bytes() const { return 0; }

  // Memory that the packed parameters take.
  virtual int64_t packed_bytes() const = 0;

  // How it is computed, and why so, in a few words for people.
  virtual std::string description() const = 0;

  virtual absl::Status Run(const ConvolutionBuffers& buffers) = 0;
};

// What a backend's convolutions can do beside convolving; the engine plans by
// it.
struct ConvolutionFusions {
  bool add = false;         // FusedAdd
  bool other_form = false;  // the form of the other precision
  bool strides = false;     // strides above the channel count
  bool two_step = false;    // INT8 with `before_activation`
};

class ConvolutionBackend {
 public:
  virtual ~ConvolutionBackend() = default;

  // "onednn", "xnnpack", "native".
  virtual absl::string_view name() const = 0;

  virtual ConvolutionFusions fusions() const = 0;

  // The threads that convolutions use, and that the engine uses between them.
  virtual ThreadPool& pool() = 0;

  // Packs the parameters. Unimplemented where the backend has no such
  // convolution.
  virtual absl::StatusOr<std::unique_ptr<Convolution>> Create(
      const ConvolutionTask& task) = 0;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_CONVOLUTION_H_
