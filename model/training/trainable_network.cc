#include "model/training/trainable_network.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include <exception>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "quant/integer_semantics.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

at::Tensor Zeros(int64_t count, bool cuda) {
  return at::zeros({count}, at::TensorOptions()
                                .dtype(at::kFloat)
                                .device(cuda ? at::kCUDA : at::kCPU));
}

// Hands out consecutive pieces of a one-dimensional tensor.
class Arena {
 public:
  explicit Arena(const at::Tensor& memory) : memory_(memory) {}

  at::Tensor Take(int64_t count) {
    at::Tensor piece = memory_.narrow(0, taken_, count);
    taken_ += count;
    return piece;
  }

 private:
  const at::Tensor memory_;
  int64_t taken_ = 0;
};

struct ParameterCounts {
  int64_t weights = 0;
  int64_t biases = 0;
  int64_t statistics = 0;
};

ParameterCounts Count(const Graph& graph) {
  ParameterCounts counts;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (!graph.nodes(i).has_convolution()) continue;
    const ConvolutionOp& op = graph.nodes(i).convolution();
    counts.weights += WeightCount(graph, i);
    counts.biases += op.out_channels() * (op.batch_norm() ? 2 : 1);
    if (op.batch_norm()) counts.statistics += 2 * op.out_channels();
  }
  return counts;
}

std::vector<int64_t> WeightSizes(const Graph& graph, int index) {
  const Node& node = graph.nodes(index);
  const ConvolutionOp& op = node.convolution();
  const int in = graph.nodes(node.inputs(0)).output().channels();
  return {op.out_channels(), in / op.groups(), op.kernel(), op.kernel()};
}

// A piece of memory seen as (out, in, kernel, kernel).
at::Tensor AsWeight(const at::Tensor& piece, const std::vector<int64_t>& sizes,
                    bool channels_last) {
  if (!channels_last) return piece.view(sizes);
  return piece.view({sizes[0], sizes[2], sizes[3], sizes[1]})
      .permute({0, 3, 1, 2});
}

// A leaf on this memory whose gradient accumulates in that memory.
at::Tensor Leaf(const at::Tensor& values, const at::Tensor& gradient) {
  at::Tensor leaf = values.detach();
  leaf.set_requires_grad(true);
  leaf.mutable_grad() = gradient.detach();
  return leaf;
}

void Copy(const std::vector<float>& from, const at::Tensor& to) {
  to.copy_(at::from_blob(const_cast<float*>(from.data()), to.sizes(),
                         at::TensorOptions().dtype(at::kFloat)));
}

std::vector<float> ToVector(const at::Tensor& tensor) {
  const at::Tensor dense =
      tensor.detach().to(at::kCPU).contiguous(at::MemoryFormat::Contiguous);
  const float* values = dense.data_ptr<float>();
  return std::vector<float>(values, values + dense.numel());
}

at::Tensor MaxPool(const at::Tensor& input, const MaxPoolOp& op) {
  const int before = op.padding_total() / 2;
  const int after = op.padding_total() - before;
  const at::Tensor padded =
      at::constant_pad_nd(input, {before, after, before, after},
                          -std::numeric_limits<float>::infinity());
  return at::max_pool2d(padded, {op.size(), op.size()},
                        {op.stride(), op.stride()});
}

}  // namespace

at::Tensor TrainingHooks::Convolution(TrainableNetwork& network, int node,
                                      const at::Tensor& input) {
  return network.ConvolveWith(node, input,
                              Weight(node, network.convolution(node).weight));
}

TrainableNetwork::TrainableNetwork(Graph graph,
                                   const NetworkPlacement& placement)
    : graph_(std::move(graph)),
      placement_(placement),
      heads_(YoloHeads(graph_)),
      last_reader_(graph_.nodes_size(), -1),
      convolutions_(graph_.nodes_size()) {
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    for (const int input : graph_.nodes(i).inputs()) last_reader_[input] = i;
  }
}

