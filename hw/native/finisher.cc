#include "hw/native/finisher.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/integer_semantics.h"

namespace yoloq {
namespace native {
namespace {

float Slope(Activation activation) {
  return activation == LEAKY ? kLeakySlope : 1.0f;
}

// The clamp before rounding; RELU's own limit lies above it.
float LowestByte(Activation activation, int zero_point) {
  return activation == RELU ? 0.0f : static_cast<float>(-zero_point);
}

float LowestReal(Activation activation) {
  return activation == RELU ? 0.0f : -std::numeric_limits<float>::infinity();
}

// Pointers to the block's first element.
template <typename T>
BlockOutput<T> Block(const ConvolutionBuffers& buffers, int64_t pixel,
                     int channel, int64_t residual_stride, int64_t bytes_stride,
                     int64_t reals_stride) {
  BlockOutput<T> block;
  if (buffers.residual != nullptr) {
    block.residual = static_cast<const T*>(buffers.residual) +
                     pixel * residual_stride + channel;
  }
  if (buffers.bytes != nullptr) {
    block.bytes = buffers.bytes + pixel * bytes_stride + channel;
  }
  if (buffers.reals != nullptr) {
    block.reals = buffers.reals + pixel * reals_stride + channel;
  }
  block.residual_stride = residual_stride;
  block.bytes_stride = bytes_stride;
  block.reals_stride = reals_stride;
  return block;
}

// Room for a whole vector of columns, or for a panel of 16, that starts at any
// channel.
int64_t Padded(int64_t channels, const KernelSet& kernels) {
  return channels + std::max(2 * kernels.lanes, 16);
}

// ByteEpilogue::moderate; false for what is no number.
bool IsModerateMultiplier(float multiplier) { return multiplier <= 0.5f; }
bool IsModerateRatio(float ratio) { return ratio <= 0x1p20f; }

}  // namespace

ByteFinisher::ByteFinisher(const ConvolutionTask& task,
                           absl::Span<const int32_t> bias,
                           const KernelSet& kernels)
    : kernels_(kernels),
      bias_(Padded(bias.size(), kernels)),
      multipliers_(Padded(bias.size(), kernels)),
      residual_stride_(task.add.has_value() ? task.add->residual_stride : 0),
      bytes_stride_(task.bytes_stride),
      reals_stride_(task.reals_stride) {
  const bool two_step = task.before_activation.has_value();
  const TensorQuantization& output = *task.output_quantization;
  const TensorQuantization& first = two_step ? *task.before_activation : output;
  epilogue_.moderate = true;
  for (size_t c = 0; c < bias.size(); ++c) {
    bias_[c] = bias[c];
    multipliers_[c] = RequantizationMultiplier(
        task.input_quantization.scale(),
        task.weight_scales[task.weight_scales.size() == 1 ? 0 : c],
        first.scale());
    epilogue_.moderate =
        epilogue_.moderate && IsModerateMultiplier(multipliers_[c]);
  }
  const Activation activation = two_step ? LINEAR : task.op.activation();
  epilogue_.bias = bias_.data();
  epilogue_.multipliers = multipliers_.data();
  epilogue_.slope = Slope(activation);
  epilogue_.zero_point = first.zero_point();
  epilogue_.lowest = LowestByte(activation, first.zero_point());
  epilogue_.highest = static_cast<float>(255 - first.zero_point());
  if (two_step) {
    table_ = LeakyTable(first, output);
    epilogue_.table = table_.data();
  }
  TensorQuantization last = output;
  if (task.add.has_value()) {
    const FusedAdd& add = *task.add;
    epilogue_.add = true;
    epilogue_.first_zero_point = output.zero_point();
    epilogue_.first_ratio = output.scale() / add.sum.scale();
    epilogue_.residual_zero_point = add.residual.zero_point();
    epilogue_.residual_ratio = add.residual.scale() / add.sum.scale();
    epilogue_.sum_slope = Slope(add.activation);
    epilogue_.sum_lowest = LowestByte(add.activation, add.sum.zero_point());
    epilogue_.sum_highest = static_cast<float>(255 - add.sum.zero_point());
    epilogue_.sum_zero_point = add.sum.zero_point();
    epilogue_.moderate = epilogue_.moderate &&
                         IsModerateRatio(epilogue_.first_ratio) &&
                         IsModerateRatio(epilogue_.residual_ratio);
    last = add.sum;
  }
  epilogue_.real_zero_point = last.zero_point();
  epilogue_.real_scale = last.scale();
}

ByteFinisher::ByteFinisher(const ConvolutionTask& task,
                           absl::Span<const int32_t> bias,
                           const KernelSet& kernels, BiasedSums sums)
    : ByteFinisher(task, bias, kernels) {
  epilogue_.bias = nullptr;
  for (float& multiplier : multipliers_) {
    multiplier = std::ldexp(multiplier, -sums.fraction);
  }
}

ByteEpilogue ByteFinisher::EpilogueFrom(int channel) const {
  ByteEpilogue epilogue = epilogue_;
  if (epilogue.bias != nullptr) epilogue.bias += channel;
  epilogue.multipliers += channel;
  return epilogue;
}

BlockOutput<uint8_t> ByteFinisher::OutputFrom(const ConvolutionBuffers& buffers,
                                              int64_t pixel,
                                              int channel) const {
  return Block<uint8_t>(buffers, pixel, channel, residual_stride_,
                        bytes_stride_, reals_stride_);
}

void ByteFinisher::Finish(const int32_t* acc, int64_t acc_stride, int64_t pixel,
                          int rows, int channel, int columns,
                          const ConvolutionBuffers& buffers) const {
  kernels_.finish_bytes(acc, acc_stride, rows, columns, EpilogueFrom(channel),
                        OutputFrom(buffers, pixel, channel));
}

bool ByteFinisher::FinishTiles(const TileLines& lines, int down, int64_t pixel,
                               int channel, int64_t row_pixels,
                               const ConvolutionBuffers& buffers) const {
  const FinishTilesKernel finish = kernels_.finish_tiles_4[TileSizeIndex(down)];
  return finish != nullptr &&
         finish(lines, bias() + channel, EpilogueFrom(channel),
                OutputFrom(buffers, pixel, channel), row_pixels);
}

RealFinisher::RealFinisher(const ConvolutionTask& task,
                           const KernelSet& kernels)
    : kernels_(kernels),
      bias_(Padded(task.float_bias.size(), kernels)),
      residual_stride_(task.add.has_value() ? task.add->residual_stride : 0),
      bytes_stride_(task.bytes_stride),
      reals_stride_(task.reals_stride) {
  for (size_t c = 0; c < task.float_bias.size(); ++c) {
    bias_[c] = task.float_bias[c];
  }
  epilogue_.bias = bias_.data();
  epilogue_.slope = Slope(task.op.activation());
  epilogue_.lowest = LowestReal(task.op.activation());
  if (task.add.has_value()) {
    epilogue_.add = true;
    epilogue_.sum_slope = Slope(task.add->activation);
    epilogue_.sum_lowest = LowestReal(task.add->activation);
  }
  if (task.wants_bytes) {
    const TensorQuantization& q = *task.output_quantization;
    epilogue_.reciprocal_scale = 1.0f / q.scale();
    epilogue_.byte_lowest = static_cast<float>(-q.zero_point());
    epilogue_.byte_highest = static_cast<float>(255 - q.zero_point());
    epilogue_.byte_zero_point = q.zero_point();
  }
}

void RealFinisher::Finish(const float* acc, int64_t acc_stride, int64_t pixel,
                          int rows, int channel, int columns,
                          const ConvolutionBuffers& buffers) const {
  RealEpilogue epilogue = epilogue_;
  epilogue.bias += channel;
  kernels_.finish_reals(acc, acc_stride, rows, columns, epilogue,
                        Block<float>(buffers, pixel, channel, residual_stride_,
                                     bytes_stride_, reals_stride_));
}

}  // namespace native
}  // namespace yoloq
