#include "hw/model_plan.h"

#include <utility>

#include "hw/native/backend.h"
#include "hw/native/isa.h"
#include "hw/runtime/graph_engine.h"
#include "tools/base/status_macros.h"

namespace yoloq {

ConvolutionPlan ModelPlan::total() const {
  ConvolutionPlan sum;
  for (const ConvolutionPlan& layer : layers) {
    sum.multiply_accumulates += layer.multiply_accumulates;
    sum.instructions += layer.instructions;
    sum.packed_bytes += layer.packed_bytes;
    sum.weight_traffic_bytes += layer.weight_traffic_bytes;
    sum.activation_traffic_bytes += layer.activation_traffic_bytes;
    sum.cycles += layer.cycles;
    sum.computing_cycles += layer.computing_cycles;
    sum.ms += layer.ms;
  }
  return sum;
}

absl::StatusOr<ModelPlan> PlanModel(const Deployable* model,
                                    const ModelPlanOptions& options) {
  YOLOQ_ASSIGN_OR_RETURN(const native::KernelSet* kernels,
                         native::FindDescription(options.core));
  const int64_t memory_bytes = kernels->core.memory_bytes > 0
                                   ? kernels->core.memory_bytes
                                   : MachineMemoryBytes();
  NativeOptions native;
  native.threads = options.threads;
  native.kernels = kernels->name;
  native.fp32_winograd = options.native.fp32_winograd;
  native.transform_budget_bytes =
      options.native.transform_budget_bytes.value_or(
          DefaultTransformBudget(memory_bytes));
  ModelPlan plan;
  plan.core = kernels->core.name;
  YOLOQ_ASSIGN_OR_RETURN(auto backend,
                         NewPlanningBackend(native, &plan.layers));
  // It makes the convolutions as an engine would, and is not run.
  YOLOQ_RETURN_IF_ERROR(
      GraphEngine::Create(model, std::move(backend), {}).status());
  return plan;
}

}  // namespace yoloq
