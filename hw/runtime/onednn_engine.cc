#include "hw/runtime/onednn_engine.h"

#include <omp.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hw/runtime/memory_plan.h"
#include "hw/runtime/node_kernels.h"
#include "hw/runtime/onednn_convolution.h"
#include "model/graph.h"
#include "quant/integer_semantics.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// A run of memory in the arena; `data` is known once the plan is made.
struct Buffer {
  BufferLife life;
  uint8_t* data = nullptr;

  const uint8_t* bytes() const { return data; }
  uint8_t* bytes() { return data; }
  float* reals() { return reinterpret_cast<float*>(data); }
};

// A node's value: channels last, in up to two forms.
struct Value {
  Buffer* bytes = nullptr;
  Buffer* reals = nullptr;
};

struct FreeDeleter {
  void operator()(uint8_t* data) const { std::free(data); }
};

TensorQuantization InputQuantization() {
  TensorQuantization input;
  input.set_scale(kInputScale);
  input.set_zero_point(kInputZeroPoint);
  return input;
}

bool SameQuantization(const TensorQuantization& a,
                      const TensorQuantization& b) {
  return a.scale() == b.scale() && a.zero_point() == b.zero_point();
}

}  // namespace

struct OneDnnEngine::State {
  const Deployable* model = nullptr;
  OneDnnEngineOptions options;
  std::vector<int> heads;
  std::vector<Value> values;  // parallel to the graph's nodes
  std::deque<Buffer> buffers;
  std::vector<std::function<void()>> steps;
  std::vector<std::unique_ptr<OneDnnConvolution>> convolutions;
  std::unique_ptr<uint8_t, FreeDeleter> arena;
  int64_t arena_bytes = 0;

  const Graph& graph() const { return model->graph(); }
  const Node& node(int index) const { return graph().nodes(index); }
  const Shape& shape(int index) const { return node(index).output(); }
  int64_t count(int index) const { return ElementCount(shape(index)); }

  TensorQuantization quantization(int index) const {
    return node(index).has_input() ? InputQuantization()
                                   : model->execution(index).output();
  }

  // --- Building: each step names the buffers that it touches, in order.

  int step() const { return static_cast<int>(steps.size()); }

  Buffer* NewBuffer(int64_t size_bytes) {
    buffers.push_back({{size_bytes, step(), step()}, nullptr});
    return &buffers.back();
  }

  Buffer* Use(Buffer* buffer) {
    buffer->life.last_use = step();
    return buffer;
  }

  // The 8-bit form of a value, made from the other where it is not there yet.
  Buffer* Bytes(int index) {
    Value& value = values[index];
    if (value.bytes == nullptr) {
      Buffer* from = Use(value.reals);
      Buffer* to = NewBuffer(count(index));
      steps.push_back([this, index, from, to] {
        QuantizeValues(from->reals(), count(index), quantization(index),
                       to->bytes());
      });
      value.bytes = to;
    }
    return Use(value.bytes);
  }

  Buffer* Reals(int index) {
    Value& value = values[index];
    if (value.reals == nullptr) {
      Buffer* from = Use(value.bytes);
      Buffer* to = NewBuffer(count(index) * sizeof(float));
      steps.push_back([this, index, from, to] {
        DequantizeValues(from->bytes(), count(index), quantization(index),
                         to->reals());
      });
      value.reals = to;
    }
    return Use(value.reals);
  }

  // Forms first, step after: conversions are steps of their own.
  std::vector<Buffer*> InputBytes(int index) {
    std::vector<Buffer*> inputs;
    for (const int input : node(index).inputs()) Bytes(input);
    for (const int input : node(index).inputs()) inputs.push_back(Bytes(input));
    return inputs;
  }

  std::vector<Buffer*> InputReals(int index) {
    std::vector<Buffer*> inputs;
    for (const int input : node(index).inputs()) Reals(input);
    for (const int input : node(index).inputs()) inputs.push_back(Reals(input));
    return inputs;
  }

  void AddConvolutionStep(std::unique_ptr<OneDnnConvolution> convolution,
                          Buffer* from, Buffer* to) {
    Buffer* accumulators = convolution->accumulator_bytes() == 0
                               ? nullptr
                               : NewBuffer(convolution->accumulator_bytes());
    OneDnnConvolution* const runnable = convolution.get();
    convolutions.push_back(std::move(convolution));
    steps.push_back([runnable, from, to, accumulators] {
      runnable->Run(from->data, to->data,
                    accumulators == nullptr ? nullptr : accumulators->data);
    });
  }

