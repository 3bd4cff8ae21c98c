#include "hw/native/backend.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "hw/native/depthwise.h"
#include "hw/native/direct.h"
#include "hw/native/isa.h"
#include "hw/native/plan.h"
#include "hw/native/shifted.h"
#include "hw/native/tiled_direct.h"
#include "hw/native/tiled_winograd.h"
#include "hw/native/winograd.h"
#include "hw/native/workers.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace native {
namespace {

absl::Status Invalid(const ConvolutionTask& task, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("convolution ", task.name, ": ", what));
}

absl::Status CheckShapes(const ConvolutionTask& task) {
  const ConvolutionOp& op = task.op;
  if (op.kernel() < 1 || op.stride() < 1 || op.padding() < 0 ||
      op.groups() < 1 || op.out_channels() < 1 || task.input.channels() < 1 ||
      task.input.channels() % op.groups() != 0 ||
      op.out_channels() % op.groups() != 0) {
    return Invalid(task, "malformed kernel, stride, padding or groups");
  }
  const auto fits = [&](int in, int out) {
    return in >= 1 && in + 2 * op.padding() >= op.kernel() &&
           out == (in + 2 * op.padding() - op.kernel()) / op.stride() + 1;
  };
  if (task.output.channels() != op.out_channels() ||
      !fits(task.input.height(), task.output.height()) ||
      !fits(task.input.width(), task.output.width())) {
    return Invalid(task, "the output's shape does not follow from the input's");
  }
  if (task.input_stride < task.input.channels() ||
      (task.wants_bytes && task.bytes_stride < op.out_channels()) ||
      (task.wants_reals && task.reals_stride < op.out_channels()) ||
      (task.add.has_value() && task.add->residual_stride < op.out_channels())) {
    return Invalid(task, "a stride is below the number of channels");
  }
  if (!task.wants_bytes && !task.wants_reals) {
    return Invalid(task, "neither form of the output is wanted");
  }
  return absl::OkStatus();
}

absl::Status CheckParameters(const ConvolutionTask& task) {
  const size_t outputs = task.op.out_channels();
  const size_t weights =
      outputs * GroupChannels(task) * task.op.kernel() * task.op.kernel();
  if (task.precision == FP32) {
    if (task.float_weights.size() != weights ||
        task.float_bias.size() != outputs) {
      return Invalid(task, "wrong number of weights or biases");
    }
    if (task.wants_bytes && !task.output_quantization.has_value()) {
      return Invalid(task, "bytes are wanted without a quantization");
    }
    return absl::OkStatus();
  }
  if (task.int8_weights.size() != weights ||
      task.int32_bias.size() != outputs ||
      (task.weight_scales.size() != 1 &&
       task.weight_scales.size() != outputs)) {
    return Invalid(task, "wrong number of weights, biases or scales");
  }
  if (!task.output_quantization.has_value()) {
    return Invalid(task, "the output has no quantization");
  }
  if (task.before_activation.has_value() && task.op.activation() != LEAKY) {
    return Invalid(task, "only leaky ReLU has a scale before the activation");
  }
  return absl::OkStatus();
}

// A way of computing a task.
struct Way {
  NativeAlgorithm algorithm = NativeAlgorithm::kDirect;
  WinogradForm form;  // where the algorithm is Winograd's
  Cost cost;
};

struct Choice {
  Way way;
  std::string reason;
};

const char* Name(const Way& way) {
  if (way.algorithm == NativeAlgorithm::kDirect) return "direct";
  if (way.form.stride == 2) return "Winograd F(4,2) at stride 2";
  if (way.form.outputs == 2) return "Winograd F(2,3)";
  return way.form.weights_in_run
             ? "Winograd F(4,3) with weights transformed in the run"
             : "Winograd F(4,3)";
}

// Stands for a convolution of a core that need not be here.
class PlannedConvolution : public Convolution {
 public:
  explicit PlannedConvolution(const ConvolutionPlan& plan)
      : packed_bytes_(plan.packed_bytes), description_(plan.description) {}

  int64_t packed_bytes() const override { return packed_bytes_; }
  std::string description() const override { return description_; }
  absl::Status Run(const ConvolutionBuffers&) override {
    return absl::FailedPreconditionError(
        "a convolution that was only planned cannot run");
  }

 private:
  const int64_t packed_bytes_;
  const std::string description_;
};

// The option that prefers a form.
NativeAlgorithm AlgorithmOf(const WinogradForm& form) {
  if (form.outputs == 2) return NativeAlgorithm::kWinograd2;
  return form.weights_in_run ? NativeAlgorithm::kWinograd4InRun
                             : NativeAlgorithm::kWinograd4;
}

