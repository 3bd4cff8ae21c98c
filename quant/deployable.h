// The deployable model file: what a device loads, and the tables' "model size".
//
// Layout, all integers little-endian:
//   bytes 0..7    magic "YOLOQ\0\1\0"
//   bytes 8..15   uint64 size of the header in bytes
//   bytes 16..47  SHA-256 of the header
//   then          the header, a serialized DeployableModel
//   then          zeros up to a multiple of 64
//   then          the data section: blobs, each aligned to 64 bytes
// The header holds the SHA-256 and the size of the data section, so the whole file
// is checked. It is made to be memory-mapped: blobs are used where they lie.
#ifndef YOLOQ_QUANT_DEPLOYABLE_H_
#define YOLOQ_QUANT_DEPLOYABLE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "quant/deployable.pb.h"
#include "tools/base/file.h"

namespace yoloq {

// Assembles a model in memory and writes it.
class DeployableWriter {
 public:
  // Appends bytes to the data section, aligned, and says where they lie.
  Blob Append(const void* data, size_t size_bytes);

  // Completes `model` (digest and size of the data) and writes the file atomically.
  absl::Status Write(DeployableModel model, const std::string& path) const;

  // The same as one string, for tests.
  std::string Serialize(DeployableModel model) const;

 private:
  std::string data_;
};

// A model read from a file or from memory: header, and views of its blobs.
// Creation checks the digests, the graph, and that every blob lies inside the
// file and has the size that the graph asks for, so that engines need not.
class Deployable {
 public:
  // Maps the file. NotFound, or DataLoss for a truncated or altered file, or
  // InvalidArgument for a valid file that this version cannot run.
  static absl::StatusOr<Deployable> Open(const std::string& path);

  // The same for bytes that outlive the result (at an address aligned to 64);
  // `name` stands in errors.
  static absl::StatusOr<Deployable> FromBytes(absl::string_view bytes,
                                              absl::string_view name);

  const DeployableModel& model() const { return model_; }
  const Graph& graph() const { return model_.graph(); }

  // Views of the blobs of the convolution at `node`; shapes as in deployable.proto.
  absl::Span<const int8_t> Int8Weights(int node) const;
  absl::Span<const float> FloatWeights(int node) const;
  absl::Span<const int32_t> Int32Bias(int node) const;
  absl::Span<const float> FloatBias(int node) const;
  // One value (per tensor) or one an output channel.
  absl::Span<const float> WeightScales(int node) const;

  // Bytes of all weights, biases and scales.
  int64_t weight_bytes() const;

 private:
  Deployable() = default;

  DeployableModel model_;
};

}  // namespace yoloq

#endif  // YOLOQ_QUANT_DEPLOYABLE_H_
