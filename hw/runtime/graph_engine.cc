#include "hw/runtime/graph_engine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hw/runtime/graph_plan.h"
#include "hw/runtime/memory_block.h"
#include "hw/runtime/memory_plan.h"
#include "hw/runtime/node_kernels.h"
#include "model/graph.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Kernels may read a vector's width past the end of a tensor.
constexpr int64_t kReadableTailBytes = 64;

// A run of memory in the arena; `data` is known once the plan is made.
struct Buffer {
  BufferLife life;
  uint8_t* data = nullptr;
};

// One form of a node's value, channels last: element (cell, channel) lies at
// offset + cell * stride + channel of its buffer.
struct Tensor {
  Buffer* buffer = nullptr;
  int64_t offset = 0;
  int stride = 0;

  explicit operator bool() const { return buffer != nullptr; }
  uint8_t* bytes() const { return buffer->data + offset; }
  float* reals() const {
    return reinterpret_cast<float*>(buffer->data) + offset;
  }
};

struct Value {
  Tensor bytes;
  Tensor reals;
};

struct Step {
  int node = 0;
  std::function<absl::Status()> run;
};

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct GraphEngine::State {
  const Deployable* model = nullptr;
  std::unique_ptr<ConvolutionBackend> backend;
  GraphEngineOptions options;
  ConvolutionFusions fusions;
  std::vector<NodePlan> plan;  // this and the next: parallel to the nodes
  std::vector<Value> values;
  std::vector<std::unique_ptr<Convolution>> convolutions;
  std::vector<int64_t> node_ns;
  std::vector<int> heads;
  std::deque<Buffer> buffers;
  std::vector<Step> steps;
  MemoryBlock arena;

  const Graph& graph() const { return model->graph(); }
  const Node& node(int index) const { return graph().nodes(index); }
  const Shape& shape(int index) const { return node(index).output(); }
  int channels(int index) const { return shape(index).channels(); }
  int64_t count(int index) const { return ElementCount(shape(index)); }
  int64_t cells(int index) const {
    return int64_t{shape(index).height()} * shape(index).width();
  }
  bool is_int8(int index) const {
    return model->execution(index).precision() == INT8;
  }
  TensorQuantization quantization(int index) const {
    return OutputQuantization(*model, index);
  }
  ThreadPool& pool() const { return backend->pool(); }

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

  const Tensor& Use(const Tensor& tensor) {
    Use(tensor.buffer);
    return tensor;
  }

  // Adds a step that cannot fail.
  void AddStep(int index, std::function<void()> run) {
    steps.push_back({index, [run = std::move(run)] {
                       run();
                       return absl::OkStatus();
                     }});
  }

  // The form of the node's value that `bytes` says, for the node to write: in
  // the concat where the plan places it, else in memory of its own.
  Tensor NewTensor(int index, bool bytes) {
    const ConcatPlace& place = plan[index].place;
    if (place.concat >= 0 && is_int8(place.concat) == bytes) {
      Tensor tensor = ConcatTensor(place.concat, bytes);
      tensor.offset += place.channel;
      return tensor;
    }
    const int64_t element_bytes = bytes ? 1 : sizeof(float);
    return {NewBuffer(count(index) * element_bytes), 0, channels(index)};
  }

  // The concat's own output, made when the first of its inputs is.
  Tensor ConcatTensor(int concat, bool bytes) {
    Tensor& tensor = bytes ? values[concat].bytes : values[concat].reals;
    if (!tensor) tensor = NewTensor(concat, bytes);
    return Use(tensor);
  }

  // The 8-bit form of a value, made from the other where it is not there yet.
  const Tensor& Bytes(int index) {
    Value& value = values[index];
    if (!value.bytes) {
      const Tensor from = Use(value.reals);
      const Tensor to = NewTensor(index, /*bytes=*/true);
      AddStep(index, [this, index, from, to] {
        QuantizeValues(pool(), from.reals(), count(index), quantization(index),
                       to.bytes());
      });
      value.bytes = to;
    }
    return Use(value.bytes);
  }

  const Tensor& Reals(int index) {
    Value& value = values[index];
    if (!value.reals) {
      const Tensor from = Use(value.bytes);
      const Tensor to = NewTensor(index, /*bytes=*/false);
      AddStep(index, [this, index, from, to] {
        DequantizeValues(pool(), from.bytes(), count(index),
                         quantization(index), to.reals());
      });
      value.reals = to;
    }
    return Use(value.reals);
  }

  const Tensor& Form(int index, bool bytes) {
    return bytes ? Bytes(index) : Reals(index);
  }

  // All inputs in one form. Forms first, step after: conversions are steps of
  // their own.
  std::vector<Tensor> Inputs(int index, bool bytes) {
    std::vector<Tensor> inputs;
    for (const int input : node(index).inputs()) Form(Source(input), bytes);
    for (const int input : node(index).inputs()) {
      inputs.push_back(Form(Source(input), bytes));
    }
    return inputs;
  }

  // The node whose value is read in place of `index`: an upsample node that is
  // folded has none.
  int Source(int index) const {
    return plan[index].folded_into >= 0 ? node(index).inputs(0) : index;
  }

  // --- Convolutions.

  ConvolutionTask Task(int index) const {
    const NodeExecution& execution = model->execution(index);
    const int input = node(index).inputs(0);
    ConvolutionTask task;
    task.name = node(index).name();
    task.op = node(index).convolution();
    task.input = shape(input);
    task.output = shape(index);
    task.precision = execution.precision();
    if (!is_int8(index)) {
      task.float_weights = model->FloatWeights(index);
      task.float_bias = model->FloatBias(index);
      return task;
    }
    task.int8_weights = model->Int8Weights(index);
    task.int32_bias = model->Int32Bias(index);
    task.weight_scales = model->WeightScales(index);
    task.input_quantization = quantization(input);
    task.output_quantization = quantization(index);
    if (execution.has_before_activation()) {
      task.before_activation = execution.before_activation();
    }
    return task;
  }

  // The add's operand that the convolution does not compute.
  int Residual(int convolution, int add) const {
    const auto& inputs = node(add).inputs();
    return inputs[0] == convolution ? inputs[1] : inputs[0];
  }

  void FuseAdd(int index, int add, const Tensor& residual,
               ConvolutionTask* task) const {
    FusedAdd fused;
    fused.activation = node(add).add().activation();
    fused.convolution_is_second = node(add).inputs(1) == index;
    fused.residual_stride = residual.stride;
    if (is_int8(add)) {
      fused.residual = quantization(Residual(index, add));
      fused.sum = quantization(add);
    }
    task->add = fused;
  }

  // Mode TWO_STEP for a backend that lacks it: the convolution to its own
  // scale, then the table in place.
  bool SplitTwoStep(ConvolutionTask* task) const {
    if (!task->before_activation.has_value() || fusions.two_step) return false;
    task->output_quantization = task->before_activation;
    task->before_activation.reset();
    task->op.set_activation(LINEAR);
    return true;
  }

  // Which forms of the value of `target` the convolution at `index` writes.
  void ChooseForms(int index, int target, ConvolutionTask* task) const {
    const NodePlan& readers = plan[target];
    const bool own_is_bytes = is_int8(index);
    task->wants_bytes = own_is_bytes;
    task->wants_reals = !own_is_bytes;
    if (!fusions.other_form) return;
    if (!readers.read_as_bytes && !readers.read_as_reals) return;
    const bool keep = options.keep_all_values;
    task->wants_bytes = readers.read_as_bytes || (keep && own_is_bytes);
    task->wants_reals = readers.read_as_reals || (keep && !own_is_bytes);
    if (task->wants_bytes && !own_is_bytes) {
      task->output_quantization = quantization(target);
    }
  }

  absl::Status BuildConvolution(int index) {
    const int add = plan[index].fused_add;
    const int target = add >= 0 ? add : index;
    const int input = node(index).inputs(0);
    const bool int8 = is_int8(index);
    Form(input, int8);
    if (add >= 0) Form(Residual(index, add), int8);
    const Tensor from = Form(input, int8);
    const Tensor residual =
        add >= 0 ? Form(Residual(index, add), int8) : Tensor();

    ConvolutionTask task = Task(index);
    task.input_stride = from.stride;
    if (add >= 0) FuseAdd(index, add, residual, &task);
    const bool leaky_after = SplitTwoStep(&task);
    ChooseForms(index, target, &task);
    Value& value = values[target];
    if (task.wants_bytes) value.bytes = NewTensor(target, /*bytes=*/true);
    if (task.wants_reals) value.reals = NewTensor(target, /*bytes=*/false);
    task.bytes_stride = value.bytes.stride;
    task.reals_stride = value.reals.stride;

    auto convolution = backend->Create(task);
    if (!convolution.ok()) {
      return Annotate(convolution.status(),
                      absl::StrCat("engine ", backend->name(), ": node ",
                                   node(index).name()));
    }
    model->ReleaseWeights(index);
    convolutions[index] = *std::move(convolution);
    AddConvolutionStep(index, from, residual, value);
    if (leaky_after) AddLeakyStep(index);
    return absl::OkStatus();
  }

  void AddConvolutionStep(int index, const Tensor& from, const Tensor& residual,
                          const Value& to) {
    Convolution* const convolution = convolutions[index].get();
    Buffer* const scratch = convolution->scratch_bytes() == 0
                                ? nullptr
                                : NewBuffer(convolution->scratch_bytes());
    const bool int8 = is_int8(index);
    steps.push_back(
        {index, [convolution, from, residual, to, scratch, int8] {
           const auto data = [int8](const Tensor& tensor) -> const void* {
             if (!tensor) return nullptr;
             return int8 ? static_cast<const void*>(tensor.bytes())
                         : tensor.reals();
           };
           ConvolutionBuffers run;
           run.input = data(from);
           run.residual = data(residual);
           run.bytes = to.bytes ? to.bytes.bytes() : nullptr;
           run.reals = to.reals ? to.reals.reals() : nullptr;
           run.scratch = scratch == nullptr ? nullptr : scratch->data;
           return convolution->Run(run);
         }});
  }

  void AddLeakyStep(int index) {
    const Tensor value = Use(values[index].bytes);
    AddStep(index, [this, index, value] {
      const NodeExecution& execution = model->execution(index);
      LeakyValues(pool(), value.bytes(), count(index),
                  execution.before_activation(), execution.output(),
                  value.bytes());
    });
  }

  // --- Other nodes.

  void BuildAdd(int index) {
    const std::vector<Tensor> from = Inputs(index, is_int8(index));
    const Activation activation = node(index).add().activation();
    if (is_int8(index)) {
      const Tensor to = NewTensor(index, /*bytes=*/true);
      AddStep(index, [this, index, from, to, activation] {
        const auto& inputs = node(index).inputs();
        AddValues(pool(), from[0].bytes(), quantization(inputs[0]),
                  from[1].bytes(), quantization(inputs[1]), activation,
                  count(index), quantization(index), to.bytes());
      });
      values[index].bytes = to;
    } else {
      const Tensor to = NewTensor(index, /*bytes=*/false);
      AddStep(index, [this, index, from, to, activation] {
        AddValues(pool(), from[0].reals(), from[1].reals(), activation,
                  count(index), to.reals());
      });
      values[index].reals = to;
    }
  }

  void BuildConcat(int index) {
    const bool bytes = is_int8(index);
    const std::vector<Tensor> from = Inputs(index, bytes);
    Tensor to = ConcatTensor(index, bytes);
    std::vector<std::function<void()>> copies;
    for (int i = 0; i < node(index).inputs_size(); ++i) {
      const int input = node(index).inputs(i);
      if (plan[input].place.concat != index) {
        copies.push_back(bytes ? CopyBytes(input, index, from[i], to)
                               : CopyReals(input, from[i], to));
      }
      to.offset += channels(input);
    }
    AddStep(index, [copies = std::move(copies)] {
      for (const auto& copy : copies) copy();
    });
  }

  Upsampling UpsamplingOf(int index, const Tensor& from,
                          const Tensor& to) const {
    return {shape(node(index).inputs(0)), node(index).upsample().factor(),
            from.stride, to.stride};
  }

  ChannelCopy CopyOf(int index, const Tensor& from, const Tensor& to) const {
    return {cells(index), from.stride, 0, to.stride, 0, channels(index)};
  }

  // The copy of a node's value, or its enlargement, into a part of a concat's.
  std::function<void()> CopyReals(int input, const Tensor& from,
                                  const Tensor& to) {
    if (plan[input].folded_into >= 0) {
      return [this, from, to, up = UpsamplingOf(input, from, to)] {
        UpsampleValues(pool(), from.reals(), up, to.reals());
      };
    }
    return [this, from, to, copy = CopyOf(input, from, to)] {
      CopyChannels(pool(), from.reals(), copy, to.reals());
    };
  }

  std::function<void()> CopyBytes(int input, int concat, const Tensor& from,
                                  const Tensor& to) {
    const TensorQuantization from_q = quantization(input);
    const TensorQuantization to_q = quantization(concat);
    const bool same = SameQuantization(from_q, to_q);
    if (plan[input].folded_into >= 0) {
      const Upsampling up = UpsamplingOf(input, from, to);
      return [this, from, to, up, same, from_q, to_q] {
        if (same) {
          UpsampleValues(pool(), from.bytes(), up, to.bytes());
        } else {
          UpsampleRequantized(pool(), from.bytes(), up, from_q, to_q,
                              to.bytes());
        }
      };
    }
    const ChannelCopy copy = CopyOf(input, from, to);
    return [this, from, to, copy, same, from_q, to_q] {
      if (same) {
        CopyChannels(pool(), from.bytes(), copy, to.bytes());
      } else {
        RequantizeChannels(pool(), from.bytes(), copy, from_q, to_q,
                           to.bytes());
      }
    };
  }

  // Upsample, max-pool and slice: the same for both forms.
  void BuildMove(int index) {
    const bool bytes = is_int8(index);
    const Tensor from = Inputs(index, bytes)[0];
    const Tensor to = NewTensor(index, bytes);
    (bytes ? values[index].bytes : values[index].reals) = to;
    AddStep(index, [this, index, bytes, from, to] {
      if (bytes) {
        Move(index, from, to, from.bytes(), to.bytes());
      } else {
        Move(index, from, to, from.reals(), to.reals());
      }
    });
  }

  template <typename T>
  void Move(int index, const Tensor& from, const Tensor& to, const T* source,
            T* target) const {
    if (node(index).has_upsample()) {
      UpsampleValues(pool(), source, UpsamplingOf(index, from, to), target);
    } else if (node(index).has_max_pool()) {
      MaxPoolValues(pool(), source, shape(node(index).inputs(0)), shape(index),
                    node(index).max_pool(), target);
    } else {
      ChannelCopy copy = CopyOf(index, from, to);
      copy.from_begin = node(index).slice().begin();
      CopyChannels(pool(), source, copy, target);
    }
  }

  absl::Status Build() {
    plan = options.keep_all_values ? PlanGraphUnfused(*model)
                                   : PlanGraph(*model, fusions);
    values.resize(graph().nodes_size());
    convolutions.resize(graph().nodes_size());
    heads = YoloHeads(graph());
    for (int i = 0; i < graph().nodes_size(); ++i) {
      YOLOQ_RETURN_IF_ERROR(BuildNode(i));
    }
    // Heads are copied out after the last step.
    for (const int head : heads) Use(values[head].reals);
    if (options.time_nodes) node_ns.resize(graph().nodes_size());
    return Allocate();
  }

  absl::Status BuildNode(int index) {
    const bool done_elsewhere =
        plan[index].fused_into >= 0 || plan[index].folded_into >= 0;
    if (done_elsewhere) return absl::OkStatus();
    switch (node(index).op_case()) {
      case Node::kInput:
        values[index].bytes = NewTensor(index, /*bytes=*/true);
        return absl::OkStatus();
      case Node::kYoloHead:
        values[index].reals = Reals(node(index).inputs(0));
        return absl::OkStatus();
      case Node::kConvolution:
        return BuildConvolution(index);
      case Node::kAdd:
        BuildAdd(index);
        return absl::OkStatus();
      case Node::kConcat:
        BuildConcat(index);
        return absl::OkStatus();
      default:
        BuildMove(index);
        return absl::OkStatus();
    }
  }

  absl::Status Allocate() {
    std::vector<BufferLife> lives;
    for (Buffer& buffer : buffers) {
      if (options.keep_all_values) buffer.life.first_use = 0;
      if (options.keep_all_values) buffer.life.last_use = step();
      lives.push_back(buffer.life);
    }
    const MemoryPlan memory = PlanMemory(lives);
    const int64_t wanted = memory.arena_bytes + kReadableTailBytes;
    arena = NewMemoryBlock(wanted);
    if (arena.data == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for ", wanted, " bytes of activations"));
    }
    for (size_t i = 0; i < buffers.size(); ++i) {
      buffers[i].data =
          static_cast<uint8_t*>(arena.data.get()) + memory.offsets_bytes[i];
    }
    return absl::OkStatus();
  }

  // --- Running.

  void CopyHead(int index, HeadOutput* head) const {
    head->node = index;
    head->channels = channels(index);
    head->height = shape(index).height();
    head->width = shape(index).width();
    const float* reals = values[index].reals.reals();
    head->values.assign(reals, reals + count(index));
  }

  absl::Status RunSteps() {
    for (const Step& step : steps) YOLOQ_RETURN_IF_ERROR(step.run());
    return absl::OkStatus();
  }

  absl::Status RunStepsTimed() {
    const auto clock = options.clock != nullptr ? options.clock : NowNs;
    std::fill(node_ns.begin(), node_ns.end(), 0);
    for (const Step& step : steps) {
      const int64_t begin_ns = clock();
      YOLOQ_RETURN_IF_ERROR(step.run());
      node_ns[step.node] += clock() - begin_ns;
    }
    return absl::OkStatus();
  }

  absl::Status Run(absl::Span<const uint8_t> rgb,
                   std::vector<HeadOutput>* outputs) {
    std::memcpy(values[0].bytes.bytes(), rgb.data(), rgb.size());
    YOLOQ_RETURN_IF_ERROR(options.time_nodes ? RunStepsTimed() : RunSteps());
    outputs->resize(heads.size());
    for (size_t i = 0; i < heads.size(); ++i) {
      CopyHead(heads[i], &(*outputs)[i]);
    }
    return absl::OkStatus();
  }
};