void TrainableNetwork::Allocate(const at::Tensor& all_weights,
                                const at::Tensor& all_biases) {
  weights_ = all_weights;
  weight_gradients_ = at::zeros_like(weights_);
  biases_ = all_biases;
  bias_gradients_ = at::zeros_like(biases_);
  statistics_ = Zeros(Count(graph_).statistics, placement_.cuda);
  Arena weights(weights_), weight_gradients(weight_gradients_);
  Arena biases(biases_), bias_gradients(bias_gradients_);
  Arena statistics(statistics_);
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    if (!graph_.nodes(i).has_convolution()) continue;
    const ConvolutionOp& op = graph_.nodes(i).convolution();
    const std::vector<int64_t> sizes = WeightSizes(graph_, i);
    const int64_t count = WeightCount(graph_, i);
    TrainableConvolution& convolution = convolutions_[i];
    convolution.weight =
        Leaf(AsWeight(weights.Take(count), sizes, placement_.channels_last),
             AsWeight(weight_gradients.Take(count), sizes,
                      placement_.channels_last));
    const auto vector_leaf = [&] {
      return Leaf(biases.Take(op.out_channels()),
                  bias_gradients.Take(op.out_channels()));
    };
    convolution.bias = vector_leaf();
    if (!op.batch_norm()) continue;
    convolution.gamma = vector_leaf();
    convolution.mean = statistics.Take(op.out_channels());
    convolution.variance = statistics.Take(op.out_channels());
  }
}

void TrainableNetwork::CopyFrom(const Weights& weights) {
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    const TrainableConvolution& to = convolutions_[i];
    if (!to.weight.defined()) continue;
    const ConvolutionWeights& from = weights.nodes[i];
    Copy(from.weights, to.weight.detach());
    Copy(from.bias, to.bias.detach());
    if (!to.gamma.defined()) continue;
    Copy(from.gamma, to.gamma.detach());
    Copy(from.mean, to.mean);
    Copy(from.variance, to.variance);
  }
}

absl::StatusOr<std::unique_ptr<TrainableNetwork>> TrainableNetwork::Create(
    Graph graph, const Weights& weights, const NetworkPlacement& placement) {
  YOLOQ_RETURN_IF_ERROR(InferShapes(&graph));
  YOLOQ_RETURN_IF_ERROR(CheckWeights(graph, weights));
  std::unique_ptr<TrainableNetwork> network(
      new TrainableNetwork(std::move(graph), placement));
  try {
    const c10::NoGradGuard no_grad;
    const ParameterCounts counts = Count(network->graph_);
    network->Allocate(Zeros(counts.weights, placement.cuda),
                      Zeros(counts.biases, placement.cuda));
    network->CopyFrom(weights);
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("LibTorch, preparing parameters: ", error.what()));
  }
  return network;
}

std::unique_ptr<TrainableNetwork> TrainableNetwork::Replica() const {
  const c10::NoGradGuard no_grad;
  std::unique_ptr<TrainableNetwork> replica(
      new TrainableNetwork(graph_, placement_));
  replica->Allocate(weights_, biases_);
  replica->statistics_.copy_(statistics_);
  replica->training_ = training_;
  return replica;
}

Weights TrainableNetwork::ToWeights() const {
  Weights weights;
  weights.nodes.resize(graph_.nodes_size());
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    const TrainableConvolution& from = convolutions_[i];
    if (!from.weight.defined()) continue;
    ConvolutionWeights& to = weights.nodes[i];
    to.weights = ToVector(from.weight);
    to.bias = ToVector(from.bias);
    if (!from.gamma.defined()) continue;
    to.gamma = ToVector(from.gamma);
    to.mean = ToVector(from.mean);
    to.variance = ToVector(from.variance);
  }
  return weights;
}

at::Tensor TrainableNetwork::ConvolutionOnly(int node, const at::Tensor& input,
                                             const at::Tensor& weight,
                                             const at::Tensor& bias) {
  const ConvolutionOp& op = graph_.nodes(node).convolution();
  const auto convolve = [&](const at::Tensor& x, const at::Tensor& w,
                            const at::Tensor& b) {
    return at::conv2d(x, w, b, {op.stride(), op.stride()},
                      {op.padding(), op.padding()}, {1, 1}, op.groups());
  };
  if (!placement_.bfloat16_convolutions) return convolve(input, weight, bias);
  return convolve(input.to(at::kBFloat16), weight.to(at::kBFloat16),
                  bias.defined() ? bias.to(at::kBFloat16) : bias)
      .to(at::kFloat);
}

