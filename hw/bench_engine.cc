#include "hw/bench_engine.h"

#include "tools/base/status_macros.h"

namespace yoloq {

absl::StatusOr<EngineMaker> FindBenchEngine(const std::string& name,
                                            const EngineOptions& options) {
  YOLOQ_RETURN_IF_ERROR(CheckEngine(name));
  return
      [name, options](const Deployable* model, int threads, bool time_nodes) {
        EngineOptions own = options;
        own.threads = threads;
        own.graph.time_nodes = time_nodes;
        return CreateEngine(name, model, own);
      };
}

}  // namespace yoloq
