// Any text is an error or a network; a network can be written and comes back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/darknet_cfg.h"
#include "model/darknet_cfg_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<yoloq::Graph> graph =
      yoloq::ParseDarknetCfg(text, "fuzz.cfg");
  if (!graph.ok()) return 0;
  // A network may be one that a .cfg cannot say, such as one that reads the
  // picture twice.
  const absl::StatusOr<std::string> written = yoloq::FormatDarknetCfg(*graph);
  if (!written.ok()) return 0;
  const absl::StatusOr<yoloq::Graph> again =
      yoloq::ParseDarknetCfg(*written, "fuzz.cfg");
  if (!again.ok() || again->nodes_size() != graph->nodes_size()) std::abort();
  return 0;
}
