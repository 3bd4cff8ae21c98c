#include "hw/torch_int8.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace yoloq {
namespace {

constexpr double kScale = 0.02;
constexpr int64_t kZeroPoint = 20;
constexpr double kWeightScale = 1e-3;
constexpr double kSlope = 0.1;

c10::IValue Call(const char* name, const char* overload,
                 std::vector<c10::IValue> arguments) {
  c10::Dispatcher::singleton()
      .findSchemaOrThrow(name, overload)
      .callBoxed(&arguments);
  return arguments[0];
}

struct Layer {
  at::Tensor input;
  c10::IValue weights;
  bool leaky = false;
};

Layer MakeLayer(const ConvolutionOp& op, const Shape& in) {
  Layer layer;
  layer.leaky = op.activation() == LEAKY;
  layer.input = at::_make_per_tensor_quantized_tensor(
      at::randint(0, 256, {1, in.channels(), in.height(), in.width()},
                  at::kByte)
          .contiguous(at::MemoryFormat::ChannelsLast),
      kScale, kZeroPoint);
  const at::Tensor codes =
      at::randint(-127, 128,
                  {op.out_channels(), in.channels() / op.groups(), op.kernel(),
                   op.kernel()},
                  at::kChar);
  const at::Tensor weights = at::_make_per_channel_quantized_tensor(
      codes, at::full({op.out_channels()}, kWeightScale, at::kDouble),
      at::zeros({op.out_channels()}, at::kLong), 0);
  layer.weights =
      Call("quantized::conv2d_prepack", "",
           {weights, at::zeros({op.out_channels()}),
            c10::List<int64_t>({op.stride(), op.stride()}),
            c10::List<int64_t>({op.padding(), op.padding()}),
            c10::List<int64_t>({1, 1}), static_cast<int64_t>(op.groups())});
  return layer;
}

void RunLayer(const Layer& layer) {
  const c10::IValue sum =
      Call("quantized::conv2d", "new",
           {layer.input, layer.weights, kScale, kZeroPoint});
  if (!layer.leaky) return;
  Call("quantized::leaky_relu", "",
       {sum, kSlope, /*inplace=*/false, kScale, kZeroPoint});
}

// `what` is done with LibTorch's exceptions as a status.
template <typename Function>
absl::Status Guarded(Function what) {
  try {
    const c10::InferenceMode guard;
    what();
    return absl::OkStatus();
  } catch (const std::exception& e) {
    return absl::UnavailableError(absl::StrCat("LibTorch, INT8: ", e.what()));
  }
}

}  // namespace

struct TorchInt8Convolutions::State {
  int threads = 1;
  std::vector<Layer> layers;
};

TorchInt8Convolutions::TorchInt8Convolutions(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

TorchInt8Convolutions::~TorchInt8Convolutions() = default;

absl::StatusOr<std::unique_ptr<TorchInt8Convolutions>>
TorchInt8Convolutions::Create(const Graph& graph, int threads) {
  auto state = std::make_unique<State>();
  state->threads = threads;
  const absl::Status made = Guarded([&] {
    at::set_num_threads(threads);
    at::globalContext().setQEngine(at::QEngine::ONEDNN);
    for (const Node& node : graph.nodes()) {
      if (!node.has_convolution()) continue;
      state->layers.push_back(
          MakeLayer(node.convolution(), graph.nodes(node.inputs(0)).output()));
    }
  });
  if (!made.ok()) return made;
  return std::unique_ptr<TorchInt8Convolutions>(
      new TorchInt8Convolutions(std::move(state)));
}

absl::Status TorchInt8Convolutions::Run() {
  return Guarded([this] {
    at::set_num_threads(state_->threads);
    for (const Layer& layer : state_->layers) RunLayer(layer);
  });
}

}  // namespace yoloq