at::Tensor TrainableNetwork::BatchNormOnly(int node, const at::Tensor& values,
                                           bool frozen) {
  const TrainableConvolution& parameters = convolutions_[node];
  return at::batch_norm(values, parameters.gamma, parameters.bias,
                        parameters.mean, parameters.variance,
                        /*training=*/training_ && !frozen, kBatchNormMomentum,
                        kBatchNormEpsilon, /*cudnn_enabled=*/true);
}

at::Tensor TrainableNetwork::ConvolveWith(int node, const at::Tensor& input,
                                          const at::Tensor& weight) {
  if (!graph_.nodes(node).convolution().batch_norm()) {
    return ConvolutionOnly(node, input, weight, convolutions_[node].bias);
  }
  return BatchNormOnly(node, ConvolutionOnly(node, input, weight, at::Tensor()),
                       /*frozen=*/false);
}

at::Tensor TrainableNetwork::Activated(Activation activation,
                                       const at::Tensor& values,
                                       bool in_place) const {
  at::Tensor target = values;
  switch (activation) {
    case RELU:
      return in_place ? at::relu_(target) : at::relu(values);
    case LEAKY:
      return in_place ? at::leaky_relu_(target, kLeakySlope)
                      : at::leaky_relu(values, kLeakySlope);
    default:
      return values;
  }
}

at::Tensor TrainableNetwork::Convolution(int index, const at::Tensor& input,
                                         TrainingHooks* hooks) {
  const Activation activation = graph_.nodes(index).convolution().activation();
  if (hooks == nullptr) {
    return Activated(activation,
                     ConvolveWith(index, input, convolutions_[index].weight),
                     /*in_place=*/true);
  }
  at::Tensor values = hooks->Convolution(*this, index, input);
  if (activation == LINEAR) return values;
  values = hooks->Activation(index, /*before_activation=*/true, values);
  return Activated(activation, values, /*in_place=*/false);
}

at::Tensor TrainableNetwork::Execute(int index,
                                     const std::vector<at::Tensor>& values,
                                     TrainingHooks* hooks) {
  const Node& node = graph_.nodes(index);
  const auto input = [&](int which) {
    const int producer = node.inputs(which);
    return hooks == nullptr ? values[producer]
                            : hooks->Input(index, producer, values[producer]);
  };
  switch (node.op_case()) {
    case Node::kConvolution:
      return Convolution(index, input(0), hooks);
    case Node::kAdd:
      return Activated(node.add().activation(), at::add(input(0), input(1)),
                       /*in_place=*/false);
    case Node::kConcat: {
      std::vector<at::Tensor> inputs;
      for (int i = 0; i < node.inputs_size(); ++i) {
        inputs.push_back(input(i));
      }
      return at::cat(inputs, 1);
    }
    case Node::kSlice:
      return at::narrow(input(0), 1, node.slice().begin(),
                        node.slice().count());
    case Node::kUpsample:
      return at::upsample_nearest2d(
          input(0), {node.output().height(), node.output().width()});
    case Node::kMaxPool:
      return MaxPool(input(0), node.max_pool());
    default:
      return input(0);
  }
}

std::vector<at::Tensor> TrainableNetwork::Forward(const at::Tensor& images,
                                                  TrainingHooks* hooks,
                                                  const Inspector& inspect) {
  std::vector<at::Tensor> values(graph_.nodes_size());
  std::vector<at::Tensor> outputs;
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    const Node& node = graph_.nodes(i);
    if (node.has_input()) {
      values[i] = images.to(placement_.cuda ? at::kCUDA : at::kCPU)
                      .contiguous(placement_.channels_last
                                      ? at::MemoryFormat::ChannelsLast
                                      : at::MemoryFormat::Contiguous);
    } else {
      values[i] = Execute(i, values, hooks);
    }
    if (node.has_yolo_head()) {
      outputs.push_back(values[i]);
    } else if (hooks != nullptr) {
      values[i] = hooks->Activation(i, /*before_activation=*/false, values[i]);
    }
    if (inspect) inspect(i, values[i]);
    for (const int input : node.inputs()) {
      if (last_reader_[input] == i) values[input] = at::Tensor();
    }
  }
  return outputs;
}

}  // namespace yoloq
