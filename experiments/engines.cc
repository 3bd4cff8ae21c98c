#include "experiments/engines.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "experiments/native_options.h"
#include "hw/native/backend.h"
#include "hw/runtime/engines.h"
#include "hw/runtime/onednn_backend.h"
#include "model/torch_executor.h"
#include "quant/fake_quantize.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr char kNative[] = "native";
constexpr char kOneDnn[] = "onednn";
constexpr char kTorch[] = "torch";

absl::StatusOr<std::unique_ptr<Engine>> MakeTorch(const Deployable& model,
                                                  int threads) {
  Weights weights;
  weights.nodes.resize(model.graph().nodes_size());
  for (int i = 0; i < model.graph().nodes_size(); ++i) {
    if (model.execution(i).precision() == INT8) {
      return absl::FailedPreconditionError(
          "engine torch runs FP32 models only; use --engine=native");
    }
    if (!model.graph().nodes(i).has_convolution()) continue;
    const auto values = model.FloatWeights(i);
    const auto bias = model.FloatBias(i);
    weights.nodes[i].weights.assign(values.begin(), values.end());
    weights.nodes[i].bias.assign(bias.begin(), bias.end());
  }
  TorchExecutorOptions options;
  options.threads = threads;
  return TorchExecutor::Create(model.graph(), weights, std::move(options));
}

}  // namespace

absl::Status CheckEngineName(const std::string& name) {
  std::vector<std::string> names = EngineNames();
  names.push_back(kTorch);
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("--engine=", name,
                                                 " is not known; there are ",
                                                 absl::StrJoin(names, ", ")));
}

absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(
    const std::string& name, const NativeEngineSpec& native,
    const Deployable* model, int threads) {
  YOLOQ_RETURN_IF_ERROR(CheckEngineName(name));
  if (name == kTorch) return MakeTorch(*model, threads);
  EngineOptions options;
  options.threads = threads;
  options.native = NativeOptionsOf(native);
  return CreateEngine(name, model, options);
}

absl::StatusOr<std::unique_ptr<Engine>> MakeFakeQuantizedEngine(
    const Deployable& model, int threads) {
  const auto fake =
      std::make_shared<const FakeQuantization>(MakeFakeQuantization(model));
  TorchExecutorOptions options;
  options.threads = threads;
  options.hook_before_activation = fake->any_before_activation();
  options.hook = [fake](int node, bool before_activation, float* values,
                        int64_t count) {
    fake->Apply(node, before_activation, values, count);
  };
  return TorchExecutor::Create(model.graph(), fake->weights,
                               std::move(options));
}

std::string EngineVersion(const std::string& name) {
  if (name == kNative) return absl::StrCat(kNativeVersion);
  if (name == kOneDnn) return OneDnnVersion();
  if (name == kTorch) return TorchVersion();
  return "";
}

}  // namespace yoloq
