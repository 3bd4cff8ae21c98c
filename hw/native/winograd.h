// Convolution with 3 x 3 kernels by Winograd's algorithm: at stride 1 F(2x2,
// 3x3) or F(4x4, 3x3), at stride 2 F(4, 2) of even pixels beside odd ones.
// Exact in INT8, rounded differently from direct convolution in FP32. README.md
// has the argument.
#ifndef YOLOQ_HW_NATIVE_WINOGRAD_H_
#define YOLOQ_HW_NATIVE_WINOGRAD_H_

#include <memory>
#include <string>
#include <vector>

#include "hw/native/plan.h"
#include "hw/native/winograd_form.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// At stride 1 INT8 has both sizes, FP32 only 4. A convolution is eligible by
// its shape (3 x 3, one group, stride 2 where the kernels have it), in FP32
// from 16 input channels on, and in INT8 when no sum over the possible inputs
// can leave the range in which the result is exact. Reads all INT8 weights.
std::vector<WinogradForm> PossibleWinogradForms(const ConvolutionTask& task,
                                                const KernelSet& kernels);

Cost WinogradCost(const ConvolutionTask& task, const WinogradForm& form,
                  const PlanContext& context);

// Requires that the form is possible.
std::unique_ptr<Convolution> NewWinograd(const ConvolutionTask& task,
                                         const WinogradForm& form,
                                         const PlanContext& context,
                                         std::string description);

// The largest magnitude that the exact sum of any output channel can have, with
// or without its bias.
int64_t LargestSum(const ConvolutionTask& task);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WINOGRAD_H_
