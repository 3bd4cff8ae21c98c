// Engines by name, for deployable models.
#ifndef YOLOQ_EXPERIMENTS_ENGINES_H_
#define YOLOQ_EXPERIMENTS_ENGINES_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "hw/runtime/engine.h"
#include "quant/deployable.h"

namespace yoloq {

// An engine of hw/runtime/engines.h, or "torch": FP32 models only
// (FailedPrecondition for others). `threads` >= 1 is used by all but the
// reference, `native` by "native" alone. `model` outlives the engine.
absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(
    const std::string& name, const NativeEngineSpec& native,
    const Deployable* model, int threads);

// An FP32 simulation of the model with fake quantization, on LibTorch.
absl::StatusOr<std::unique_ptr<Engine>> MakeFakeQuantizedEngine(
    const Deployable& model, int threads);

// InvalidArgument, with the known names, unless MakeEngine knows it.
absl::Status CheckEngineName(const std::string& name);

// Version of what an engine computes with, its library or our own convolutions;
// "" where that does not change.
std::string EngineVersion(const std::string& name);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_ENGINES_H_
