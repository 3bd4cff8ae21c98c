// Models latency on a Raspberry Pi 3B+ (pi3_model.h):
//
//   bazel run //hw:model_pi3 [-- --model=MODEL.yoloq]
//
// Prints the fit to published latencies and, with a model, its own. Its layers:
// bazel run //hw:explain_engine.
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_format.h"
#include "hw/pi3_model.h"
#include "quant/deployable.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

ABSL_FLAG(std::string, model, "", "a deployable file (.yoloq).");

namespace yoloq {
namespace {

absl::Status Run() {
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<Pi3Peer> peers, Pi3Peers());
  const Pi3Fit fit = FitPi3Factor(peers);
  absl::PrintF(
      "Assumed: %s: %.2f.\nPublished by ncnn for the board, and modelled:\n",
      Pi3Assumptions(), fit.factor);
  for (const Pi3Peer& peer : peers) {
    absl::PrintF("  %-18s published %6.0f ms, modelled %6.0f ms\n", peer.name,
                 peer.published_ms, fit.factor * peer.bare_ms);
  }
  absl::PrintF("Largest error, each by the fit of the others: %.0f %%\n",
               100 * fit.largest_error);
  if (absl::GetFlag(FLAGS_model).empty()) return absl::OkStatus();
  YOLOQ_ASSIGN_OR_RETURN(
      const Deployable model,
      Deployable::Open(UserPath(absl::GetFlag(FLAGS_model))));
  YOLOQ_ASSIGN_OR_RETURN(const Pi3Latency latency, ModelPi3Latency(&model));
  absl::PrintF(
      "This model: %.0f ms, %.2f G instructions, %.0f MB of traffic (modelled, "
      "never measured)\n",
      latency.ms, latency.instructions / 1e9, latency.traffic_bytes / 1e6);
  return absl::OkStatus();
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("models latency on a Raspberry Pi 3B+");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = yoloq::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "model_pi3: %s\n",
               std::string(status.message()).c_str());
  return 1;
}
