// How an engine computes a model, layer by layer, and why so; of the native
// engine also what each layer costs by its model, on any core:
//
//   bazel run //hw:explain_engine -- --model=MODEL.yoloq
//   bazel run //hw:explain_engine -- --model=MODEL.yoloq --core=cortex_a53
//       --threads=4
//
// What it costs is modelled, never measured.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_format.h"
#include "hw/model_plan.h"
#include "hw/runtime/engines.h"
#include "quant/deployable.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

ABSL_FLAG(std::string, model, "", "a deployable file (.yoloq). Required.");
ABSL_FLAG(std::string, engine, "native", "one of hw/runtime/engines.h.");
ABSL_FLAG(std::string, core, "",
          "native: the core to plan for, which need not be this machine's: "
          "cortex_a53 (of a Raspberry Pi 3B+), avx512amx, avx512vnni, avx2 or "
          "portable.");
ABSL_FLAG(int, threads, 1, "threads of the engine.");
ABSL_FLAG(int64_t, transform_budget_mb, -1,
          "native: see --help of //hw:bench; -1: the default of a machine with "
          "that core.");
ABSL_FLAG(bool, fp32_winograd, true, "native: allow Winograd in FP32.");

namespace yoloq {
namespace {

// "-" where it is not modelled.
std::string Column(double value) {
  return value > 0 ? absl::StrFormat("%9.2f", value) : "        -";
}

void PrintCosts(const ConvolutionPlan& layer) {
  absl::PrintF("%-10s %10.1f %s %9.2f %9.2f %9.2f %9.2f %s", layer.name,
               layer.multiply_accumulates / 1e6,
               Column(layer.instructions / 1e6), layer.packed_bytes / 1e6,
               layer.weight_traffic_bytes / 1e6,
               layer.activation_traffic_bytes / 1e6, layer.cycles / 1e6,
               Column(layer.ms));
}

absl::Status ExplainNative(const Deployable& model) {
  ModelPlanOptions options;
  options.core = absl::GetFlag(FLAGS_core);
  options.threads = absl::GetFlag(FLAGS_threads);
  options.native.transform_budget_bytes =
      TransformBudgetOfMegabytes(absl::GetFlag(FLAGS_transform_budget_mb));
  options.native.fp32_winograd = absl::GetFlag(FLAGS_fp32_winograd);
  YOLOQ_ASSIGN_OR_RETURN(const ModelPlan plan, PlanModel(&model, options));
  absl::PrintF(
      "core %s, %d threads; modelled, never measured; millions but for "
      "ms\n%-10s %10s "
      "%9s %9s %9s %9s %9s %9s\n",
      plan.core, options.threads, "", "products", "instruct.", "packed B",
      "weights B", "values B", "cycles", "ms");
  for (const ConvolutionPlan& layer : plan.layers) {
    PrintCosts(layer);
    absl::PrintF("  %s\n", layer.description);
  }
  ConvolutionPlan total = plan.total();
  total.name = "all";
  PrintCosts(total);
  absl::PrintF("\n");
  return absl::OkStatus();
}

absl::Status ExplainOther(const std::string& name, const Deployable& model) {
  EngineOptions options;
  options.threads = absl::GetFlag(FLAGS_threads);
  YOLOQ_ASSIGN_OR_RETURN(const auto engine,
                         CreateGraphEngine(name, &model, options));
  for (int i = 0; i < model.graph().nodes_size(); ++i) {
    const std::string text = engine->description(i);
    if (text.empty()) continue;
    const Node& node = model.graph().nodes(i);
    absl::PrintF("%-10s %4d x %3d x %3d  %s\n", node.name(),
                 node.output().channels(), node.output().height(),
                 node.output().width(), text);
  }
  absl::PrintF("packed weights %.1f MB, activations and scratch %.1f MB\n",
               engine->packed_bytes() * 1e-6,
               engine->activation_bytes() * 1e-6);
  return absl::OkStatus();
}

absl::Status Explain() {
  if (absl::GetFlag(FLAGS_model).empty()) {
    return absl::InvalidArgumentError("--model is required");
  }
  if (absl::GetFlag(FLAGS_threads) < 1) {
    return absl::InvalidArgumentError("--threads is below 1");
  }
  YOLOQ_ASSIGN_OR_RETURN(
      const Deployable model,
      Deployable::Open(UserPath(absl::GetFlag(FLAGS_model))));
  const std::string engine = absl::GetFlag(FLAGS_engine);
  if (engine == "native") return ExplainNative(model);
  if (!absl::GetFlag(FLAGS_core).empty()) {
    return absl::InvalidArgumentError("--core is for --engine=native");
  }
  return ExplainOther(engine, model);
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("prints how an engine computes a model");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = yoloq::Explain();
  if (status.ok()) return 0;
  std::fprintf(stderr, "explain_engine: %s\n",
               std::string(status.message()).c_str());
  return 1;
}