  absl::Status BuildInt8Convolution(int index, Buffer* from, Buffer* to) {
    const NodeExecution& execution = model->execution(index);
    const ConvolutionOp& op = node(index).convolution();
    const bool two_step = execution.has_before_activation();
    Int8ConvolutionParameters parameters;
    parameters.weights = model->Int8Weights(index);
    parameters.bias = model->Int32Bias(index);
    parameters.weight_scales = model->WeightScales(index);
    parameters.input = quantization(node(index).inputs(0));
    parameters.output =
        two_step ? execution.before_activation() : execution.output();
    parameters.activation = two_step ? LINEAR : op.activation();
    auto convolution = OneDnnConvolution::CreateInt8(
        op, shape(node(index).inputs(0)), shape(index), parameters);
    if (!convolution.ok()) {
      return Annotate(convolution.status(), node(index).name());
    }
    AddConvolutionStep(*std::move(convolution), from, to);
    if (two_step) {
      Use(to);
      steps.push_back([this, index, to] {
        const NodeExecution& execution = model->execution(index);
        LeakyValues(to->bytes(), count(index), execution.before_activation(),
                    execution.output(), to->bytes());
      });
    }
    return absl::OkStatus();
  }

  absl::Status BuildFloatConvolution(int index, Buffer* from, Buffer* to) {
    auto convolution = OneDnnConvolution::CreateFloat(
        node(index).convolution(), shape(node(index).inputs(0)), shape(index),
        model->FloatWeights(index), model->FloatBias(index));
    if (!convolution.ok()) {
      return Annotate(convolution.status(), node(index).name());
    }
    AddConvolutionStep(*std::move(convolution), from, to);
    return absl::OkStatus();
  }

  // The copy of input number `which` into a concat's output.
  ChannelCopy ConcatCopy(int index, int which) const {
    ChannelCopy copy;
    for (int i = 0; i < which; ++i) {
      copy.to_begin += shape(node(index).inputs(i)).channels();
    }
    copy.cells = int64_t{shape(index).height()} * shape(index).width();
    copy.count = shape(node(index).inputs(which)).channels();
    copy.from_channels = copy.count;
    copy.to_channels = shape(index).channels();
    return copy;
  }

  ChannelCopy SliceCopy(int index) const {
    ChannelCopy copy;
    copy.cells = int64_t{shape(index).height()} * shape(index).width();
    copy.from_channels = shape(node(index).inputs(0)).channels();
    copy.from_begin = node(index).slice().begin();
    copy.to_channels = copy.count = node(index).slice().count();
    return copy;
  }

  absl::Status BuildInt8(int index) {
    const std::vector<Buffer*> from = InputBytes(index);
    Buffer* const to = NewBuffer(count(index));
    values[index].bytes = to;
    const auto& inputs = node(index).inputs();
    switch (node(index).op_case()) {
      case Node::kConvolution:
        return BuildInt8Convolution(index, from[0], to);
      case Node::kAdd:
        steps.push_back([this, index, from, to, a = inputs[0], b = inputs[1]] {
          AddValues(from[0]->bytes(), quantization(a), from[1]->bytes(),
                    quantization(b), node(index).add().activation(),
                    count(index), quantization(index), to->bytes());
        });
        return absl::OkStatus();
      case Node::kConcat:
        steps.push_back([this, index, from, to] {
          for (size_t i = 0; i < from.size(); ++i) {
            ConcatInt8Input(index, static_cast<int>(i), from[i], to);
          }
        });
        return absl::OkStatus();
      default:
        steps.push_back([this, index, from, to] {
          Move(index, from[0]->bytes(), to->bytes());
        });
        return absl::OkStatus();
    }
  }

  absl::Status BuildFloat(int index) {
    const std::vector<Buffer*> from = InputReals(index);
    Buffer* const to = NewBuffer(count(index) * sizeof(float));
    values[index].reals = to;
    switch (node(index).op_case()) {
      case Node::kConvolution:
        return BuildFloatConvolution(index, from[0], to);
      case Node::kAdd:
        steps.push_back([this, index, from, to] {
          AddValues(from[0]->reals(), from[1]->reals(),
                    node(index).add().activation(), count(index), to->reals());
        });
        return absl::OkStatus();
      case Node::kConcat:
        steps.push_back([this, index, from, to] {
          for (size_t i = 0; i < from.size(); ++i) {
            CopyChannels(from[i]->reals(), ConcatCopy(index, i), to->reals());
          }
        });
        return absl::OkStatus();
      default:
        steps.push_back([this, index, from, to] {
          Move(index, from[0]->reals(), to->reals());
        });
        return absl::OkStatus();
    }
  }

  absl::Status Build() {
    heads = YoloHeads(graph());
    values.resize(graph().nodes_size());
    for (int i = 0; i < graph().nodes_size(); ++i) {
      if (node(i).has_input()) {
        values[i].bytes = NewBuffer(count(i));
      } else if (node(i).has_yolo_head()) {
        values[i].reals = Reals(node(i).inputs(0));
      } else if (model->execution(i).precision() == INT8) {
        YOLOQ_RETURN_IF_ERROR(BuildInt8(i));
      } else {
        YOLOQ_RETURN_IF_ERROR(BuildFloat(i));
      }
    }
    // Heads are copied out after the last step.
    for (const int head : heads) Use(values[head].reals);
    return Allocate();
  }

