// How an engine computes a model, layer by layer, and why so.
//
//   bazel run //hw:explain_engine -- --model=MODEL.yoloq [--engine=native]
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_format.h"
#include "hw/runtime/engines.h"
#include "quant/deployable.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

ABSL_FLAG(std::string, model, "", "a deployable file (.yoloq). Required.");
ABSL_FLAG(std::string, engine, "native", "one of hw/runtime/engines.h.");
ABSL_FLAG(int, threads, 1, "threads of the engine.");
ABSL_FLAG(int64_t, transform_budget_mb, -1,
          "native: see --help of //hw:bench; -1: the default.");

namespace yoloq {
namespace {

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
  EngineOptions options;
  options.threads = absl::GetFlag(FLAGS_threads);
  const int64_t budget_mb = absl::GetFlag(FLAGS_transform_budget_mb);
  if (budget_mb >= 0) options.transform_budget_bytes = budget_mb * 1000000;
  YOLOQ_ASSIGN_OR_RETURN(
      const auto engine,
      CreateGraphEngine(absl::GetFlag(FLAGS_engine), &model, options));
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
