#include "quant/reference_engine.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "quant/integer_semantics.h"

namespace yoloq {
namespace {

// The values under the kernel for one output cell and one group, in the order
// (kernel row, kernel column, channel); `outside` where the kernel leaves the
// picture.
template <typename To, typename From, typename Map>
void GatherPatch(const From* input, const Shape& shape, const ConvolutionOp& op,
                 int row, int column, int group, To outside, const Map& map,
                 std::vector<To>* patch) {
  const int channels = shape.channels() / op.groups();
  To* to = patch->data();
  for (int ky = 0; ky < op.kernel(); ++ky) {
    const int y = row * op.stride() - op.padding() + ky;
    for (int kx = 0; kx < op.kernel(); ++kx, to += channels) {
      const int x = column * op.stride() - op.padding() + kx;
      if (y < 0 || y >= shape.height() || x < 0 || x >= shape.width()) {
        std::fill(to, to + channels, outside);
        continue;
      }
      const From* from = input +
                         (int64_t{y} * shape.width() + x) * shape.channels() +
                         int64_t{group} * channels;
      std::transform(from, from + channels, to, map);
    }
  }
}

// (out, in / groups, kernel, kernel) to the order of a patch, one row an
// output.
template <typename To, typename From>
std::vector<To> PatchOrder(absl::Span<const From> weights,
                           const ConvolutionOp& op, int channels) {
  const int area = op.kernel() * op.kernel();
  std::vector<To> result(weights.size());
  for (int64_t o = 0; o < op.out_channels(); ++o) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t k = 0; k < area; ++k) {
        result[(o * area + k) * channels + c] =
            weights[(o * channels + c) * area + k];
      }
    }
  }
  return result;
}

float Activate(float x, Activation activation) {
  if (activation == RELU && x < 0) return 0;
  if (activation == LEAKY && x < 0) return x * kLeakySlope;
  return x;
}

template <typename T>
void Upsample(const std::vector<T>& input, const Shape& in, const Shape& out,
              int factor, std::vector<T>* output) {
  T* to = output->data();
  for (int y = 0; y < out.height(); ++y) {
    for (int x = 0; x < out.width(); ++x, to += in.channels()) {
      const int64_t cell = int64_t{y / factor} * in.width() + x / factor;
      const T* from = input.data() + cell * in.channels();
      std::copy(from, from + in.channels(), to);
    }
  }
}

template <typename T>
void MaxPool(const std::vector<T>& input, const Shape& in, const Shape& out,
             const MaxPoolOp& op, std::vector<T>* output) {
  const T least = std::numeric_limits<T>::has_infinity
                      ? -std::numeric_limits<T>::infinity()
                      : std::numeric_limits<T>::lowest();
  const int before = op.padding_total() / 2;
  std::fill(output->begin(), output->end(), least);
  T* to = output->data();
  for (int row = 0; row < out.height(); ++row) {
    const int top = row * op.stride() - before;
    for (int column = 0; column < out.width(); ++column, to += in.channels()) {
      const int left = column * op.stride() - before;
      for (int y = std::max(top, 0); y < std::min(top + op.size(), in.height());
           ++y) {
        for (int x = std::max(left, 0);
             x < std::min(left + op.size(), in.width()); ++x) {
          const T* from =
              input.data() + (int64_t{y} * in.width() + x) * in.channels();
          for (int c = 0; c < in.channels(); ++c) {
            to[c] = std::max(to[c], from[c]);
          }
        }
      }
    }
  }
}

// Copies `count` channels of each cell, from channel `from_begin` of the input
// to channel `to_begin` of the output, through `map`.
template <typename T, typename Map>
void CopyChannels(const std::vector<T>& input, int in_channels, int from_begin,
                  int count, int out_channels, int to_begin, const Map& map,
                  std::vector<T>* output) {
  const int64_t cells = static_cast<int64_t>(input.size()) / in_channels;
  for (int64_t cell = 0; cell < cells; ++cell) {
    const T* from = input.data() + cell * in_channels + from_begin;
    std::transform(from, from + count,
                   output->data() + cell * out_channels + to_begin, map);
  }
}

// Upsample, max-pool, slice and YOLO head: the same on bytes and on reals.
template <typename T>
void MoveValues(const Node& node, const std::vector<T>& input, const Shape& in,
                std::vector<T>* output) {
  const Shape& out = node.output();
  switch (node.op_case()) {
    case Node::kUpsample:
      Upsample(input, in, out, node.upsample().factor(), output);
      break;
    case Node::kMaxPool:
      MaxPool(input, in, out, node.max_pool(), output);
      break;
    case Node::kSlice:
      CopyChannels(
          input, in.channels(), node.slice().begin(), node.slice().count(),
          out.channels(), 0, [](T x) { return x; }, output);
      break;
    default:
      *output = input;
  }
}

}  // namespace

