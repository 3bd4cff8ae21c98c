#include "hw/runtime/engines.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
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
  Backend (*create)(const EngineOptions& options);
};

Backend NewNative(const EngineOptions& engine) {
  NativeOptions options;
  options.threads = engine.threads;
  options.fp32_winograd = engine.native.fp32_winograd;
  options.kernels = engine.native.kernels;
  options.transform_budget_bytes =
      engine.native.transform_budget_bytes.value_or(
          DefaultTransformBudget(MachineMemoryBytes()));
  return NewNativeBackend(options);
}

constexpr BackendEntry kBackends[] = {
    {"native", NewNative},
#ifdef YOLOQ_HAVE_ONEDNN
    {"onednn",
     [](const EngineOptions& options) -> Backend {
       return NewOneDnnBackend(options.threads);
     }},
#endif
    {"xnnpack",
     [](const EngineOptions& options) {
       return NewXnnpackBackend(options.threads);
     }},
};

constexpr char kReference[] = "reference";

}  // namespace

absl::optional<int64_t> TransformBudgetOfMegabytes(int64_t megabytes) {
  constexpr int64_t kBytes = 1000000;
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  if (megabytes < 0) return absl::nullopt;
  return megabytes > kMost / kBytes ? kMost : megabytes * kBytes;
}

int64_t DefaultTransformBudget(int64_t memory_bytes) {
  constexpr int64_t kLargeBytes = int64_t{4} << 30;
  return memory_bytes < kLargeBytes ? 0 : std::numeric_limits<int64_t>::max();
}

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

int64_t MachineMemoryBytes() {
  return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
}

absl::Status CheckInt8(absl::string_view name) {
#ifdef YOLOQ_HAVE_ONEDNN
  if (name == "onednn") return CheckOneDnnInt8();
#endif
  return CheckEngine(name);
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
    YOLOQ_ASSIGN_OR_RETURN(auto backend, entry.create(options));
    return GraphEngine::Create(model, std::move(backend), options.graph);
  }
  YOLOQ_RETURN_IF_ERROR(CheckEngine(name));
  return absl::InvalidArgumentError(
      absl::StrCat("engine '", name, "' has no backend"));
}

}  // namespace yoloq
