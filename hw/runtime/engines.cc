#include "hw/runtime/engines.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "hw/native/backend.h"
#include "hw/runtime/xnnpack_backend.h"
#include "quant/reference_engine.h"
#include "tools/base/status_macros.h"
#ifdef YOLOQ_HAVE_ONEDNN
#include "hw/runtime/onednn_backend.h"
#endif

namespace yoloq {
namespace {

using Backend = absl::StatusOr<std::unique_ptr<ConvolutionBackend>>;

struct BackendEntry {
  const char* name;
  Backend (*create)(int threads);
};

Backend NewNative(int threads) {
  NativeOptions options;
  options.threads = threads;
  return NewNativeBackend(options);
}

constexpr BackendEntry kBackends[] = {
    {"native", NewNative},
#ifdef YOLOQ_HAVE_ONEDNN
    {"onednn",
     [](int threads) -> Backend { return NewOneDnnBackend(threads); }},
#endif
    {"xnnpack", NewXnnpackBackend},
};

constexpr char kReference[] = "reference";

}  // namespace

std::vector<std::string> EngineNames() {
  std::vector<std::string> names;
  for (const BackendEntry& entry : kBackends) names.push_back(entry.name);
  names.push_back(kReference);
  return names;
}

absl::Status CheckEngine(absl::string_view name) {
  const std::vector<std::string> names = EngineNames();
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("engine '", name, "' is not known here; there are ",
                   absl::StrJoin(names, ", ")));
}

absl::StatusOr<std::unique_ptr<Engine>> CreateEngine(
    absl::string_view name, const Deployable* model,
    const EngineOptions& options) {
  if (name == kReference) return std::make_unique<ReferenceEngine>(model);
  return CreateGraphEngine(name, model, options);
}

absl::StatusOr<std::unique_ptr<GraphEngine>> CreateGraphEngine(
    absl::string_view name, const Deployable* model,
    const EngineOptions& options) {
  for (const BackendEntry& entry : kBackends) {
    if (name != entry.name) continue;
    YOLOQ_ASSIGN_OR_RETURN(auto backend, entry.create(options.threads));
    return GraphEngine::Create(model, std::move(backend), options.graph);
  }
  YOLOQ_RETURN_IF_ERROR(CheckEngine(name));
  return absl::InvalidArgumentError(
      absl::StrCat("engine '", name, "' has no backend"));
}

}  // namespace yoloq
