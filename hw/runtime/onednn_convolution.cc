#include "hw/runtime/onednn_convolution.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hw/runtime/node_kernels.h"
#include "quant/integer_semantics.h"

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

std::vector<float> Multipliers(const Int8ConvolutionParameters& parameters) {
  std::vector<float> multipliers(parameters.bias.size());
  for (size_t c = 0; c < multipliers.size(); ++c) {
    const size_t scale = parameters.weight_scales.size() == 1 ? 0 : c;
    multipliers[c] = RequantizationMultiplier(parameters.input.scale(),
                                              parameters.weight_scales[scale],
                                              parameters.output.scale());
  }
  return multipliers;
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

}  // namespace

bool FusedRequantizationIsExact(const Int8ConvolutionParameters& parameters) {
  constexpr int64_t kExact = int64_t{1} << 24;
  const std::vector<float> multipliers = Multipliers(parameters);
  const size_t per_channel = parameters.weights.size() / multipliers.size();
  const double slope = parameters.activation == LEAKY ? kLeakySlope : 1.0;
  for (size_t c = 0; c < multipliers.size(); ++c) {
    const int64_t bias = std::llabs(parameters.bias[c]);
    const int64_t sum =
        LargestSum(parameters.weights.subspan(c * per_channel, per_channel),
                   parameters.input.zero_point());
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

struct OneDnnConvolution::State {
  dnnl::convolution_forward primitive;
  dnnl::memory source, weights, bias, destination;
  dnnl::stream stream{CpuEngine()};
  std::unordered_map<int, dnnl::memory> arguments;
  // Of the unfused form only.
  int64_t accumulator_bytes = 0;
  int64_t cells = 0;
  std::vector<int32_t> integer_bias;
  std::vector<float> multipliers;
  Activation activation = LINEAR;
  int zero_point = 0;

  void Bind(const dnnl::convolution_forward::primitive_desc& primitive_desc) {
    primitive = dnnl::convolution_forward(primitive_desc);
    source =
        dnnl::memory(primitive_desc.src_desc(), CpuEngine(), DNNL_MEMORY_NONE);
    destination =
        dnnl::memory(primitive_desc.dst_desc(), CpuEngine(), DNNL_MEMORY_NONE);
    arguments = {{DNNL_ARG_SRC, source},
                 {DNNL_ARG_WEIGHTS, weights},
                 {DNNL_ARG_DST, destination}};
    if (bias) arguments[DNNL_ARG_BIAS] = bias;
  }

  // oneDNN's own copy of a bias.
  template <typename T>
  void SetBias(absl::Span<const T> values, DataType type) {
    bias = dnnl::memory(
        dnnl::memory::desc({static_cast<int64_t>(values.size())}, type, Tag::x),
        CpuEngine());
    std::copy(values.begin(), values.end(),
              static_cast<T*>(bias.get_data_handle()));
  }
};

OneDnnConvolution::OneDnnConvolution(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

OneDnnConvolution::~OneDnnConvolution() = default;

int64_t OneDnnConvolution::accumulator_bytes() const {
  return state_->accumulator_bytes;
}

absl::StatusOr<std::unique_ptr<OneDnnConvolution>>
OneDnnConvolution::CreateInt8(const ConvolutionOp& op, const Shape& input,
                              const Shape& output,
                              const Int8ConvolutionParameters& parameters) {
  auto state = std::make_unique<State>();
  try {
    const bool fused = FusedRequantizationIsExact(parameters);
    dnnl::primitive_attr attributes;
    attributes.set_zero_points(DNNL_ARG_SRC, 0,
                               {parameters.input.zero_point()});
    if (fused) {
      attributes.set_output_scales(1 << 1, Multipliers(parameters));
      attributes.set_zero_points(DNNL_ARG_DST, 0,
                                 {parameters.output.zero_point()});
      dnnl::post_ops operations;
      AppendActivation(parameters.activation, &operations);
      operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_round, 0.0f,
                                0.0f);
      attributes.set_post_ops(operations);
      state->SetBias(parameters.bias, DataType::s32);
    } else {
      state->cells = int64_t{output.height()} * output.width();
      state->accumulator_bytes =
          state->cells * output.channels() * sizeof(int32_t);
      state->integer_bias.assign(parameters.bias.begin(),
                                 parameters.bias.end());
      state->multipliers = Multipliers(parameters);
      state->activation = parameters.activation;
      state->zero_point = parameters.output.zero_point();
    }
    const auto primitive = PrimitiveDesc(
        op, input, output, DataType::u8, DataType::s8,
        fused ? absl::make_optional(DataType::s32) : absl::nullopt,
        fused ? DataType::u8 : DataType::s32, attributes);
    state->weights = PackWeights(op, input, DataType::s8,
                                 parameters.weights.data(), primitive);
    state->Bind(primitive);
  } catch (const dnnl::error& error) {
    return absl::InternalError(absl::StrCat("oneDNN: ", error.what()));
  }
  return std::unique_ptr<OneDnnConvolution>(
      new OneDnnConvolution(std::move(state)));
}

absl::StatusOr<std::unique_ptr<OneDnnConvolution>>
OneDnnConvolution::CreateFloat(const ConvolutionOp& op, const Shape& input,
                               const Shape& output,
                               absl::Span<const float> weights,
                               absl::Span<const float> bias) {
  auto state = std::make_unique<State>();
  try {
    dnnl::primitive_attr attributes;
    dnnl::post_ops operations;
    AppendActivation(op.activation(), &operations);
    attributes.set_post_ops(operations);
    state->SetBias(bias, DataType::f32);
    const auto primitive =
        PrimitiveDesc(op, input, output, DataType::f32, DataType::f32,
                      DataType::f32, DataType::f32, attributes);
    state->weights =
        PackWeights(op, input, DataType::f32, weights.data(), primitive);
    state->Bind(primitive);
  } catch (const dnnl::error& error) {
    return absl::InternalError(absl::StrCat("oneDNN: ", error.what()));
  }
  return std::unique_ptr<OneDnnConvolution>(
      new OneDnnConvolution(std::move(state)));
}

void OneDnnConvolution::Run(const void* input, void* output,
                            void* accumulators) {
  State& state = *state_;
  const bool fused = state.accumulator_bytes == 0;
  state.source.set_data_handle(const_cast<void*>(input), state.stream);
  state.destination.set_data_handle(fused ? output : accumulators,
                                    state.stream);
  state.primitive.execute(state.stream, state.arguments);
  state.stream.wait();
  if (fused) return;
  RequantizeAccumulators(static_cast<const int32_t*>(accumulators),
                         state.integer_bias.data(), state.multipliers.data(),
                         state.activation, state.cells,
                         static_cast<int>(state.multipliers.size()),
                         state.zero_point, static_cast<uint8_t*>(output));
}

bool OneDnnInt8IsExact() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx2_vnni:
    case dnnl::cpu_isa::avx512_core_vnni:
    case dnnl::cpu_isa::avx512_core_bf16:
    case dnnl::cpu_isa::avx512_core_amx:
      return true;
    default:
      return false;
  }
}

std::string OneDnnVersion() {
  const dnnl_version_t* version = dnnl_version();
  return absl::StrCat(version->major, ".", version->minor, ".", version->patch);
}

}  // namespace yoloq
