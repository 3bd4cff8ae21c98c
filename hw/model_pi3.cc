// Models latency on a Raspberry Pi 3B+ (pi3_model.h):
//
//   bazel run //hw:count_instructions -- native/int8 > /tmp/int8.txt
//   bazel run //hw:model_pi3 -- int8 /tmp/int8.txt
//
// Prints the fit to published latencies and, with a table, its layers.
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "hw/pi3_model.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kThreads = 4;

Pi3Fit PrintFit() {
  const std::vector<Pi3Published> published = Pi3PublishedLatencies();
  const Pi3Fit fit = FitPi3Factor(published);
  std::printf(
      "Assumed: 4 cores, 1.4 GHz, an instruction a cycle, 2 GB/s; times a "
      "fitted factor of %.2f (pi3_model.h).\n"
      "Published by ncnn for the board, and modelled:\n",
      fit.factor);
  for (const Pi3Published& network : published) {
    std::printf("  %-18s published %6.0f ms, modelled %6.0f ms\n",
                network.work.name.c_str(), network.published_ms,
                fit.factor * Pi3BareMs(network.work, kThreads));
  }
  std::printf("Largest error, each by the fit of the others: %.0f %%\n",
              100 * fit.largest_error);
  return fit;
}

absl::Status PrintLayers(const Pi3Fit& fit, bool int8,
                         const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string table, ReadFile(path));
  YOLOQ_ASSIGN_OR_RETURN(const auto layers, ParsePi3Layers(table, int8));
  std::printf("%-12s %14s %12s %12s\n", "layer", "M instructions", "MB traffic",
              "modelled ms");
  Pi3Work sum;
  for (const Pi3Work& layer : layers) {
    std::printf("%-12s %14.1f %12.2f %12.2f\n", layer.name.c_str(),
                layer.instructions / 1e6, layer.traffic_bytes / 1e6,
                fit.factor * Pi3BareMs(layer, kThreads));
    sum.instructions += layer.instructions;
    sum.traffic_bytes += layer.traffic_bytes;
  }
  std::printf("%-12s %14.1f %12.2f %12.2f (modelled, never measured)\n",
              "network", sum.instructions / 1e6, sum.traffic_bytes / 1e6,
              fit.factor * Pi3BareMs(sum, kThreads));
  return absl::OkStatus();
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  const std::string precision = argc > 1 ? argv[1] : "";
  if (argc != 1 &&
      (argc != 3 || (precision != "int8" && precision != "fp32"))) {
    std::fprintf(stderr, "usage: model_pi3 [int8|fp32 TABLE]\n");
    return 2;
  }
  const yoloq::Pi3Fit fit = yoloq::PrintFit();
  if (argc == 1) return 0;
  const absl::Status status =
      yoloq::PrintLayers(fit, precision == "int8", argv[2]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "model_pi3: %s: %s\n", argv[2],
               status.ToString().c_str());
  return 1;
}
