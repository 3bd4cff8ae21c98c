// The native backend: this project's own convolutions, exact in INT8.
//
//   YOLOQ_ASSIGN_OR_RETURN(auto backend, NewNativeBackend({.threads = 2}));
//   YOLOQ_ASSIGN_OR_RETURN(auto convolution, backend->Create(task));
#ifndef YOLOQ_HW_NATIVE_BACKEND_H_
#define YOLOQ_HW_NATIVE_BACKEND_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hw/native/convolution_plan.h"
#include "hw/runtime/convolution.h"

namespace yoloq {

namespace native {
struct KernelSet;
}

// Grows with each change of what FP32 rounds to or of how long convolutions
// take: what was evaluated or measured with the same version is kept.
inline constexpr int kNativeVersion = 5;

// A way of computing a convolution.
enum class NativeAlgorithm {
  kCheapest,   // what the cost model finds cheapest
  kDirect,     // matrix product, or depthwise
  kWinograd2,  // F(2x2, 3x3)
  kWinograd4,  // F(4x4, 3x3); at stride 2 F(4, 2) beside odd pixels
  // F(4x4, 3x3) at stride 1 with weights that are transformed in each run
  kWinograd4InRun,
};

struct NativeOptions {
  int threads = 1;
  // "avx512amx", "avx512vnni", "avx2", "neon_a53", "portable"; "" is the
  // fastest that the processor has.
  std::string kernels;
  // FP32 by Winograd changes the rounding: see README.md for the bound.
  bool fp32_winograd = true;
  bool int8_winograd = true;
  // Winograd's transformed weights take 2 to 8 times the memory of the others:
  // what they may take more, in all convolutions together. Layers are served in
  // order, so that the large maps, whose weights are few, come first. 0: none.
  int64_t transform_budget_bytes = std::numeric_limits<int64_t>::max();
  // Prefers one algorithm where it is possible.
  NativeAlgorithm algorithm = NativeAlgorithm::kCheapest;
};

// InvalidArgument for fewer than one thread or kernels that the processor does
// not have; ResourceExhausted when the system grants fewer threads.
absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewNativeBackend(
    const NativeOptions& options);

// With kernels that isa.h need not know; options.kernels is not used. `kernels`
// outlives the backend.
absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewNativeBackend(
    const NativeOptions& options, const native::KernelSet& kernels);

// The same choices for any core, which need not be here: its convolutions take
// no memory and cannot run, and each that is made appends its plan.
// options.kernels names a set or a core (hw/native/isa.h: FindDescription).
// `plans` outlives the backend.
absl::StatusOr<std::unique_ptr<ConvolutionBackend>> NewPlanningBackend(
    const NativeOptions& options, std::vector<ConvolutionPlan>* plans);

}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_BACKEND_H_
