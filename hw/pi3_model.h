// A model of latency on a Raspberry Pi 3B+ from instruction counts and memory
// traffic. What it gives is modelled, never measured.
//
//   ms = factor * (instructions / (threads * clock) + traffic / bandwidth)
//
// Assumptions: four Cortex-A53 at 1.4 GHz that each start one instruction a
// cycle; 2 GB/s from LPDDR2 memory for all cores together (the usual result of
// memory benchmarks on that board), not overlapped with computing; every
// layer's weights, input and output pass through memory once. What these leave
// out (128-bit loads that take two cycles, the shared 512 KB cache, imbalance,
// a clock that falls with heat) is in one factor, fitted to latencies of ncnn
// that are published for this board with four threads.
#ifndef YOLOQ_HW_PI3_MODEL_H_
#define YOLOQ_HW_PI3_MODEL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace yoloq {

// What one layer, or a network, makes a board do.
struct Pi3Work {
  std::string name;
  double instructions = 0;
  double traffic_bytes = 0;
};

// Without the factor.
double Pi3BareMs(const Pi3Work& work, int threads);

// A network whose latency on the board is published.
struct Pi3Published {
  Pi3Work work;  // estimated from its shapes
  double published_ms = 0;
};

// ncnn with four threads: resnet18, resnet50, mobilenet v1 in FP32 and INT8,
// yolov4-tiny in FP32. Works are estimates: products by kind of layer times
// instructions a product (F(4,3) 0.09; other FP32 0.29, INT8 0.25; depthwise
// 0.6), weights (those of F(4,3) four times in FP32, eight in INT8) and
// activations.
std::vector<Pi3Published> Pi3PublishedLatencies();

struct Pi3Fit {
  double factor = 0;
  // The largest relative error when each network in turn is modelled with the
  // factor of the others.
  double largest_error = 0;
};

// The geometric mean of published / bare. At least two networks.
Pi3Fit FitPi3Factor(const std::vector<Pi3Published>& published);

// The layers of a table that bazel run //hw:count_instructions printed for one
// engine and precision. Traffic follows from the shapes and, for the native
// engine, from how a layer is computed. InvalidArgument with the line's number.
absl::StatusOr<std::vector<Pi3Work>> ParsePi3Layers(absl::string_view table,
                                                    bool int8);

}  // namespace yoloq

#endif  // YOLOQ_HW_PI3_MODEL_H_
