#include "hw/bench_engine.h"

#include "absl/strings/str_cat.h"
#include "quant/reference_engine.h"

namespace yoloq {

absl::StatusOr<EngineMaker> FindBenchEngine(const std::string& name) {
  if (name == "reference") {
    return [](const Deployable* model, int /*threads*/, bool /*time_nodes*/) {
      return absl::StatusOr<std::unique_ptr<Engine>>(
          std::make_unique<ReferenceEngine>(model));
    };
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no engine '", name, "'; known: reference"));
}

}  // namespace yoloq
