// The emulated program's side of plugin.c: how many instructions it has
// executed.
#ifndef YOLOQ_HW_COUNTING_COUNTER_H_
#define YOLOQ_HW_COUNTING_COUNTER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace yoloq {

// Maps the file that the plugin was given. FailedPrecondition when no plugin
// counts into it.
absl::Status OpenInstructionCounter(const std::string& path);

// Instructions of all threads so far. Costs a system call. Requires an open
// counter.
int64_t CountedInstructions();

}  // namespace yoloq

#endif  // YOLOQ_HW_COUNTING_COUNTER_H_
