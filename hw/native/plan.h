// Ways of computing a convolution: what direct.h, winograd.h, depthwise.h and
// their like offer to the choice in backend.h.
#ifndef YOLOQ_HW_NATIVE_PLAN_H_
#define YOLOQ_HW_NATIVE_PLAN_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "hw/native/kernels.h"
#include "hw/native/workers.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// Bytes to and from memory in one run. Every tensor passes through memory once.
// Weights of more than half of the second-level cache come anew for each pass
// over them, and so does what threads share of the transformed input; threads
// gain nothing from what others have just read.
struct Traffic {
  double weights = 0;
  double input = 0;
  double output = 0;  // in every form that is wanted
  double residual = 0;
  double scratch = 0;

  double total() const { return weights + activations(); }
  double activations() const { return input + output + residual + scratch; }
};

// What a convolution costs, for comparing ways of computing it.
struct Cost {
  double multiplies = 0;  // multiply-accumulates, with the padding of tiles
  double multiply_cycles = 0;   // of one core, as the next
  double transform_cycles = 0;  // gathering, transforms, epilogue
  Traffic traffic;
  int64_t packed_bytes = 0;  // packed weights

  // Of all cores together, without waiting for memory.
  double computing_cycles() const { return multiply_cycles + transform_cycles; }
};

// Everything a way of computing needs at creation. The pointers outlive the
// convolution, the task does not.
struct PlanContext {
  const KernelSet* kernels = nullptr;
  Workers* workers = nullptr;
  int64_t cache_bytes = 0;  // second level; of one core, or of all
  int threads = 1;
};

// Bytes a cycle that all threads together get from beyond the caches.
inline double MemoryBytesPerCycle(const PlanContext& context) {
  const CoreModel& core = context.kernels->core;
  const double wanted = context.threads * core.core_bytes;
  return core.all_cores_bytes > 0 ? std::min(wanted, core.all_cores_bytes)
                                  : wanted;
}

// Cycles that memory takes, which do not overlap with computing.
inline double MemoryCycles(const Cost& cost, const PlanContext& context) {
  return cost.traffic.total() / MemoryBytesPerCycle(context);
}

// Cycles from begin to end, the work shared by the threads.
inline double Cycles(const Cost& cost, const PlanContext& context) {
  return cost.computing_cycles() / context.threads +
         MemoryCycles(cost, context);
}

// How often what is read in `passes` passes comes from memory.
inline double PassesFromMemory(double bytes, double passes,
                               const PlanContext& context) {
  return bytes > static_cast<double>(context.cache_bytes) / 2 ? passes : 1;
}

// At least `blocks` (>= 1), as many for each thread: of 9 on 2 threads, one
// thread would wait for a tenth of the time.
inline int64_t EvenBlocks(int64_t blocks, const PlanContext& context) {
  return RoundUp(blocks, context.threads);
}

inline int64_t OutputPixels(const ConvolutionTask& task) {
  return int64_t{task.output.height()} * task.output.width();
}

// Input channels of one group.
inline int GroupChannels(const ConvolutionTask& task) {
  return task.input.channels() / task.op.groups();
}

// Of what is written once to scratch and read in `passes`: none where the cache
// holds it.
inline double ScratchTraffic(double bytes, double passes,
                             const PlanContext& context) {
  return bytes > static_cast<double>(context.cache_bytes) / 2
             ? bytes * (1 + passes)
             : 0;
}

// Traffic of the tensors that a convolution reads and writes, whatever way.
inline Traffic TensorTraffic(const ConvolutionTask& task) {
  const double value_bytes = task.precision == FP32 ? 4 : 1;
  const double outputs =
      static_cast<double>(OutputPixels(task)) * task.op.out_channels();
  Traffic traffic;
  traffic.input = value_bytes * task.input.height() * task.input.width() *
                  task.input.channels();
  traffic.output =
      outputs * ((task.wants_bytes ? 1 : 0) + (task.wants_reals ? 4 : 0));
  if (task.add.has_value()) traffic.residual = value_bytes * outputs;
  return traffic;
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_PLAN_H_
