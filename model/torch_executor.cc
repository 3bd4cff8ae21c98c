#include "model/torch_executor.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <torch/version.h>

#include <exception>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "quant/integer_semantics.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr at::MemoryFormat kChannelsLast = at::MemoryFormat::ChannelsLast;

// Below this many input channels LibTorch's pre-packed convolution falls back
// to a slow one (measured: 80 ms against 3 ms for the first layer of YOLOv3).
constexpr int kMinPackedInputChannels = 16;

at::Tensor ToTensor(const std::vector<float>& values,
                    std::vector<int64_t> sizes) {
  return at::from_blob(const_cast<float*>(values.data()), sizes, at::kFloat)
      .clone();
}

// A convolution with its parameters in the form that runs fastest.
struct PreparedConvolution {
  // Set when the weights are packed for oneDNN (mkldnn_prepacked::conv2d_run).
  c10::IValue packed;
  at::Tensor weights, bias;                // otherwise
  at::Tensor gamma, beta, mean, variance;  // batch norm as an operator
};

c10::OperatorHandle FindOperator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "");
}

bool HasPackedConvolution() {
  static const bool has = c10::Dispatcher::singleton()
                              .findSchema({"mkldnn_prepacked::conv2d_run", ""})
                              .has_value();
  return has;
}

c10::IValue PackForOneDnn(const at::Tensor& weights, const at::Tensor& bias,
                          const ConvolutionOp& op, const Shape& input) {
  static const c10::OperatorHandle prepack =
      FindOperator("mkldnn_prepacked::conv2d_prepack");
  const std::vector<int64_t> stride(2, op.stride());
  const std::vector<int64_t> padding(2, op.padding());
  const std::vector<int64_t> dilation(2, 1);
  const std::vector<int64_t> input_size = {1, input.channels(), input.height(),
                                           input.width()};
  std::vector<c10::IValue> stack = {
      weights,    bias,
      stride,     padding,
      dilation,   static_cast<int64_t>(op.groups()),
      input_size, std::string("none")};
  prepack.callBoxed(&stack);
  return stack.front();
}

PreparedConvolution Prepare(const Graph& graph, int index,
                            const ConvolutionWeights& from) {
  const Node& node = graph.nodes(index);
  const ConvolutionOp& op = node.convolution();
  const Shape& input = graph.nodes(node.inputs(0)).output();
  const int64_t out = op.out_channels();
  PreparedConvolution result;
  result.weights = ToTensor(from.weights, {out, input.channels() / op.groups(),
                                           op.kernel(), op.kernel()});
  const at::Tensor bias = ToTensor(from.bias, {out});
  if (op.batch_norm()) {
    result.beta = bias;
    result.gamma = ToTensor(from.gamma, {out});
    result.mean = ToTensor(from.mean, {out});
    result.variance = ToTensor(from.variance, {out});
  } else {
    result.bias = bias;
    if (op.groups() == 1 && input.channels() >= kMinPackedInputChannels &&
        HasPackedConvolution()) {
      result.packed = PackForOneDnn(result.weights, bias, op, input);
      result.weights = at::Tensor();
      return result;
    }
  }
  result.weights = result.weights.contiguous(kChannelsLast);
  return result;
}

at::Tensor Convolve(const at::Tensor& input, const ConvolutionOp& op,
                    const PreparedConvolution& prepared) {
  if (!prepared.packed.isNone()) {
    static const c10::OperatorHandle run =
        FindOperator("mkldnn_prepacked::conv2d_run");
    std::vector<c10::IValue> stack = {input, prepared.packed};
    run.callBoxed(&stack);
    return stack.front().toTensor();
  }
  const at::Tensor output = at::conv2d(
      input, prepared.weights, prepared.bias, {op.stride(), op.stride()},
      {op.padding(), op.padding()}, {1, 1}, op.groups());
  if (!op.batch_norm()) return output;
  return at::batch_norm(output, prepared.gamma, prepared.beta, prepared.mean,
                        prepared.variance, /*training=*/false, /*momentum=*/0,
                        kBatchNormEpsilon, /*cudnn_enabled=*/false);
}

void Activate(Activation activation, at::Tensor& tensor) {
  if (activation == RELU) at::relu_(tensor);
  if (activation == LEAKY) at::leaky_relu_(tensor, kLeakySlope);
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

// The picture as (1, 3, height, width) in [0, 1], channels last.
at::Tensor InputTensor(absl::Span<const uint8_t> rgb, const Shape& shape) {
  at::Tensor tensor = at::empty(
      {1, shape.channels(), shape.height(), shape.width()},
      at::TensorOptions().dtype(at::kFloat).memory_format(kChannelsLast));
  float* values = tensor.data_ptr<float>();
  for (size_t i = 0; i < rgb.size(); ++i) values[i] = rgb[i] * kInputScale;
  return tensor;
}

void CopyHead(const at::Tensor& tensor, int node, HeadOutput* head) {
  const at::Tensor dense = tensor.contiguous(kChannelsLast);
  head->node = node;
  head->channels = static_cast<int>(dense.size(1));
  head->height = static_cast<int>(dense.size(2));
  head->width = static_cast<int>(dense.size(3));
  const float* values = dense.data_ptr<float>();
  head->values.assign(values, values + dense.numel());
}

}  // namespace