absl::StatusOr<std::unique_ptr<GraphEngine>> GraphEngine::Create(
    const Deployable* model, std::unique_ptr<ConvolutionBackend> backend,
    const GraphEngineOptions& options) {
  auto state = std::make_unique<State>();
  state->model = model;
  state->backend = std::move(backend);
  state->fusions = state->backend->fusions();
  state->options = options;
  YOLOQ_RETURN_IF_ERROR(state->Build());
  return std::unique_ptr<GraphEngine>(new GraphEngine(std::move(state)));
}

GraphEngine::GraphEngine(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

GraphEngine::~GraphEngine() = default;

absl::string_view GraphEngine::name() const { return state_->backend->name(); }

const Graph& GraphEngine::graph() const { return state_->graph(); }

absl::Status GraphEngine::Run(absl::Span<const uint8_t> rgb,
                              std::vector<HeadOutput>* heads) {
  if (static_cast<int64_t>(rgb.size()) != state_->count(0)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name(), ": the picture has ", rgb.size(),
                     " bytes, the network's input is ", state_->count(0)));
  }
  return state_->Run(rgb, heads);
}

absl::Span<const int64_t> GraphEngine::node_ns() const {
  return state_->node_ns;
}

absl::Span<const uint8_t> GraphEngine::Uint8Output(int node) const {
  const Tensor& tensor = state_->values[node].bytes;
  if (!tensor) return {};
  return absl::MakeConstSpan(tensor.bytes(), state_->count(node));
}

absl::Span<const float> GraphEngine::FloatOutput(int node) const {
  const Tensor& tensor = state_->values[node].reals;
  if (!tensor) return {};
  return absl::MakeConstSpan(tensor.reals(), state_->count(node));
}

int64_t GraphEngine::activation_bytes() const { return state_->arena.bytes; }

int64_t GraphEngine::packed_bytes() const {
  int64_t sum = 0;
  for (const auto& convolution : state_->convolutions) {
    if (convolution != nullptr) sum += convolution->packed_bytes();
  }
  return sum;
}

std::string GraphEngine::description(int node) const {
  const auto& convolution = state_->convolutions[node];
  if (convolution == nullptr) return "";
  const int add = state_->plan[node].fused_add;
  return add < 0 ? convolution->description()
                 : absl::StrCat(convolution->description(), ", with the sum ",
                                state_->node(add).name());
}

}  // namespace yoloq
