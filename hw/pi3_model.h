// A model of the native engine's latency on a Raspberry Pi 3B+ with four
// threads. What it gives is modelled, never measured.
//
//   ms = factor * sum over layers of
//        (instructions / (threads * clock) + traffic / bandwidth)
//
// Instructions and traffic are those of hw/model_plan.h, the core's figures
// those of hw/native/kernel_descriptions.cc: four Cortex-A53 at 1.4 GHz that
// each start one instruction a cycle; 2 GB/s from memory for all of them
// together, not overlapped with computing. What these leave out (128-bit loads
// that take two cycles, imbalance, other nodes than convolutions, a clock that
// falls with heat) is in one factor, fitted to latencies of ncnn that are
// published for this board with four threads (hw/pi3_peers.h).
#ifndef YOLOQ_HW_PI3_MODEL_H_
#define YOLOQ_HW_PI3_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hw/pi3_peers.h"
#include "hw/runtime/engines.h"
#include "quant/deployable.h"

namespace yoloq {

// Grows with each change of what the model gives for a file: of the formula, of
// its constants, of the published latencies, of the plans that it sums
// (hw/model_plan.h). Latencies of the same version are kept, not modelled anew.
inline constexpr int kPi3ModelVersion = 4;

// The assumptions, in a sentence for reports.
std::string Pi3Assumptions();

struct Pi3Fit {
  double factor = 0;
  // The largest relative error when each network in turn is modelled with the
  // factor of the others.
  double largest_error = 0;
};

// The geometric mean of published / bare. At least two networks.
Pi3Fit FitPi3Factor(const std::vector<Pi3Peer>& peers);

// Modelled latency with four threads.
struct Pi3Latency {
  double ms = 0;
  double instructions = 0;  // of all threads
  double traffic_bytes = 0;
  Pi3Fit fit;
};
// An unset budget: as the engine limits transformed weights on a board of 1 GB.
absl::StatusOr<Pi3Latency> ModelPi3Latency(
    const Deployable* model, const NativeEngineOptions& options = {});

}  // namespace yoloq

#endif  // YOLOQ_HW_PI3_MODEL_H_
