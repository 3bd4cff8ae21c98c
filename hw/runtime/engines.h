// Engines by name, for deployable models.
#ifndef YOLOQ_HW_RUNTIME_ENGINES_H_
#define YOLOQ_HW_RUNTIME_ENGINES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "hw/runtime/engine.h"
#include "hw/runtime/graph_engine.h"
#include "quant/deployable.h"

namespace yoloq {

// How "native" may compute.
struct NativeEngineOptions {
  // What transformed weights may take beside the others, in bytes
  // (hw/native/backend.h). Unset: DefaultTransformBudget of the machine.
  absl::optional<int64_t> transform_budget_bytes;
  // FP32 by Winograd too, which rounds differently.
  bool fp32_winograd = true;
  // The set of kernels (hw/native/README.md). Empty: the best that this
  // processor has.
  std::string kernels;
};

struct EngineOptions {
  int threads = 1;  // >= 1; the reference has one
  NativeEngineOptions native;
  GraphEngineOptions graph;
};

// A transform_budget_bytes of so many 10^6 bytes, as users give it. Unset where
// it is negative; what no machine has is no limit.
absl::optional<int64_t> TransformBudgetOfMegabytes(int64_t megabytes);

// What transformed weights may take on a machine with so much memory, where
// nothing is said: none of less than 4 GiB, as a board has, else no limit. A
// board reads memory so slowly that transforming weights in each run is faster.
int64_t DefaultTransformBudget(int64_t memory_bytes);

// Of the machine that this runs on.
int64_t MachineMemoryBytes();

// The engines of this build: "native", on x86-64 "onednn", "xnnpack",
// "reference".
std::vector<std::string> EngineNames();

// InvalidArgument, with the known names, for a name that is not among them.
absl::Status CheckEngine(absl::string_view name);

// FailedPrecondition where this processor has no exact INT8 convolutions for an
// engine of EngineNames: "onednn" without VNNI.
absl::Status CheckInt8(absl::string_view name);

// `model` outlives the engine. Errors of CheckEngine and of the engine itself.
absl::StatusOr<std::unique_ptr<Engine>> CreateEngine(
    absl::string_view name, const Deployable* model,
    const EngineOptions& options);

// The same for all but "reference", as the class that tells more.
absl::StatusOr<std::unique_ptr<GraphEngine>> CreateGraphEngine(
    absl::string_view name, const Deployable* model,
    const EngineOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_ENGINES_H_
