// How the native engine computes a model on a core that need not be here, layer
// by layer, and what that costs by its model. Nothing runs.
//
//   YOLOQ_ASSIGN_OR_RETURN(const ModelPlan plan,
//                          PlanModel(&model, {.core = "cortex_a53"}));
#ifndef YOLOQ_HW_MODEL_PLAN_H_
#define YOLOQ_HW_MODEL_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hw/native/convolution_plan.h"
#include "hw/runtime/engines.h"
#include "quant/deployable.h"

namespace yoloq {

struct ModelPlanOptions {
  // A core or kernel set (hw/native/isa.h); "": that of this machine.
  std::string core;
  int threads = 1;
  // An unset budget: the default of a machine with that core.
  NativeEngineOptions native;
};

struct ModelPlan {
  std::string core;
  std::vector<ConvolutionPlan> layers;  // convolutions, in order

  // Sums over the layers; name, algorithm and description are empty.
  ConvolutionPlan total() const;
};

// Convolutions alone: other nodes copy or add what a convolution does not do on
// the way. InvalidArgument for an unknown core.
absl::StatusOr<ModelPlan> PlanModel(const Deployable* model,
                                    const ModelPlanOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_HW_MODEL_PLAN_H_
