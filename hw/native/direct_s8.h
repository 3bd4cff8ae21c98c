// Direct INT8 convolution on signed bytes, for kernel sets with GemmS8: any
// kernel size, stride, padding and number of groups.
#ifndef YOLOQ_HW_NATIVE_DIRECT_S8_H_
#define YOLOQ_HW_NATIVE_DIRECT_S8_H_

#include <memory>
#include <string>

#include "hw/native/plan.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// Whether the kernel set has what this takes.
bool HasDirectS8(const KernelSet& kernels);

// INT8 tasks only, here and below. A picture's three channels go to
// picture_s8.h.
const char* DirectS8GemmName(const ConvolutionTask& task,
                             const KernelSet& kernels);

Cost DirectS8Cost(const ConvolutionTask& task, const PlanContext& context);

std::unique_ptr<Convolution> NewDirectS8(const ConvolutionTask& task,
                                         const PlanContext& context,
                                         std::string description);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_DIRECT_S8_H_
