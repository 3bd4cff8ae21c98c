// Direct convolution as a matrix product: rows of input values gathered pixel
// by pixel (or read in place where the kernel is 1 x 1), times packed weights.
// Any kernel size, stride, padding and number of groups.
#ifndef YOLOQ_HW_NATIVE_DIRECT_H_
#define YOLOQ_HW_NATIVE_DIRECT_H_

#include <memory>
#include <string>

#include "hw/native/plan.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

Cost DirectCost(const ConvolutionTask& task, const PlanContext& context);

// `description` is what description() gives.
std::unique_ptr<Convolution> NewDirect(const ConvolutionTask& task,
                                       const PlanContext& context,
                                       std::string description);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_DIRECT_H_
