#include "hw/runtime/onednn_backend.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hw/runtime/multipliers.h"
#include "hw/runtime/node_kernels.h"
#include "quant/integer_semantics.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

dnnl::engine& CpuEngine() {
  static dnnl::engine* const engine =
      new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::memory::desc ActivationDesc(const Shape& shape, DataType type) {
  return dnnl::memory::desc(
      {1, shape.channels(), shape.height(), shape.width()}, type, Tag::nhwc);
}

dnnl::memory::dims WeightDims(const ConvolutionOp& op, const Shape& input) {
  const int per_group = input.channels() / op.groups();
  if (op.groups() == 1) {
    return {op.out_channels(), per_group, op.kernel(), op.kernel()};
  }
  return {op.groups(), op.out_channels() / op.groups(), per_group, op.kernel(),
          op.kernel()};
}

dnnl::convolution_forward::primitive_desc PrimitiveDesc(
    const ConvolutionOp& op, const Shape& input, const Shape& output,
    DataType source, DataType weights, absl::optional<DataType> bias,
    DataType destination, const dnnl::primitive_attr& attributes) {
  const dnnl::memory::desc any(WeightDims(op, input), weights, Tag::any);
  const dnnl::memory::dims stride = {op.stride(), op.stride()};
  const dnnl::memory::dims padding = {op.padding(), op.padding()};
  // oneDNN infers nothing: the padding after the last row must make the shapes
  // fit.
  const auto after = [&](int in, int out) -> dnnl::memory::dim {
    return (out - 1) * op.stride() + op.kernel() - in - op.padding();
  };
  const dnnl::memory::dims padding_after = {
      after(input.height(), output.height()),
      after(input.width(), output.width())};
  const auto descriptor =
      bias.has_value()
          ? dnnl::convolution_forward::desc(
                dnnl::prop_kind::forward_inference,
                dnnl::algorithm::convolution_direct,
                ActivationDesc(input, source), any,
                dnnl::memory::desc({op.out_channels()}, *bias, Tag::x),
                ActivationDesc(output, destination), stride, padding,
                padding_after)
          : dnnl::convolution_forward::desc(dnnl::prop_kind::forward_inference,
                                            dnnl::algorithm::convolution_direct,
                                            ActivationDesc(input, source), any,
                                            ActivationDesc(output, destination),
                                            stride, padding, padding_after);
  return dnnl::convolution_forward::primitive_desc(descriptor, attributes,
                                                   CpuEngine());
}

// Copies the weights into the layout that the primitive chose.
dnnl::memory PackWeights(
    const ConvolutionOp& op, const Shape& input, DataType type,
    const void* weights,
    const dnnl::convolution_forward::primitive_desc& primitive) {
  dnnl::memory plain(
      dnnl::memory::desc(WeightDims(op, input), type,
                         op.groups() == 1 ? Tag::oihw : Tag::goihw),
      CpuEngine(), const_cast<void*>(weights));
  dnnl::memory packed(primitive.weights_desc(), CpuEngine());
  dnnl::stream stream(CpuEngine());
  dnnl::reorder(plain, packed).execute(stream, plain, packed);
  stream.wait();
  return packed;
}

void AppendActivation(Activation activation, dnnl::post_ops* operations) {
  if (activation == LINEAR) return;
  operations->append_eltwise(1.0f, dnnl::algorithm::eltwise_relu,
                             activation == LEAKY ? kLeakySlope : 0.0f, 0.0f);
}

// The largest magnitude that sum (x_q - z_x) * w_q can have, x_q in [0, 255].
int64_t LargestSum(absl::Span<const int8_t> weights, int zero_point) {
  int64_t highest = 0;
  int64_t lowest = 0;
  for (const int8_t weight : weights) {
    const int64_t a = int64_t{weight} * (0 - zero_point);
    const int64_t b = int64_t{weight} * (255 - zero_point);
    highest += std::max(a, b);
    lowest += std::min(a, b);
  }
  return std::max(highest, -lowest);
}

class OneDnnConvolution : public Convolution {
 public:
  // Throws dnnl::error.
  OneDnnConvolution(const ConvolutionTask& task, ThreadPool* pool);

  int64_t scratch_bytes() const override { return accumulator_bytes_; }
  int64_t packed_bytes() const override {
    return static_cast<int64_t>(weights_.get_desc().get_size());
  }
  std::string description() const override { return description_; }
  absl::Status Run(const ConvolutionBuffers& buffers) override;

 private:
  void CreateInt8(const ConvolutionTask& task);
  void CreateFloat(const ConvolutionTask& task);
  void Bind(const dnnl::convolution_forward::primitive_desc& descriptor);

  // oneDNN's own copy of a bias.
  template <typename T>
  void SetBias(absl::Span<const T> values, DataType type) {
    bias_ = dnnl::memory(
        dnnl::memory::desc({static_cast<int64_t>(values.size())}, type, Tag::x),
        CpuEngine());
    std::copy(values.begin(), values.end(),
              static_cast<T*>(bias_.get_data_handle()));
  }

  ThreadPool* const pool_;
  const bool int8_;
  std::string description_;
  dnnl::convolution_forward primitive_;
  dnnl::memory source_, weights_, bias_, destination_;
  dnnl::stream stream_{CpuEngine()};
  std::unordered_map<int, dnnl::memory> arguments_;
  // Of the unfused form only.
  int64_t accumulator_bytes_ = 0;
  int64_t cells_ = 0;
  std::vector<int32_t> integer_bias_;
  std::vector<float> multipliers_;
  Activation activation_ = LINEAR;
  int zero_point_ = 0;
};

OneDnnConvolution::OneDnnConvolution(const ConvolutionTask& task,
                                     ThreadPool* pool)
    : pool_(pool), int8_(task.precision == INT8) {
  if (int8_) {
    CreateInt8(task);
  } else {
    CreateFloat(task);
  }
}

void OneDnnConvolution::CreateInt8(const ConvolutionTask& task) {
  const bool fused = FusedRequantizationIsExact(task);
  dnnl::primitive_attr attributes;
  attributes.set_zero_points(DNNL_ARG_SRC, 0,
                             {task.input_quantization.zero_point()});
  if (fused) {
    attributes.set_output_scales(1 << 1, RequantizationMultipliers(task));
    attributes.set_zero_points(DNNL_ARG_DST, 0,
                               {task.output_quantization->zero_point()});
    dnnl::post_ops operations;
    AppendActivation(task.op.activation(), &operations);
    operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_round, 0.0f, 0.0f);
    attributes.set_post_ops(operations);
    SetBias(task.int32_bias, DataType::s32);
  } else {
    cells_ = int64_t{task.output.height()} * task.output.width();
    accumulator_bytes_ = cells_ * task.output.channels() * sizeof(int32_t);
    integer_bias_.assign(task.int32_bias.begin(), task.int32_bias.end());
    multipliers_ = RequantizationMultipliers(task);
    activation_ = task.op.activation();
    zero_point_ = task.output_quantization->zero_point();
  }
  const auto descriptor = PrimitiveDesc(
      task.op, task.input, task.output, DataType::u8, DataType::s8,
      fused ? absl::make_optional(DataType::s32) : absl::nullopt,
      fused ? DataType::u8 : DataType::s32, attributes);
  weights_ = PackWeights(task.op, task.input, DataType::s8,
                         task.int8_weights.data(), descriptor);
  Bind(descriptor);
  if (!fused) description_ += ", requantized apart: sums may exceed 24 bits";
}

