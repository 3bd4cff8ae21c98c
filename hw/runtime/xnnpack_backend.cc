#include "hw/runtime/xnnpack_backend.h"

#include <pthreadpool.h>
#include <xnnpack.h>

#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hw/runtime/multipliers.h"
#include "hw/runtime/node_kernels.h"
#include "hw/runtime/pthread_pool.h"
#include "model/graph.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::Status Check(xnn_status status, absl::string_view what) {
  if (status == xnn_status_success) return absl::OkStatus();
  const std::string message =
      absl::StrCat("XNNPACK cannot ", what, " (status ", status, ")");
  if (status == xnn_status_out_of_memory) {
    return absl::ResourceExhaustedError(message);
  }
  return absl::UnimplementedError(message);
}

struct DeleteOperator {
  void operator()(xnn_operator* op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<xnn_operator, DeleteOperator>;

// (out, in / groups, kernel, kernel) to XNNPACK's (out, kernel, kernel, in /
// groups), or for depthwise convolutions to (kernel, kernel, out).
template <typename T>
std::vector<T> ToXnnpackLayout(const ConvolutionTask& task,
                               absl::Span<const T> weights) {
  const int64_t in = task.input.channels() / task.op.groups();
  const int64_t out = task.op.out_channels();
  const int64_t taps = int64_t{task.op.kernel()} * task.op.kernel();
  const bool depthwise = in == 1 && task.op.groups() > 1;
  std::vector<T> to(weights.size());
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t k = 0; k < taps; ++k) {
        to[depthwise ? k * out + o : (o * taps + k) * in + i] =
            weights[(o * in + i) * taps + k];
      }
    }
  }
  return to;
}

// The arguments that XNNPACK's convolutions of all types begin with.
struct Geometry {
  explicit Geometry(const ConvolutionTask& task)
      : padding(task.op.padding()),
        kernel(task.op.kernel()),
        stride(task.op.stride()),
        groups(task.op.groups()),
        group_in(task.input.channels() / task.op.groups()),
        group_out(task.op.out_channels() / task.op.groups()),
        in(task.input.channels()),
        out(task.op.out_channels()),
        flags(group_in == 1 && groups > 1 ? XNN_FLAG_DEPTHWISE_CONVOLUTION
                                          : 0) {}

  uint32_t padding, kernel, stride, groups;
  size_t group_in, group_out, in, out;
  uint32_t flags;
};

// What FP32 and INT8 have in common.
class XnnpackConvolution : public Convolution {
 public:
  XnnpackConvolution(const ConvolutionTask& task, ThreadPool* pool,
                     pthreadpool_t threads, int64_t packed_bytes)
      : pool_(*pool),
        threads_(threads),
        height_(task.input.height()),
        width_(task.input.width()),
        input_count_(int64_t{task.input.height()} * task.input.width() *
                     task.input.channels()),
        output_count_(int64_t{task.output.height()} * task.output.width() *
                      task.output.channels()),
        packed_bytes_(packed_bytes) {}

  int64_t packed_bytes() const override { return packed_bytes_; }

 protected:
  absl::Status RunOperator() {
    return Check(xnn_run_operator(operator_.get(), threads_), "run");
  }

  ThreadPool& pool_;
  const pthreadpool_t threads_;
  const size_t height_, width_;
  const int64_t input_count_, output_count_;
  const int64_t packed_bytes_;
  Operator operator_;
};

class XnnpackFloat : public XnnpackConvolution {
 public:
  using XnnpackConvolution::XnnpackConvolution;

  absl::Status Create(const ConvolutionTask& task) {
    const Geometry g(task);
    activation_ = task.op.activation();
    const std::vector<float> weights =
        ToXnnpackLayout(task, task.float_weights);
    xnn_operator_t created = nullptr;
    const xnn_status status = xnn_create_convolution2d_nhwc_f32(
        g.padding, g.padding, g.padding, g.padding, g.kernel, g.kernel,
        g.stride, g.stride, 1, 1, g.groups, g.group_in, g.group_out, g.in,
        g.out, weights.data(), task.float_bias.data(),
        activation_ == RELU ? 0 : -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::infinity(), g.flags, &created);
    operator_.reset(created);
    return Check(status, "make this FP32 convolution");
  }

  std::string description() const override { return "xnnpack f32"; }

  absl::Status Run(const ConvolutionBuffers& buffers) override {
    YOLOQ_RETURN_IF_ERROR(Check(
        xnn_setup_convolution2d_nhwc_f32(
            operator_.get(), 1, height_, width_,
            static_cast<const float*>(buffers.input), buffers.reals, threads_),
        "set up"));
    YOLOQ_RETURN_IF_ERROR(RunOperator());
    if (activation_ == LEAKY) {
      ActivateValues(pool_, LEAKY, output_count_, buffers.reals);
    }
    return absl::OkStatus();
  }