ReferenceEngine::ReferenceEngine(const Deployable* model)
    : model_(model),
      needs_reals_(model->graph().nodes_size()),
      values_(model->graph().nodes_size()) {
  for (int i = 0; i < graph().nodes_size(); ++i) {
    const Node& node = graph().nodes(i);
    const bool float_reader = model_->execution(i).precision() == FP32;
    needs_reals_[i] = node.has_yolo_head();
    for (const int input : node.inputs()) {
      if (float_reader) needs_reals_[input] = true;
    }
  }
}

absl::Status ReferenceEngine::Run(absl::Span<const uint8_t> rgb,
                                  std::vector<HeadOutput>* heads) {
  const int64_t size = ElementCount(graph().nodes(0).output());
  if (static_cast<int64_t>(rgb.size()) != size) {
    return absl::InvalidArgumentError(
        absl::StrCat("reference: the picture has ", rgb.size(),
                     " bytes, the network's input is ", size));
  }
  for (int i = 0; i < graph().nodes_size(); ++i) {
    if (graph().nodes(i).has_input()) {
      values_[i].bytes.assign(rgb.begin(), rgb.end());
    } else if (model_->execution(i).precision() == INT8) {
      values_[i].bytes.resize(ElementCount(graph().nodes(i).output()));
      RunInt8(i);
    } else {
      values_[i].reals.resize(ElementCount(graph().nodes(i).output()));
      RunFloat(i);
    }
    Convert(i);
  }

  const std::vector<int> indices = YoloHeads(graph());
  heads->resize(indices.size());
  for (size_t i = 0; i < indices.size(); ++i) {
    const Shape& shape = graph().nodes(indices[i]).output();
    HeadOutput& head = (*heads)[i];
    head.node = indices[i];
    head.height = shape.height();
    head.width = shape.width();
    head.channels = shape.channels();
    head.values = values_[indices[i]].reals;
  }
  return absl::OkStatus();
}

void ReferenceEngine::Convert(int index) {
  Value& value = values_[index];
  const NodeExecution& execution = model_->execution(index);
  if (graph().nodes(index).has_input()) {
    value.reals.resize(value.bytes.size());
    TensorQuantization input;
    input.set_scale(kInputScale);
    input.set_zero_point(kInputZeroPoint);
    std::transform(value.bytes.begin(), value.bytes.end(), value.reals.begin(),
                   [&](uint8_t q) { return Dequantize(q, input); });
  } else if (execution.precision() == INT8 && needs_reals_[index]) {
    value.reals.resize(value.bytes.size());
    std::transform(
        value.bytes.begin(), value.bytes.end(), value.reals.begin(),
        [&](uint8_t q) { return Dequantize(q, execution.output()); });
  } else if (execution.precision() == FP32 && execution.has_output()) {
    value.bytes.resize(value.reals.size());
    std::transform(value.reals.begin(), value.reals.end(), value.bytes.begin(),
                   [&](float r) { return Quantize(r, execution.output()); });
  }
}

const ReferenceEngine::Value& ReferenceEngine::Input(int index,
                                                     int which) const {
  return values_[graph().nodes(index).inputs(which)];
}

const TensorQuantization& ReferenceEngine::InputQuantization(int index,
                                                             int which) const {
  return model_->execution(graph().nodes(index).inputs(which)).output();
}

const Shape& ReferenceEngine::InputShape(int index, int which) const {
  return graph().nodes(graph().nodes(index).inputs(which)).output();
}

void ReferenceEngine::RunInt8(int index) {
  const Node& node = graph().nodes(index);
  switch (node.op_case()) {
    case Node::kConvolution:
      return ConvolveInt8(index);
    case Node::kAdd:
      return AddInt8(index);
    case Node::kConcat:
      return ConcatInt8(index);
    default:
      MoveValues(node, Input(index).bytes, InputShape(index),
                 &values_[index].bytes);
  }
}

void ReferenceEngine::RunFloat(int index) {
  const Node& node = graph().nodes(index);
  std::vector<float>& output = values_[index].reals;
  switch (node.op_case()) {
    case Node::kConvolution:
      return ConvolveFloat(index);
    case Node::kAdd:
      return AddFloat(index);
    case Node::kConcat:
      for (int i = 0, begin = 0; i < node.inputs_size(); ++i) {
        const int channels = InputShape(index, i).channels();
        CopyChannels(
            Input(index, i).reals, channels, 0, channels,
            node.output().channels(), begin, [](float x) { return x; },
            &output);
        begin += channels;
      }
      return;
    default:
      MoveValues(node, Input(index).reals, InputShape(index), &output);
  }
}