class NativeBackend : public ConvolutionBackend {
 public:
  // With `plans` it plans only, and `kernels` needs no functions.
  NativeBackend(const NativeOptions& options, const KernelSet* kernels,
                std::unique_ptr<ThreadPool> pool,
                std::vector<ConvolutionPlan>* plans)
      : options_(options),
        plans_(plans),
        budget_bytes_(options.transform_budget_bytes),
        pool_(std::move(pool)),
        workers_(*pool_) {
    context_.kernels = kernels;
    context_.workers = &workers_;
    context_.cache_bytes = kernels->core.cache_bytes > 0
                               ? kernels->core.cache_bytes
                               : SecondLevelCacheBytes();
    context_.threads = options.threads;
  }

  absl::string_view name() const override { return "native"; }

  ConvolutionFusions fusions() const override {
    ConvolutionFusions fusions;
    fusions.add = true;
    fusions.other_form = true;
    fusions.strides = true;
    fusions.two_step = true;
    return fusions;
  }

  ThreadPool& pool() override { return *pool_; }

  absl::StatusOr<std::unique_ptr<Convolution>> Create(
      const ConvolutionTask& task) override {
    YOLOQ_RETURN_IF_ERROR(CheckShapes(task));
    YOLOQ_RETURN_IF_ERROR(CheckParameters(task));
    if (IsDepthwise(task)) {
      const std::string description =
          absl::StrCat("depthwise, ", context_.kernels->name);
      if (plans_ == nullptr) return NewDepthwise(task, context_, description);
      return Planned(task, "depthwise", description,
                     DepthwiseCost(task, context_));
    }
    const std::vector<Way> ways = Ways(task);
    const Choice choice = Choose(ways);
    const Way& way = choice.way;
    // Direct is the first.
    budget_bytes_ -= ExtraBytes(way, ways.front());
    const std::string description =
        absl::StrCat(Name(way), ", ", GemmName(task, way), ": ", choice.reason);
    if (plans_ != nullptr) {
      return Planned(task, Name(way), description, way.cost);
    }
    if (way.algorithm != NativeAlgorithm::kDirect) {
      return UsesTiles(way.form)
                 ? NewTiledWinograd(task, way.form, context_, description)
                 : NewWinograd(task, way.form, context_, description);
    }
    if (HasTiledDirect(task.precision, *context_.kernels)) {
      return NewTiledDirect(task, context_, description);
    }
    return ShiftedPays(task, context_) ? NewShifted(task, context_, description)
                                       : NewDirect(task, context_, description);
  }

 private:
  std::unique_ptr<Convolution> Planned(const ConvolutionTask& task,
                                       const std::string& algorithm,
                                       const std::string& description,
                                       const Cost& cost) {
    ConvolutionPlan plan;
    plan.name = task.name;
    plan.algorithm = algorithm;
    plan.description = description;
    plan.multiply_accumulates = static_cast<double>(OutputPixels(task)) *
                                task.op.out_channels() * GroupChannels(task) *
                                task.op.kernel() * task.op.kernel();
    plan.instructions =
        cost.computing_cycles() * context_.kernels->core.instructions;
    plan.packed_bytes = cost.packed_bytes;
    plan.weight_traffic_bytes = cost.traffic.weights;
    plan.activation_traffic_bytes = cost.traffic.activations();
    plan.cycles = Cycles(cost, context_);
    plan.computing_cycles = cost.computing_cycles() / context_.threads;
    const double clock_hz = context_.kernels->core.clock_hz;
    if (clock_hz > 0) plan.ms = 1e3 * plan.cycles / clock_hz;
    plans_->push_back(plan);
    return std::make_unique<PlannedConvolution>(plan);
  }

  const char* GemmName(const ConvolutionTask& task, const Way& way) const {
    const KernelSet& kernels = *context_.kernels;
    const bool direct = way.algorithm == NativeAlgorithm::kDirect;
    const bool real = task.precision == FP32;
    if (direct && HasTiledDirect(task.precision, kernels)) {
      return TiledDirectGemmName(task, kernels);
    }
    if (!direct && UsesTiles(way.form)) {
      return real ? kernels.tiles.gemm_f32.name : kernels.tiles.gemm_s16.name;
    }
    if (real) return kernels.gemm_f32.name;
    return direct && kernels.gemm_u8.rows > 0 ? kernels.gemm_u8.name
                                              : kernels.gemm_s16.name;
  }

  bool UsesTiles(const WinogradForm& form) const {
    return form.is_f4_3() && HasTiledWinograd(*context_.kernels);
  }

