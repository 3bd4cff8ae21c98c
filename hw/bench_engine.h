// The engines that the benchmark binary runs, by name.
#ifndef YOLOQ_HW_BENCH_ENGINE_H_
#define YOLOQ_HW_BENCH_ENGINE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hw/runtime/engine.h"
#include "hw/runtime/engines.h"
#include "quant/deployable.h"

namespace yoloq {

// An engine for a model, which outlives it. time_nodes: fills node_ns().
using EngineMaker = std::function<absl::StatusOr<std::unique_ptr<Engine>>(
    const Deployable* model, int threads, bool time_nodes)>;

// InvalidArgument, with the known names, for an unknown one. Of `options` the
// threads and the timing of nodes are the maker's arguments.
absl::StatusOr<EngineMaker> FindBenchEngine(const std::string& name,
                                            const EngineOptions& options = {});

}  // namespace yoloq

#endif  // YOLOQ_HW_BENCH_ENGINE_H_
