// Instruction sets: which the processor has, and the kernels for each.
#ifndef YOLOQ_HW_NATIVE_ISA_H_
#define YOLOQ_HW_NATIVE_ISA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hw/native/kernels.h"

namespace yoloq {
namespace native {

// The kernel sets that this processor can run, the fastest first; the last is
// "portable".
std::vector<const KernelSet*> AvailableKernels();

// The set of that name ("" for the fastest). InvalidArgument, listing what
// there is, when this processor or this build has no such set.
absl::StatusOr<const KernelSet*> FindKernels(absl::string_view name);

// All sets that there are, on any processor, without their functions
// (kernels.h).
const std::vector<KernelSet>& DescribedKernels();

// The one whose set or core has that name ("neon_a53", "cortex_a53"); "" for
// the fastest that this processor can run. InvalidArgument, listing the names.
absl::StatusOr<const KernelSet*> FindDescription(absl::string_view name);

// Bytes of the second-level cache of one core; 512 KiB where it is unknown.
int64_t SecondLevelCacheBytes();

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_ISA_H_
