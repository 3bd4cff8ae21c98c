#include "experiments/native_options.h"

#include "absl/strings/str_cat.h"

namespace yoloq {

NativeEngineOptions NativeOptionsOf(const NativeEngineSpec& spec) {
  NativeEngineOptions options;
  options.fp32_winograd = !spec.no_fp32_winograd();
  if (spec.has_transform_budget_mb()) {
    options.transform_budget_bytes =
        TransformBudgetOfMegabytes(spec.transform_budget_mb());
  }
  return options;
}

std::vector<std::string> NativeFlags(const NativeEngineSpec& spec) {
  std::vector<std::string> flags;
  if (spec.no_fp32_winograd()) flags.push_back("--fp32_winograd=false");
  if (spec.has_transform_budget_mb()) {
    flags.push_back(
        absl::StrCat("--transform_budget_mb=", spec.transform_budget_mb()));
  }
  return flags;
}

}  // namespace yoloq