  absl::Status Allocate() {
    std::vector<BufferLife> lives;
    for (Buffer& buffer : buffers) {
      if (options.keep_all_values) buffer.life.first_use = 0;
      if (options.keep_all_values) buffer.life.last_use = step();
      lives.push_back(buffer.life);
    }
    const MemoryPlan plan = PlanMemory(lives);
    arena_bytes = plan.arena_bytes;
    arena.reset(static_cast<uint8_t*>(
        std::aligned_alloc(64, std::max<int64_t>(arena_bytes, 64))));
    if (arena == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for ", arena_bytes, " bytes of activations"));
    }
    for (size_t i = 0; i < buffers.size(); ++i) {
      buffers[i].data = arena.get() + plan.offsets_bytes[i];
    }
    return absl::OkStatus();
  }

  // --- Running.

  void ConcatInt8Input(int index, int which, Buffer* from, Buffer* to) const {
    const TensorQuantization source = quantization(node(index).inputs(which));
    const ChannelCopy copy = ConcatCopy(index, which);
    if (SameQuantization(source, quantization(index))) {
      CopyChannels(from->bytes(), copy, to->bytes());
    } else {
      RequantizeChannels(from->bytes(), copy, source, quantization(index),
                         to->bytes());
    }
  }

  // Upsample, max-pool and slice: the same for both forms.
  template <typename T>
  void Move(int index, const T* from, T* to) const {
    const Shape& in = shape(node(index).inputs(0));
    if (node(index).has_upsample()) {
      UpsampleValues(from, in, node(index).upsample().factor(), to);
    } else if (node(index).has_max_pool()) {
      MaxPoolValues(from, in, shape(index), node(index).max_pool(), to);
    } else {
      CopyChannels(from, SliceCopy(index), to);
    }
  }

  void CopyHead(int index, HeadOutput* head) const {
    head->node = index;
    head->channels = shape(index).channels();
    head->height = shape(index).height();
    head->width = shape(index).width();
    const float* reals = values[index].reals->reals();
    head->values.assign(reals, reals + count(index));
  }

  void Run(absl::Span<const uint8_t> rgb, std::vector<HeadOutput>* outputs) {
    std::memcpy(values[0].bytes->data, rgb.data(), rgb.size());
    for (const auto& run_step : steps) run_step();
    outputs->resize(heads.size());
    for (size_t i = 0; i < heads.size(); ++i) {
      CopyHead(heads[i], &(*outputs)[i]);
    }
  }
};

absl::StatusOr<std::unique_ptr<OneDnnEngine>> OneDnnEngine::Create(
    const Deployable* model, OneDnnEngineOptions options) {
  bool any_int8 = false;
  for (const NodeExecution& execution : model->model().nodes()) {
    any_int8 |= execution.precision() == INT8;
  }
  if (any_int8 && !OneDnnInt8IsExact()) {
    return absl::FailedPreconditionError(
        "engine onednn: this processor has no VNNI, so oneDNN's INT8 "
        "convolutions would saturate; use --engine=reference");
  }
  auto state = std::make_unique<State>();
  state->model = model;
  state->options = options;
  omp_set_num_threads(options.threads);
  YOLOQ_RETURN_IF_ERROR(state->Build());
  return std::unique_ptr<OneDnnEngine>(new OneDnnEngine(std::move(state)));
}

OneDnnEngine::OneDnnEngine(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

OneDnnEngine::~OneDnnEngine() = default;

const Graph& OneDnnEngine::graph() const { return state_->graph(); }

absl::Status OneDnnEngine::Run(absl::Span<const uint8_t> rgb,
                               std::vector<HeadOutput>* heads) {
  if (static_cast<int64_t>(rgb.size()) != state_->count(0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("onednn: the picture has ", rgb.size(),
                     " bytes, the network's input is ", state_->count(0)));
  }
  omp_set_num_threads(state_->options.threads);
  try {
    state_->Run(rgb, heads);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("oneDNN: ", error.what()));
  }
  return absl::OkStatus();
}

absl::Span<const uint8_t> OneDnnEngine::Uint8Output(int node) const {
  const Buffer* buffer = state_->values[node].bytes;
  if (buffer == nullptr) return {};
  return absl::MakeConstSpan(buffer->bytes(), state_->count(node));
}

absl::Span<const float> OneDnnEngine::FloatOutput(int node) const {
  Buffer* buffer = state_->values[node].reals;
  if (buffer == nullptr) return {};
  return absl::MakeConstSpan(buffer->reals(), state_->count(node));
}

int64_t OneDnnEngine::activation_bytes() const { return state_->arena_bytes; }

}  // namespace yoloq
