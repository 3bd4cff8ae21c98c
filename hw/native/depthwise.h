// Depthwise convolution: as many groups as channels, one output channel each.
// Any kernel size, stride and padding.
#ifndef YOLOQ_HW_NATIVE_DEPTHWISE_H_
#define YOLOQ_HW_NATIVE_DEPTHWISE_H_

#include <memory>
#include <string>

#include "hw/native/plan.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

bool IsDepthwise(const ConvolutionTask& task);

Cost DepthwiseCost(const ConvolutionTask& task, const PlanContext& context);

// Requires IsDepthwise.
std::unique_ptr<Convolution> NewDepthwise(const ConvolutionTask& task,
                                          const PlanContext& context,
                                          std::string description);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_DEPTHWISE_H_