void ReferenceEngine::ConvolveInt8(int index) {
  const Node& node = graph().nodes(index);
  const ConvolutionOp& op = node.convolution();
  const NodeExecution& execution = model_->execution(index);
  const Shape& in = InputShape(index);
  const int zero = InputQuantization(index).zero_point();
  const bool two_step = execution.has_before_activation();
  const TensorQuantization& to =
      two_step ? execution.before_activation() : execution.output();
  const Activation activation = two_step ? LINEAR : op.activation();

  const std::vector<int16_t> weights = PatchOrder<int16_t>(
      model_->Int8Weights(index), op, in.channels() / op.groups());
  const absl::Span<const int32_t> bias = model_->Int32Bias(index);
  const absl::Span<const float> scales = model_->WeightScales(index);
  std::vector<float> multipliers(op.out_channels());
  for (int o = 0; o < op.out_channels(); ++o) {
    multipliers[o] = RequantizationMultiplier(
        InputQuantization(index).scale(), scales[scales.size() == 1 ? 0 : o],
        to.scale());
  }

  const int64_t per_output =
      static_cast<int64_t>(weights.size()) / op.out_channels();
  const int outs = op.out_channels() / op.groups();
  std::vector<int16_t> patch(per_output);
  uint8_t* output = values_[index].bytes.data();
  for (int row = 0; row < node.output().height(); ++row) {
    for (int column = 0; column < node.output().width(); ++column) {
      for (int group = 0; group < op.groups(); ++group) {
        // Padding has the value of the zero point: a difference of 0.
        GatherPatch(
            Input(index).bytes.data(), in, op, row, column, group, int16_t{0},
            [zero](uint8_t q) { return static_cast<int16_t>(q - zero); },
            &patch);
        for (int o = group * outs; o < (group + 1) * outs; ++o) {
          const int16_t* w = weights.data() + o * per_output;
          int32_t acc = bias[o];
          for (int64_t k = 0; k < per_output; ++k) {
            acc += static_cast<int32_t>(patch[k]) * w[k];
          }
          *output++ = RequantizeAccumulator(acc, multipliers[o], activation,
                                            to.zero_point());
        }
      }
    }
  }

  if (two_step) {
    const std::array<uint8_t, 256> table = LeakyTable(to, execution.output());
    for (uint8_t& q : values_[index].bytes) q = table[q];
  }
}

void ReferenceEngine::AddInt8(int index) {
  const std::vector<uint8_t>& a = Input(index, 0).bytes;
  const std::vector<uint8_t>& b = Input(index, 1).bytes;
  std::vector<uint8_t>& output = values_[index].bytes;
  for (size_t i = 0; i < output.size(); ++i) {
    output[i] = AddQuantized(a[i], InputQuantization(index, 0), b[i],
                             InputQuantization(index, 1),
                             graph().nodes(index).add().activation(),
                             model_->execution(index).output());
  }
}

void ReferenceEngine::ConcatInt8(int index) {
  const Node& node = graph().nodes(index);
  const TensorQuantization& to = model_->execution(index).output();
  for (int i = 0, begin = 0; i < node.inputs_size(); ++i) {
    const int channels = InputShape(index, i).channels();
    const TensorQuantization& from = InputQuantization(index, i);
    CopyChannels(
        Input(index, i).bytes, channels, 0, channels, node.output().channels(),
        begin, [&](uint8_t q) { return Requantize(q, from, to); },
        &values_[index].bytes);
    begin += channels;
  }
}

void ReferenceEngine::ConvolveFloat(int index) {
  const Node& node = graph().nodes(index);
  const ConvolutionOp& op = node.convolution();
  const Shape& in = InputShape(index);
  const std::vector<float> weights = PatchOrder<float>(
      model_->FloatWeights(index), op, in.channels() / op.groups());
  const absl::Span<const float> bias = model_->FloatBias(index);

  // One output a column, so that the inner loop runs over independent sums:
  // each is added up in the order of the patch.
  const int64_t per_output =
      static_cast<int64_t>(weights.size()) / op.out_channels();
  const int outs = op.out_channels() / op.groups();
  std::vector<float> columns(weights.size());
  for (int64_t o = 0; o < op.out_channels(); ++o) {
    for (int64_t k = 0; k < per_output; ++k) {
      columns[(o / outs * per_output + k) * outs + o % outs] =
          weights[o * per_output + k];
    }
  }

  std::vector<float> patch(per_output);
  float* output = values_[index].reals.data();
  for (int row = 0; row < node.output().height(); ++row) {
    for (int column = 0; column < node.output().width(); ++column) {
      for (int group = 0; group < op.groups(); ++group, output += outs) {
        GatherPatch(
            Input(index).reals.data(), in, op, row, column, group, 0.0f,
            [](float x) { return x; }, &patch);
        std::copy_n(bias.data() + group * outs, outs, output);
        const float* w = columns.data() + group * per_output * outs;
        for (int64_t k = 0; k < per_output; ++k, w += outs) {
          for (int o = 0; o < outs; ++o) output[o] += patch[k] * w[o];
        }
        for (int o = 0; o < outs; ++o) {
          output[o] = Activate(output[o], op.activation());
        }
      }
    }
  }
}

void ReferenceEngine::AddFloat(int index) {
  const std::vector<float>& a = Input(index, 0).reals;
  const std::vector<float>& b = Input(index, 1).reals;
  const Activation activation = graph().nodes(index).add().activation();
  std::vector<float>& output = values_[index].reals;
  for (size_t i = 0; i < output.size(); ++i) {
    output[i] = Activate(a[i] + b[i], activation);
  }
}

}  // namespace yoloq