struct TorchExecutor::State {
  Graph graph;
  TorchExecutorOptions options;
  std::vector<PreparedConvolution> convolutions;  // parallel to graph.nodes
  std::vector<int> last_reader;                   // of each node's output
  std::vector<int> heads;

  void Hook(int node, bool before_activation, at::Tensor& tensor) const {
    if (!options.hook || (before_activation && !options.hook_before_activation))
      return;
    tensor = tensor.contiguous(kChannelsLast);
    options.hook(node, before_activation, tensor.data_ptr<float>(),
                 tensor.numel());
  }

  at::Tensor Execute(int index, const std::vector<at::Tensor>& values) const {
    const Node& node = graph.nodes(index);
    const at::Tensor& first = values[node.inputs(0)];
    switch (node.op_case()) {
      case Node::kConvolution: {
        at::Tensor output =
            Convolve(first, node.convolution(), convolutions[index]);
        if (node.convolution().activation() != LINEAR) {
          Hook(index, /*before_activation=*/true, output);
        }
        Activate(node.convolution().activation(), output);
        return output;
      }
      case Node::kAdd: {
        at::Tensor output = at::add(first, values[node.inputs(1)]);
        Activate(node.add().activation(), output);
        return output;
      }
      case Node::kConcat: {
        std::vector<at::Tensor> inputs;
        for (int input : node.inputs()) inputs.push_back(values[input]);
        return at::cat(inputs, 1);
      }
      case Node::kSlice:
        return at::narrow(first, 1, node.slice().begin(), node.slice().count())
            .contiguous(kChannelsLast);
      case Node::kUpsample:
        return at::upsample_nearest2d(
            first, {node.output().height(), node.output().width()});
      case Node::kMaxPool:
        return MaxPool(first, node.max_pool());
      default:
        return first;
    }
  }

  void Run(absl::Span<const uint8_t> rgb,
           std::vector<HeadOutput>* outputs) const {
    const c10::InferenceMode guard;
    std::vector<at::Tensor> values(graph.nodes_size());
    outputs->resize(heads.size());
    size_t head = 0;
    for (int i = 0; i < graph.nodes_size(); ++i) {
      const Node& node = graph.nodes(i);
      values[i] = node.op_case() == Node::kInput
                      ? InputTensor(rgb, node.output())
                      : Execute(i, values);
      if (node.op_case() == Node::kYoloHead) {
        CopyHead(values[i], i, &(*outputs)[head++]);
      } else {
        Hook(i, /*before_activation=*/false, values[i]);
      }
      for (int input : node.inputs()) {
        if (last_reader[input] == i) values[input] = at::Tensor();
      }
    }
  }
};

absl::StatusOr<std::unique_ptr<TorchExecutor>> TorchExecutor::Create(
    Graph graph, const Weights& weights, TorchExecutorOptions options) {
  YOLOQ_RETURN_IF_ERROR(InferShapes(&graph));
  YOLOQ_RETURN_IF_ERROR(CheckWeights(graph, weights));
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  try {
    if (state->options.threads > 0) {
      at::set_num_threads(state->options.threads);
    }
    const bool fold = state->options.fold_batch_norm;
    const Weights folded = fold ? FoldBatchNorm(graph, weights) : Weights();
    const Weights& used = fold ? folded : weights;
    state->graph = fold ? WithoutBatchNorm(std::move(graph)) : std::move(graph);
    const c10::InferenceMode guard;
    state->convolutions.resize(state->graph.nodes_size());
    state->last_reader.resize(state->graph.nodes_size(), -1);
    for (int i = 0; i < state->graph.nodes_size(); ++i) {
      const Node& node = state->graph.nodes(i);
      if (node.has_convolution()) {
        state->convolutions[i] = Prepare(state->graph, i, used.nodes[i]);
      }
      for (int input : node.inputs()) state->last_reader[input] = i;
    }
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("LibTorch, preparing weights: ", error.what()));
  }
  state->heads = YoloHeads(state->graph);
  return std::unique_ptr<TorchExecutor>(new TorchExecutor(std::move(state)));
}

TorchExecutor::TorchExecutor(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

TorchExecutor::~TorchExecutor() = default;

const Graph& TorchExecutor::graph() const { return state_->graph; }

absl::Status TorchExecutor::Run(absl::Span<const uint8_t> rgb,
                                std::vector<HeadOutput>* heads) {
  const int64_t expected = ElementCount(state_->graph.nodes(0).output());
  if (static_cast<int64_t>(rgb.size()) != expected) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the network's input has ", expected, " bytes, not ", rgb.size()));
  }
  try {
    // LibTorch's setting is one a thread: this one may be new.
    if (state_->options.threads > 0) {
      at::set_num_threads(state_->options.threads);
    }
    state_->Run(rgb, heads);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("LibTorch: ", error.what()));
  }
  return absl::OkStatus();
}

std::string TorchVersion() { return TORCH_VERSION; }

}  // namespace yoloq
