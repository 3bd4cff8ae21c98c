// The deployable model file: what a device loads, and the tables' "model size".
//
// Layout, all integers little-endian:
// - bytes 0..7: magic "YOLOQ\0\1\0"; the last two are the format's version;
// - bytes 8..15: uint64, size of the header in bytes;
// - bytes 16..47: SHA-256 of the header;
// - the header, a serialized DeployableModel;
// - zeros up to a multiple of 64;
// - the data section: blobs, each aligned to 64 bytes.
// The header holds the SHA-256 and the size of the data section, so the whole
// file is checked. It is made to be memory-mapped: blobs are used in place.
#ifndef YOLOQ_QUANT_DEPLOYABLE_H_
#define YOLOQ_QUANT_DEPLOYABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "quant/deployable.pb.h"
#include "tools/base/file.h"

namespace yoloq {

// Blobs, and the data section as a whole, begin at multiples of this.
inline constexpr size_t kBlobAlignmentBytes = 64;

// Assembles a model in memory and writes it.
class DeployableWriter {
 public:
  // Appends bytes to the data section, aligned, and says where they lie.
  Blob Append(const void* data, size_t size_bytes);

  // Completes `model` (digest and size of the data), writes it atomically.
  absl::Status Write(DeployableModel model, const std::string& path) const;

  // The same as one string, for tests. (Copy it to an AlignedBytes to read it.)
  std::string Serialize(DeployableModel model) const;

  // What Write writes, in bytes.
  int64_t FileSizeBytes(DeployableModel model) const;

 private:
  // Everything before a data section of this digest.
  std::string Prefix(DeployableModel model, std::string data_sha256) const;

  std::string DataSha256() const;

  // The data section in pieces, each of a multiple of the alignment: growing
  // one string would copy hundreds of megabytes again and again.
  std::vector<std::string> pieces_;
  int64_t data_bytes_ = 0;
};

// Bytes at an address that Deployable::FromBytes accepts.
class AlignedBytes {
 public:
  explicit AlignedBytes(absl::string_view bytes);
  AlignedBytes(AlignedBytes&&) = default;
  AlignedBytes& operator=(AlignedBytes&&) = default;

  absl::string_view view() const { return view_; }

 private:
  std::string storage_;
  absl::string_view view_;
};

// A model read from a file or from memory: header, and views of its blobs.
// Creation checks the digests and everything that quant/deployable_check.h
// names, so that engines need not.
class Deployable {
 public:
  // Maps the file. NotFound; DataLoss for a truncated or altered file;
  // InvalidArgument for another kind of file, or a valid one that this version
  // cannot run.
  static absl::StatusOr<Deployable> Open(const std::string& path);

  // The same for bytes that outlive the result (at an address aligned to 64);
  // `name` stands in errors.
  static absl::StatusOr<Deployable> FromBytes(absl::string_view bytes,
                                              absl::string_view name);

  const DeployableModel& model() const { return model_; }
  const Graph& graph() const { return model_.graph(); }
  const NodeExecution& execution(int node) const { return model_.nodes(node); }

  // Views of the blobs of the convolution at `node`; shapes as in
  // deployable.proto. The node's precision says which of them it has.
  absl::Span<const int8_t> Int8Weights(int node) const;
  absl::Span<const float> FloatWeights(int node) const;
  absl::Span<const int32_t> Int32Bias(int node) const;
  absl::Span<const float> FloatBias(int node) const;
  // One value (per tensor) or one an output channel.
  absl::Span<const float> WeightScales(int node) const;

  // Lets go of the memory that the mapped weights of the convolution at `node`
  // take, for one who has packed them; they are read again when next asked for.
  void ReleaseWeights(int node) const;

  // Bytes of all weights, biases and scales.
  int64_t weight_bytes() const;

 private:
  Deployable() = default;

  template <typename T>
  absl::Span<const T> View(const Blob& blob) const;

  absl::optional<MappedFile> file_;  // unset after FromBytes
  absl::string_view data_;           // the data section
  DeployableModel model_;
};

}  // namespace yoloq

#endif  // YOLOQ_QUANT_DEPLOYABLE_H_