  bool WinogradIsAllowed(const ConvolutionTask& task) const {
    return task.precision == FP32 ? options_.fp32_winograd
                                  : options_.int8_winograd;
  }

  // Memory that transformed weights take beyond the direct ones.
  static int64_t ExtraBytes(const Way& way, const Way& direct) {
    if (way.form.weights_in_run) return 0;
    return std::max<int64_t>(0,
                             way.cost.packed_bytes - direct.cost.packed_bytes);
  }

  bool FitsBudget(const Way& way, const Way& direct) const {
    return ExtraBytes(way, direct) <= budget_bytes_;
  }

  // The ways that are possible for the task, direct first. Weights are
  // transformed in the run only where no memory is left to keep them.
  std::vector<Way> Ways(const ConvolutionTask& task) const {
    const Way direct = {NativeAlgorithm::kDirect, {}, CostOfDirect(task)};
    std::vector<Way> ways = {direct};
    if (!WinogradIsAllowed(task)) return ways;
    bool four_fits = false;
    for (const WinogradForm& form :
         PossibleWinogradForms(task, *context_.kernels)) {
      const Way way = {AlgorithmOf(form), form, CostOfWinograd(task, form)};
      if (!FitsBudget(way, direct)) continue;
      if (way.algorithm == NativeAlgorithm::kWinograd4) four_fits = true;
      if (!form.weights_in_run || !four_fits ||
          options_.algorithm == way.algorithm) {
        ways.push_back(way);
      }
    }
    return ways;
  }

  Cost CostOfDirect(const ConvolutionTask& task) const {
    return HasTiledDirect(task.precision, *context_.kernels)
               ? TiledDirectCost(task, context_)
               : DirectCost(task, context_);
  }

  Cost CostOfWinograd(const ConvolutionTask& task,
                      const WinogradForm& form) const {
    return UsesTiles(form) ? TiledWinogradCost(task, form, context_)
                           : WinogradCost(task, form, context_);
  }

  Choice Choose(const std::vector<Way>& ways) const {
    if (ways.size() == 1) {
      return {ways.front(),
              "the only way that is possible here within the options"};
    }
    Choice choice;
    double least = 0;
    for (const Way& way : ways) {
      if (way.algorithm == options_.algorithm) {
        return {way, "asked for by the options"};
      }
      const double cycles = Cycles(way.cost, context_);
      if (choice.reason.empty() || cycles < least) {
        least = cycles;
        choice.way = way;
      }
      absl::StrAppendFormat(
          &choice.reason,
          "%s%s %.2f M cycles (multiply %.2f, transform %.2f, memory %.2f)",
          choice.reason.empty() ? "" : "; ", Name(way), cycles / 1e6,
          way.cost.multiply_cycles / context_.threads / 1e6,
          way.cost.transform_cycles / context_.threads / 1e6,
          MemoryCycles(way.cost, context_) / 1e6);
    }
    return choice;
  }

  const NativeOptions options_;
  std::vector<ConvolutionPlan>* const plans_;
  int64_t budget_bytes_;  // what is left of it
  const std::unique_ptr<ThreadPool> pool_;
  Workers workers_;
  PlanContext context_;
};

absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewBackend(
    const NativeOptions& options, const KernelSet* kernels,
    std::vector<ConvolutionPlan>* plans) {
  if (options.threads < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "native backend: ", options.threads, " threads; give at least 1"));
  }
  // Planning runs nothing.
  YOLOQ_ASSIGN_OR_RETURN(std::unique_ptr<ThreadPool> pool,
                         NewThreadPool(plans == nullptr ? options.threads : 1));
  return std::make_unique<NativeBackend>(options, kernels, std::move(pool),
                                         plans);
}

}  // namespace
}  // namespace native

absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewNativeBackend(
    const NativeOptions& options) {
  YOLOQ_ASSIGN_OR_RETURN(const native::KernelSet* kernels,
                         native::FindKernels(options.kernels));
  return NewNativeBackend(options, *kernels);
}

absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewNativeBackend(
    const NativeOptions& options, const native::KernelSet& kernels) {
  return native::NewBackend(options, &kernels, /*plans=*/nullptr);
}

absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewPlanningBackend(
    const NativeOptions& options, std::vector<ConvolutionPlan>* plans) {
  YOLOQ_ASSIGN_OR_RETURN(const native::KernelSet* kernels,
                         native::FindDescription(options.kernels));
  return native::NewBackend(options, kernels, plans);
}

}  // namespace yoloq
