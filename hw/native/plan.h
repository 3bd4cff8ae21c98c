// Ways of computing a convolution: what each of direct.h, winograd.h and
// depthwise.h offers to the choice in backend.h.
#ifndef YOLOQ_HW_NATIVE_PLAN_H_
#define YOLOQ_HW_NATIVE_PLAN_H_

#include <cstdint>
#include <memory>
#include <string>

#include "hw/native/kernels.h"
#include "hw/native/workers.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// What a convolution costs one core, for comparing ways of computing it.
struct Cost {
  double multiplies = 0;  // multiply-accumulates, with the padding of tiles
  double multiply_cycles = 0;
  double transform_cycles = 0;  // gathering, transforms, epilogue
  double traffic_bytes = 0;     // what comes from beyond the core's own caches
  int64_t packed_bytes = 0;     // packed weights

  double cycles() const;
};

// Assumed of a core where nothing better is known.
inline constexpr double kStreamBytesPerCycle = 12;

inline double Cost::cycles() const {
  return multiply_cycles + transform_cycles +
         traffic_bytes / kStreamBytesPerCycle;
}

// Everything a way of computing needs at creation. The pointers outlive the
// convolution, the task does not.
struct PlanContext {
  const KernelSet* kernels = nullptr;
  Workers* workers = nullptr;
  int64_t cache_bytes = 0;  // second level, of one core
};

inline int64_t OutputPixels(const ConvolutionTask& task) {
  return int64_t{task.output.height()} * task.output.width();
}

// Input channels of one group.
inline int GroupChannels(const ConvolutionTask& task) {
  return task.input.channels() / task.op.groups();
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_PLAN_H_
