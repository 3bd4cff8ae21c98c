// Direct convolution for kernel sets with GemmS8 or GemmTiledF32, whose rows
// are arranged into tiles first: any kernel size, stride, padding and number of
// groups.
#ifndef YOLOQ_HW_NATIVE_TILED_DIRECT_H_
#define YOLOQ_HW_NATIVE_TILED_DIRECT_H_

#include <memory>
#include <string>

#include "hw/native/plan.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// Whether the kernel set has what this takes.
bool HasTiledDirect(Precision precision, const KernelSet& kernels);

// Here and below, a picture's three channels go to picture_s8.h in INT8.
const char* TiledDirectGemmName(const ConvolutionTask& task,
                                const KernelSet& kernels);

Cost TiledDirectCost(const ConvolutionTask& task, const PlanContext& context);

std::unique_ptr<Convolution> NewTiledDirect(const ConvolutionTask& task,
                                            const PlanContext& context,
                                            std::string description);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_TILED_DIRECT_H_