void OneDnnConvolution::CreateFloat(const ConvolutionTask& task) {
  dnnl::primitive_attr attributes;
  dnnl::post_ops operations;
  AppendActivation(task.op.activation(), &operations);
  attributes.set_post_ops(operations);
  SetBias(task.float_bias, DataType::f32);
  const auto descriptor =
      PrimitiveDesc(task.op, task.input, task.output, DataType::f32,
                    DataType::f32, DataType::f32, DataType::f32, attributes);
  weights_ = PackWeights(task.op, task.input, DataType::f32,
                         task.float_weights.data(), descriptor);
  Bind(descriptor);
}

void OneDnnConvolution::Bind(
    const dnnl::convolution_forward::primitive_desc& descriptor) {
  description_ = descriptor.impl_info_str();
  primitive_ = dnnl::convolution_forward(descriptor);
  source_ = dnnl::memory(descriptor.src_desc(), CpuEngine(), DNNL_MEMORY_NONE);
  destination_ =
      dnnl::memory(descriptor.dst_desc(), CpuEngine(), DNNL_MEMORY_NONE);
  arguments_ = {{DNNL_ARG_SRC, source_},
                {DNNL_ARG_WEIGHTS, weights_},
                {DNNL_ARG_DST, destination_}};
  if (bias_) arguments_[DNNL_ARG_BIAS] = bias_;
}

