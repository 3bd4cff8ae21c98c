#include "hw/native/depthwise.h"

#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/aligned_buffer.h"
#include "hw/native/finisher.h"

namespace yoloq {
namespace native {
namespace {

// Output pixels in one round.
constexpr int64_t kBlockPixels = 32;

template <typename In, typename W, typename C, typename Finisher>
class Depthwise : public Convolution {
 public:
  template <typename Weight>
  Depthwise(const ConvolutionTask& task, const PlanContext& context,
            absl::Span<const Weight> weights,
            std::unique_ptr<Finisher> finisher, std::string description)
      : workers_(*context.workers),
        kernels_(*context.kernels),
        finisher_(std::move(finisher)),
        description_(std::move(description)),
        op_(task.op),
        input_(task.input),
        output_(task.output),
        input_stride_(task.input_stride),
        zero_point_(task.input_quantization.zero_point()),
        pixels_(OutputPixels(task)),
        channels_(RoundUp(task.input.channels(), context.kernels->lanes)),
        outside_(task.input.channels(), std::is_same_v<In, uint8_t>
                                            ? static_cast<In>(zero_point_)
                                            : In{0}),
        packed_(int64_t{taps()} * channels_) {
    for (int c = 0; c < input_.channels(); ++c) {
      for (int t = 0; t < taps(); ++t) {
        packed_.data()[t * channels_ + c] = weights[c * taps() + t];
      }
    }
  }

  int64_t packed_bytes() const override { return packed_.bytes(); }
  std::string description() const override { return description_; }
  int64_t scratch_bytes() const override {
    return workers_.places() * place_bytes();
  }

  absl::Status Run(const ConvolutionBuffers& buffers) override {
    const In* const input = static_cast<const In*>(buffers.input);
    workers_.Loop(
        CeilDivide(pixels_, kBlockPixels), [&](int64_t block, int place) {
          const int64_t first = block * kBlockPixels;
          const int64_t count = std::min(kBlockPixels, pixels_ - first);
          C* const sums = reinterpret_cast<C*>(
              static_cast<char*>(buffers.scratch) + place * place_bytes());
          std::vector<const In*> pixels(taps());
          for (int64_t i = 0; i < count; ++i) {
            FindPixels(input, first + i, pixels.data());
            Sum(pixels.data(), sums + i * channels_);
          }
          finisher_->Finish(sums, channels_, first, static_cast<int>(count), 0,
                            input_.channels(), buffers);
        });
    return absl::OkStatus();
  }

 private:
  int taps() const { return op_.kernel() * op_.kernel(); }
  int64_t place_bytes() const {
    return RoundUp(kBlockPixels * channels_ * sizeof(C), 64);
  }

  void FindPixels(const In* input, int64_t pixel, const In** pixels) const {
    const int top = static_cast<int>(pixel / output_.width()) * op_.stride() -
                    op_.padding();
    const int left = static_cast<int>(pixel % output_.width()) * op_.stride() -
                     op_.padding();
    for (int t = 0; t < taps(); ++t) {
      const int y = top + t / op_.kernel();
      const int x = left + t % op_.kernel();
      const bool inside =
          y >= 0 && y < input_.height() && x >= 0 && x < input_.width();
      pixels[t] =
          inside ? input + (int64_t{y} * input_.width() + x) * input_stride_
                 : outside_.data();
    }
  }

  void Sum(const In* const* pixels, C* sums) const {
    if constexpr (std::is_same_v<In, uint8_t>) {
      kernels_.depthwise_u8(pixels, taps(), input_.channels(), zero_point_,
                            packed_.data(), channels_, sums);
    } else {
      kernels_.depthwise_f32(pixels, taps(), input_.channels(), packed_.data(),
                             channels_, sums);
    }
  }

  Workers& workers_;
  const KernelSet& kernels_;
  const std::unique_ptr<Finisher> finisher_;
  const std::string description_;
  const ConvolutionOp op_;
  const Shape input_;
  const Shape output_;
  const int64_t input_stride_;
  const int zero_point_;
  const int64_t pixels_;
  const int64_t channels_;         // whole vectors
  const std::vector<In> outside_;  // a pixel of padding
  AlignedBuffer<W> packed_;        // [tap][channel]
};

}  // namespace

bool IsDepthwise(const ConvolutionTask& task) {
  return task.op.groups() == task.input.channels() &&
         task.op.out_channels() == task.input.channels();
}

Cost DepthwiseCost(const ConvolutionTask& task, const PlanContext& context) {
  const bool reals = task.precision == FP32;
  const int taps = task.op.kernel() * task.op.kernel();
  const int64_t channels =
      RoundUp(task.input.channels(), context.kernels->lanes);
  const double values = static_cast<double>(OutputPixels(task)) * channels;
  const double operations = context.kernels->core.vector_operations;
  // A tap of a vector of values: two loads and the pointer's, and multiplying
  // and adding, which bytes do after widening, but on twice as many values.
  const double vector = context.kernels->lanes / 2;
  Cost cost;
  cost.multiplies = values * taps;
  cost.multiply_cycles =
      values * taps * (reals ? 4 : 4.5) / (vector * operations);
  // Finding the pixels, one by one, and the epilogue.
  cost.transform_cycles =
      static_cast<double>(OutputPixels(task)) * taps * 15 / operations +
      values * 10 / (vector * operations);
  cost.packed_bytes = channels * taps * (reals ? 4 : 2);
  cost.traffic = TensorTraffic(task);
  cost.traffic.weights = static_cast<double>(cost.packed_bytes);
  return cost;
}

std::unique_ptr<Convolution> NewDepthwise(const ConvolutionTask& task,
                                          const PlanContext& context,
                                          std::string description) {
  const KernelSet& kernels = *context.kernels;
  if (task.precision == FP32) {
    return std::make_unique<Depthwise<float, float, float, RealFinisher>>(
        task, context, task.float_weights,
        std::make_unique<RealFinisher>(task, kernels), std::move(description));
  }
  return std::make_unique<Depthwise<uint8_t, int16_t, int32_t, ByteFinisher>>(
      task, context, task.int8_weights,
      std::make_unique<ByteFinisher>(task, task.int32_bias, kernels),
      std::move(description));
}

}  // namespace native
}  // namespace yoloq
