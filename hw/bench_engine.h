// The engines that the benchmark binary runs, by name.
#ifndef YOLOQ_HW_BENCH_ENGINE_H_
#define YOLOQ_HW_BENCH_ENGINE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "hw/runtime/engine.h"
#include "quant/deployable.h"

namespace yoloq {

// An engine for a model, which outlives it. time_nodes: fills node_ns().
using EngineMaker = std::function<absl::StatusOr<std::unique_ptr<Engine>>(
    const Deployable* model, int threads, bool time_nodes)>;

// InvalidArgument, with the known names, for an unknown one.
// transform_budget_bytes: as in EngineOptions.
absl::StatusOr<EngineMaker> FindBenchEngine(
    const std::string& name,
    absl::optional<int64_t> transform_budget_bytes = absl::nullopt);

}  // namespace yoloq

#endif  // YOLOQ_HW_BENCH_ENGINE_H_
