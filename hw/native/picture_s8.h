// The first layer: 3 x 3 on a picture's three channels, INT8, with a
// PictureGemm that reads rows of the picture. The rows under a row of outputs
// are copied with their padding written out; nothing else is gathered.
#ifndef YOLOQ_HW_NATIVE_PICTURE_S8_H_
#define YOLOQ_HW_NATIVE_PICTURE_S8_H_

#include <memory>
#include <string>

#include "hw/native/plan.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// INT8 tasks only: whether the kernels have what this takes and the task is of
// the kind.
bool PictureS8IsPossible(const ConvolutionTask& task, const KernelSet& kernels);

Cost PictureS8Cost(const ConvolutionTask& task, const PlanContext& context);

std::unique_ptr<Convolution> NewPictureS8(const ConvolutionTask& task,
                                          const PlanContext& context,
                                          std::string description);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_PICTURE_S8_H_
