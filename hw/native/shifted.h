// Direct convolution without a matrix of gathered rows: the input is copied
// once with its padding written out, and for each row of the kernel the values
// under neighbouring output pixels are rows of a matrix at a constant distance.
// The input is small beside the k^2 times larger matrix and stays in the cache.
#ifndef YOLOQ_HW_NATIVE_SHIFTED_H_
#define YOLOQ_HW_NATIVE_SHIFTED_H_

#include <memory>
#include <string>

#include "hw/native/plan.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// Kernels above 1 x 1, one group, channels a multiple of the panels' depth,
// pixels whose distance is no multiple of kAliasBytes, products that take any
// number of rows, and rows of the kernel long enough to be as fast as
// gathering.
bool ShiftedPays(const ConvolutionTask& task, const PlanContext& context);

// Requires ShiftedPays.
std::unique_ptr<Convolution> NewShifted(const ConvolutionTask& task,
                                        const PlanContext& context,
                                        std::string description);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_SHIFTED_H_
