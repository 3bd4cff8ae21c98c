#include "quant/fake_quantize.h"

#include "quant/quantized_tensors.h"

namespace yoloq {
namespace {

ConvolutionWeights DequantizedWeights(const Deployable& model, int index) {
  ConvolutionWeights result;
  if (model.execution(index).precision() == FP32) {
    const auto weights = model.FloatWeights(index);
    const auto bias = model.FloatBias(index);
    result.weights.assign(weights.begin(), weights.end());
    result.bias.assign(bias.begin(), bias.end());
    return result;
  }
  const auto weights = model.Int8Weights(index);
  const auto bias = model.Int32Bias(index);
  const auto scales = model.WeightScales(index);
  const int input = model.graph().nodes(index).inputs(0);
  const double input_scale = model.execution(input).output().scale();
  const size_t per_output = weights.size() / bias.size();
  result.weights.resize(weights.size());
  for (size_t c = 0; c < bias.size(); ++c) {
    const float scale = scales[scales.size() == 1 ? 0 : c];
    for (size_t i = c * per_output; i < (c + 1) * per_output; ++i) {
      result.weights[i] = weights[i] * scale;
    }
    result.bias.push_back(static_cast<float>(bias[c] * (input_scale * scale)));
  }
  return result;
}

}  // namespace

void FakeQuantizeInPlace(float* values, int64_t count,
                         const TensorQuantization& quantization) {
  const float scale = quantization.scale();
  const float inverse = 1.0f / scale;
  const float low = static_cast<float>(-quantization.zero_point());
  const float high = static_cast<float>(255 - quantization.zero_point());
  // Adding and subtracting 1.5 * 2^23 rounds small numbers half to even, and
  // unlike a call of nearbyint() is vectorized on every processor.
  constexpr float kRound = 12582912.0f;
  for (int64_t i = 0; i < count; ++i) {
    const float r = values[i] * inverse;
    const float clamped = r > low ? (r < high ? r : high) : low;
    values[i] = ((clamped + kRound) - kRound) * scale;
  }
}

void FakeQuantization::Apply(int node, bool before_activation, float* values,
                             int64_t count) const {
  const auto& quantization =
      before_activation ? nodes[node].before_activation : nodes[node].output;
  if (quantization.has_value()) {
    FakeQuantizeInPlace(values, count, *quantization);
  }
}

bool FakeQuantization::any_before_activation() const {
  for (const Tensors& node : nodes) {
    if (node.before_activation.has_value()) return true;
  }
  return false;
}

FakeQuantization MakeFakeQuantization(const Deployable& model) {
  const Graph& graph = model.graph();
  std::vector<Precision> precision;
  for (const NodeExecution& execution : model.model().nodes()) {
    precision.push_back(execution.precision());
  }
  const std::vector<bool> simulated = SimulatedOutputs(graph, precision);
  FakeQuantization result;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    const NodeExecution& execution = model.execution(i);
    FakeQuantization::Tensors tensors;
    if (simulated[i]) tensors.output = execution.output();
    if (execution.has_before_activation()) {
      tensors.before_activation = execution.before_activation();
    }
    result.nodes.push_back(std::move(tensors));
    result.weights.nodes.push_back(node.has_convolution()
                                       ? DequantizedWeights(model, i)
                                       : ConvolutionWeights());
  }
  return result;
}

}  // namespace yoloq
