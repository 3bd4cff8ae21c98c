#include "hw/bench_engine.h"

#include "hw/runtime/engines.h"
#include "tools/base/status_macros.h"

namespace yoloq {

absl::StatusOr<EngineMaker> FindBenchEngine(const std::string& name) {
  YOLOQ_RETURN_IF_ERROR(CheckEngine(name));
  return [name](const Deployable* model, int threads, bool time_nodes) {
    EngineOptions options;
    options.threads = threads;
    options.graph.time_nodes = time_nodes;
    return CreateEngine(name, model, options);
  };
}

}  // namespace yoloq
