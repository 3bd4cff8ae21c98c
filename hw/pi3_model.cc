#include "hw/pi3_model.h"

#include <algorithm>
#include <cmath>

#include "hw/model_plan.h"
#include "hw/pi3_board.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

double LogFactor(const Pi3Peer& peer) {
  return std::log(peer.published_ms / peer.bare_ms);
}

}  // namespace

std::string Pi3Assumptions() {
  return "four Cortex-A53 at 1.4 GHz that each start one instruction a cycle; "
         "2 GB/s of memory for all of them, not overlapped with computing; "
         "convolutions alone; and one factor for the rest, fitted to latencies "
         "of ncnn that are published for the board";
}

Pi3Fit FitPi3Factor(const std::vector<Pi3Peer>& peers) {
  double sum = 0;
  for (const Pi3Peer& peer : peers) sum += LogFactor(peer);
  const double count = static_cast<double>(peers.size());
  Pi3Fit fit;
  fit.factor = std::exp(sum / count);
  for (const Pi3Peer& peer : peers) {
    const double own = LogFactor(peer);
    const double others = (sum - own) / (count - 1);
    fit.largest_error =
        std::max(fit.largest_error, std::fabs(std::exp(others - own) - 1));
  }
  return fit;
}

absl::StatusOr<Pi3Latency> ModelPi3Latency(const Deployable* model,
                                           const NativeEngineOptions& options) {
  static const auto* const peers =
      new absl::StatusOr<std::vector<Pi3Peer>>(Pi3Peers());
  YOLOQ_RETURN_IF_ERROR(peers->status());
  ModelPlanOptions planned;
  planned.core = kPi3Core;
  planned.threads = kPi3Threads;
  planned.native = options;
  YOLOQ_ASSIGN_OR_RETURN(const ModelPlan plan, PlanModel(model, planned));
  const ConvolutionPlan total = plan.total();
  Pi3Latency latency;
  latency.fit = FitPi3Factor(**peers);
  latency.ms = latency.fit.factor * total.ms;
  latency.instructions = total.instructions;
  latency.traffic_bytes =
      total.weight_traffic_bytes + total.activation_traffic_bytes;
  return latency;
}

}  // namespace yoloq