 private:
  Activation activation_ = LINEAR;
};

// XNNPACK's signed value of a byte.
int8_t Signed(int q) { return static_cast<int8_t>(q - 128); }

class XnnpackInt8 : public XnnpackConvolution {
 public:
  using XnnpackConvolution::XnnpackConvolution;

  absl::Status Create(const ConvolutionTask& task) {
    if (task.op.activation() == LEAKY && !task.before_activation.has_value()) {
      return absl::UnimplementedError(
          "XNNPACK has no leaky ReLU on INT8 accumulators; export the model "
          "with leaky: TWO_STEP, or use --engine=native");
    }
    if (task.before_activation.has_value())
      leaky_from_ = task.before_activation;
    output_ = *task.output_quantization;
    const TensorQuantization& to = leaky_from_ ? *leaky_from_ : output_;
    const bool relu = task.op.activation() == RELU && !leaky_from_;

    const Geometry g(task);
    const std::vector<int8_t> weights =
        ToXnnpackLayout(task, task.int8_weights);
    // With both tensor scales 1 its multipliers are the very ones given.
    const std::vector<float> multipliers = RequantizationMultipliers(task);
    xnn_operator_t created = nullptr;
    const xnn_status status = xnn_create_convolution2d_nhwc_qc8(
        g.padding, g.padding, g.padding, g.padding, g.kernel, g.kernel,
        g.stride, g.stride, 1, 1, g.groups, g.group_in, g.group_out, g.in,
        g.out, Signed(task.input_quantization.zero_point()), 1.0f,
        multipliers.data(), weights.data(), task.int32_bias.data(),
        Signed(to.zero_point()), 1.0f, Signed(relu ? to.zero_point() : 0), 127,
        g.flags, &created);
    operator_.reset(created);
    return Check(status, "make this INT8 convolution");
  }

  std::string description() const override {
    return "xnnpack qc8, fp32 requantization";
  }

  // The signed copy of the input; XNNPACK may read a little past it.
  int64_t scratch_bytes() const override {
    return input_count_ + XNN_EXTRA_BYTES;
  }

  absl::Status Run(const ConvolutionBuffers& buffers) override {
    auto* const input = static_cast<int8_t*>(buffers.scratch);
    auto* const output = reinterpret_cast<int8_t*>(buffers.bytes);
    ShiftSign(pool_, static_cast<const uint8_t*>(buffers.input), input_count_,
              reinterpret_cast<uint8_t*>(input));
    YOLOQ_RETURN_IF_ERROR(
        Check(xnn_setup_convolution2d_nhwc_qc8(operator_.get(), 1, height_,
                                               width_, input, output, threads_),
              "set up"));
    YOLOQ_RETURN_IF_ERROR(RunOperator());
    ShiftSign(pool_, buffers.bytes, output_count_, buffers.bytes);
    if (leaky_from_.has_value()) {
      LeakyValues(pool_, buffers.bytes, output_count_, *leaky_from_, output_,
                  buffers.bytes);
    }
    return absl::OkStatus();
  }

 private:
  absl::optional<TensorQuantization> leaky_from_;  // mode TWO_STEP
  TensorQuantization output_;
};

class XnnpackBackend : public ConvolutionBackend {
 public:
  explicit XnnpackBackend(int threads) : pool_(threads) {}

  absl::string_view name() const override { return "xnnpack"; }

  ConvolutionFusions fusions() const override {
    ConvolutionFusions fusions;
    fusions.two_step = true;
    return fusions;
  }

  ThreadPool& pool() override { return pool_; }

  absl::StatusOr<std::unique_ptr<Convolution>> Create(
      const ConvolutionTask& task) override {
    if (task.precision == INT8) return Make<XnnpackInt8>(task, sizeof(int8_t));
    return Make<XnnpackFloat>(task, sizeof(float));
  }

 private:
  // XNNPACK tells no sizes: its packed form has the weights and the bias.
  template <typename T>
  absl::StatusOr<std::unique_ptr<Convolution>> Make(const ConvolutionTask& task,
                                                    int64_t weight_bytes) {
    const int64_t packed_bytes =
        WeightCount(task.op, task.input.channels()) * weight_bytes +
        task.op.out_channels() * sizeof(float);
    auto convolution =
        std::make_unique<T>(task, &pool_, pool_.get(), packed_bytes);
    YOLOQ_RETURN_IF_ERROR(convolution->Create(task));
    return convolution;
  }

  PThreadPool pool_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewXnnpackBackend(
    int threads) {
  const xnn_status status = xnn_initialize(/*allocator=*/nullptr);
  if (status != xnn_status_success) {
    return absl::FailedPreconditionError(
        absl::StrCat("XNNPACK does not run on this processor (status ", status,
                     "); use another engine"));
  }
  return std::make_unique<XnnpackBackend>(threads);
}

}  // namespace yoloq
