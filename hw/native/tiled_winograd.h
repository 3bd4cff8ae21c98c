// Winograd F(4x4, 3x3) for kernel sets with TileKernels, whose products take
// interleaved rows.
#ifndef YOLOQ_HW_NATIVE_TILED_WINOGRAD_H_
#define YOLOQ_HW_NATIVE_TILED_WINOGRAD_H_

#include <memory>
#include <string>

#include "hw/native/plan.h"
#include "hw/native/winograd_form.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// Whether the kernel set has what this takes.
bool HasTiledWinograd(const KernelSet& kernels);

Cost TiledWinogradCost(const ConvolutionTask& task, const WinogradForm& form,
                       const PlanContext& context);

// Requires that the form is possible and is_f4_3(), and HasTiledWinograd.
std::unique_ptr<Convolution> NewTiledWinograd(const ConvolutionTask& task,
                                              const WinogradForm& form,
                                              const PlanContext& context,
                                              std::string description);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_TILED_WINOGRAD_H_
