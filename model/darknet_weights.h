// Darknet's .weights files: read into, and written from, the weights of a
// graph.
//
// A file is a header (int32 major, minor, revision, then the number of training
// images seen: 64 bits from version 0.2 on, 32 before) and float32 values,
// little-endian throughout: for each convolution in the order of the .cfg the
// bias; with batch norm scale, mean and variance; then the weights (out, in /
// groups, kernel, kernel).
#ifndef YOLOQ_MODEL_DARKNET_WEIGHTS_H_
#define YOLOQ_MODEL_DARKNET_WEIGHTS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/graph.pb.h"
#include "model/weights.h"

namespace yoloq {

struct DarknetHeader {
  int32_t major = 0;
  int32_t minor = 2;
  int32_t revision = 0;
  uint64_t images_seen = 0;
};

struct DarknetWeights {
  DarknetHeader header;
  // How many of the graph's convolutions the file holds.
  int convolutions = 0;
  Weights weights;
};

// Reads the weights of all convolutions of `graph` (which has shapes); they
// pass CheckWeights. `file` stands in errors. DataLoss when the file is shorter
// or longer than the graph asks for (expected and actual bytes, and where it
// ends), has no plausible header or holds values that are not finite.
absl::StatusOr<DarknetWeights> ParseDarknetWeights(absl::string_view bytes,
                                                   absl::string_view file,
                                                   const Graph& graph);

// The same for a file that may end after any whole convolution, such as
// darknet53.conv.74: the rest comes from `initial`, which fits `graph`.
absl::StatusOr<DarknetWeights> ParsePartialDarknetWeights(
    absl::string_view bytes, absl::string_view file, const Graph& graph,
    Weights initial);

// The same for files; also the errors of MappedFile::Open.
absl::StatusOr<DarknetWeights> ReadDarknetWeights(const std::string& path,
                                                  const Graph& graph);
absl::StatusOr<DarknetWeights> ReadPartialDarknetWeights(
    const std::string& path, const Graph& graph, Weights initial);

// Writes the first `convolutions` convolutions (all: the graph's count).
// InvalidArgument when the weights do not fit the graph or there are fewer.
absl::Status WriteDarknetWeights(const std::string& path, const Graph& graph,
                                 const DarknetWeights& weights);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_DARKNET_WEIGHTS_H_
