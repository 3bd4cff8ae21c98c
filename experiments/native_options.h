// What a profile says of the native engine: as options of an engine here, and
// as flags of the program that runs it on a device.
#ifndef YOLOQ_EXPERIMENTS_NATIVE_OPTIONS_H_
#define YOLOQ_EXPERIMENTS_NATIVE_OPTIONS_H_

#include <string>
#include <vector>

#include "experiments/spec.pb.h"
#include "hw/runtime/engines.h"

namespace yoloq {

// What is unset in the spec, which is checked (spec_files.h), is so in both.
NativeEngineOptions NativeOptionsOf(const NativeEngineSpec& spec);
// Of hw/bench.
std::vector<std::string> NativeFlags(const NativeEngineSpec& spec);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_NATIVE_OPTIONS_H_