absl::Status OneDnnConvolution::Run(const ConvolutionBuffers& buffers) {
  const bool fused = accumulator_bytes_ == 0;
  void* const output =
      int8_ ? static_cast<void*>(buffers.bytes) : buffers.reals;
  try {
    source_.set_data_handle(const_cast<void*>(buffers.input), stream_);
    destination_.set_data_handle(fused ? output : buffers.scratch, stream_);
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  } catch (const dnnl::error& error) {
    return absl::InternalError(absl::StrCat("oneDNN: ", error.what()));
  }
  if (fused) return absl::OkStatus();
  RequantizeAccumulators(*pool_, static_cast<const int32_t*>(buffers.scratch),
                         integer_bias_.data(), multipliers_.data(), activation_,
                         cells_, static_cast<int>(multipliers_.size()),
                         zero_point_, buffers.bytes);
  return absl::OkStatus();
}

// OpenMP's threads, which oneDNN runs on as well: threads of another pool would
// spin beside them.
class OpenMpPool : public ThreadPool {
 public:
  explicit OpenMpPool(int threads) : threads_(threads) {}

  int threads() const override { return threads_; }

  void Loop(int64_t count, absl::FunctionRef<void(int64_t)> round) override {
#pragma omp parallel for schedule(dynamic) \
    num_threads(threads_) if (count > 1 && threads_ > 1)
    for (int64_t i = 0; i < count; ++i) round(i);
  }

 private:
  const int threads_;
};

class OneDnnBackend : public ConvolutionBackend {
 public:
  explicit OneDnnBackend(int threads) : pool_(threads) {}

  absl::string_view name() const override { return "onednn"; }
  ConvolutionFusions fusions() const override { return {}; }

  // oneDNN makes and runs primitives for as many threads as OpenMP is set to.
  ThreadPool& pool() override { return pool_; }

  absl::StatusOr<std::unique_ptr<Convolution>> Create(
      const ConvolutionTask& task) override {
    if (task.precision == INT8) YOLOQ_RETURN_IF_ERROR(CheckOneDnnInt8());
    omp_set_num_threads(pool_.threads());
    try {
      return std::make_unique<OneDnnConvolution>(task, &pool_);
    } catch (const dnnl::error& error) {
      return absl::InternalError(absl::StrCat("oneDNN: ", error.what()));
    }
  }

 private:
  OpenMpPool pool_;
};

}  // namespace

bool FusedRequantizationIsExact(const ConvolutionTask& task) {
  constexpr int64_t kExact = int64_t{1} << 24;
  const std::vector<float> multipliers = RequantizationMultipliers(task);
  const size_t per_channel = task.int8_weights.size() / multipliers.size();
  const double slope = task.op.activation() == LEAKY ? kLeakySlope : 1.0;
  for (size_t c = 0; c < multipliers.size(); ++c) {
    const int64_t bias = std::llabs(task.int32_bias[c]);
    const int64_t sum =
        LargestSum(task.int8_weights.subspan(c * per_channel, per_channel),
                   task.input_quantization.zero_point());
    if (sum <= kExact && bias <= kExact) continue;
    // Beyond 24 bits the output saturates on both sides, whatever the rounding:
    // |sum + bias| >= 3/4 * 2^24, and 257 steps are out of range from any zero
    // point.
    const bool saturates =
        bias <= kExact / 4 && 0.75 * kExact * multipliers[c] * slope > 257;
    if (!saturates) return false;
  }
  return true;
}

std::unique_ptr<ConvolutionBackend> NewOneDnnBackend(int threads) {
  return std::make_unique<OneDnnBackend>(threads);
}

absl::Status CheckOneDnnInt8() {
  // Those that multiply uint8 by int8 without intermediate saturation.
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx2_vnni:
    case dnnl::cpu_isa::avx512_core_vnni:
    case dnnl::cpu_isa::avx512_core_bf16:
    case dnnl::cpu_isa::avx512_core_amx:
      return absl::OkStatus();
    default:
      return absl::FailedPreconditionError(
          "this processor has no VNNI, so oneDNN's INT8 convolutions would "
          "saturate; use another engine");
  }
}

std::string OneDnnVersion() {
  const dnnl_version_t* version = dnnl_version();
  return absl::StrCat(version->major, ".", version->minor, ".", version->patch);
}

}  // namespace yoloq
