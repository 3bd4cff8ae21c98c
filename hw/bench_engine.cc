#include "hw/bench_engine.h"

#include "hw/runtime/engines.h"
#include "tools/base/status_macros.h"

namespace yoloq {

absl::StatusOr<EngineMaker> FindBenchEngine(
    const std::string& name, absl::optional<int64_t> transform_budget_bytes) {
  YOLOQ_RETURN_IF_ERROR(CheckEngine(name));
  return [name, transform_budget_bytes](const Deployable* model, int threads,
                                        bool time_nodes) {
    EngineOptions options;
    options.threads = threads;
    options.transform_budget_bytes = transform_budget_bytes;
    options.graph.time_nodes = time_nodes;
    return CreateEngine(name, model, options);
  };
}

}  // namespace yoloq
