// Any bytes are an error or the weights of the network, whole or partial.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/darknet_cfg.h"
#include "model/darknet_weights.h"

namespace {

constexpr char kCfg[] =
    "[net]\nwidth=8\nheight=8\n"
    "[convolutional]\nbatch_normalize=1\nfilters=2\nsize=1\nactivation=leaky\n"
    "[convolutional]\nfilters=2\nsize=3\npad=1\ngroups=2\nactivation=linear\n";

const yoloq::Graph& FixedGraph() {
  static const auto* const graph =
      new yoloq::Graph(*yoloq::ParseDarknetCfg(kCfg, "fixed.cfg"));
  return *graph;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const yoloq::Graph& graph = FixedGraph();
  static const auto* const initial =
      new yoloq::Weights(yoloq::RandomWeights(graph, 1));
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const bool whole =
      yoloq::ParseDarknetWeights(bytes, "fuzz.weights", graph).ok();
  const absl::StatusOr<yoloq::DarknetWeights> partial =
      yoloq::ParsePartialDarknetWeights(bytes, "fuzz.weights", graph, *initial);
  if (whole && (!partial.ok() || partial->convolutions != 2)) std::abort();
  if (partial.ok() && !yoloq::CheckWeights(graph, partial->weights).ok()) {
    std::abort();
  }
  return 0;
}
