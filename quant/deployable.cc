#include "quant/deployable.h"

#include <cstring>
#include <ostream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "quant/deployable_check.h"
#include "tools/base/binary_proto.h"
#include "tools/base/digest.h"
#include "tools/base/status_macros.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "blobs are used where they lie, in little-endian order");

namespace yoloq {
namespace {

constexpr absl::string_view kMagic("YOLOQ\0\1\0", 8);
constexpr size_t kVersionOffset = 6;
constexpr size_t kDigestBytes = 32;
constexpr size_t kPrefixBytes = 8 + 8 + kDigestBytes;
// Far above any real header; keeps a forged size from mattering.
constexpr uint64_t kMaxHeaderBytes = uint64_t{64} << 20;

uint64_t AlignUp(uint64_t offset) {
  return (offset + kBlobAlignmentBytes - 1) / kBlobAlignmentBytes *
         kBlobAlignmentBytes;
}

absl::Status Truncated(uint64_t have, uint64_t need) {
  return absl::DataLossError(
      absl::StrCat("is truncated: ", have, " bytes, at least ", need,
                   " expected; copy or export it again"));
}

absl::Status CheckMagic(absl::string_view bytes) {
  const absl::string_view magic = bytes.substr(0, kMagic.size());
  const absl::string_view name = magic.substr(0, kVersionOffset);
  if (name != kMagic.substr(0, name.size())) {
    return absl::InvalidArgumentError(
        "is not a deployable model file (its first bytes are not YOLOQ); "
        "export the model with this program");
  }
  if (magic.size() < kMagic.size()) {
    return Truncated(bytes.size(), kPrefixBytes);
  }
  if (magic != kMagic) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has format version ", static_cast<uint8_t>(magic[kVersionOffset]), ".",
        static_cast<uint8_t>(magic[kVersionOffset + 1]),
        ", this program reads version 1.0; export the model again"));
  }
  return absl::OkStatus();
}

// The serialized header, of the size and digest that the prefix promises.
absl::StatusOr<absl::string_view> HeaderBytes(absl::string_view bytes) {
  YOLOQ_RETURN_IF_ERROR(CheckMagic(bytes));
  if (bytes.size() < kPrefixBytes) return Truncated(bytes.size(), kPrefixBytes);
  uint64_t size;
  std::memcpy(&size, bytes.data() + kMagic.size(), sizeof(size));
  if (size > kMaxHeaderBytes) {
    return absl::DataLossError(absl::StrCat(
        "header size: ", size, " bytes is more than the limit of ",
        kMaxHeaderBytes, "; the file is damaged, copy or export it again"));
  }
  if (bytes.size() < kPrefixBytes + size) {
    return Truncated(bytes.size(), kPrefixBytes + size);
  }
  const absl::string_view header = bytes.substr(kPrefixBytes, size);
  const absl::string_view digest = bytes.substr(16, kDigestBytes);
  if (absl::HexStringToBytes(Sha256Hex(header)) != digest) {
    return absl::DataLossError(
        "header: SHA-256 differs; the file is damaged, copy or export it "
        "again");
  }
  return header;
}

// The data section behind a header of header_bytes.
absl::StatusOr<absl::string_view> DataSection(absl::string_view bytes,
                                              uint64_t header_bytes,
                                              const DeployableModel& model) {
  const uint64_t header_end = kPrefixBytes + header_bytes;
  const uint64_t start = AlignUp(header_end);
  if (bytes.size() < start) return Truncated(bytes.size(), start);
  const absl::string_view padding =
      bytes.substr(header_end, start - header_end);
  if (padding.find_first_not_of('\0') != absl::string_view::npos) {
    return absl::DataLossError(
        "padding behind the header is not zero; the file is damaged, copy or "
        "export it again");
  }
  const absl::string_view data = bytes.substr(start);
  if (data.size() < model.data_bytes()) {
    return absl::DataLossError(absl::StrCat(
        "is truncated: data section of ", data.size(), " bytes, header says ",
        model.data_bytes(), "; copy or export it again"));
  }
  if (data.size() > model.data_bytes()) {
    return absl::DataLossError(
        absl::StrCat("has ", data.size() - model.data_bytes(),
                     " bytes too many at its end; copy or export it again"));
  }
  if (Sha256Hex(data) != model.data_sha256()) {
    return absl::DataLossError(
        "data section: SHA-256 differs; the file is damaged, copy or export it "
        "again");
  }
  return data;
}

}  // namespace

Blob DeployableWriter::Append(const void* data, size_t size_bytes) {
  Blob blob;
  blob.set_offset_bytes(data_bytes_);
  blob.set_size_bytes(size_bytes);
  std::string piece;
  piece.reserve(AlignUp(size_bytes));
  piece.append(static_cast<const char*>(data), size_bytes);
  piece.resize(AlignUp(size_bytes), '\0');
  data_bytes_ += static_cast<int64_t>(piece.size());
  pieces_.push_back(std::move(piece));
  return blob;
}

std::string DeployableWriter::DataSha256() const {
  Sha256 digest;
  for (const std::string& piece : pieces_) digest.Update(piece);
  return digest.Finish();
}

std::string DeployableWriter::Prefix(DeployableModel model,
                                     std::string data_sha256) const {
  model.set_data_bytes(data_bytes_);
  model.set_data_sha256(std::move(data_sha256));
  const std::string header = SerializeDeterministically(model);
  const uint64_t size = header.size();
  std::string prefix(kMagic);
  prefix.append(reinterpret_cast<const char*>(&size), sizeof(size));
  prefix += absl::HexStringToBytes(Sha256Hex(header));
  prefix += header;
  prefix.resize(AlignUp(prefix.size()), '\0');
  return prefix;
}

absl::Status DeployableWriter::Write(DeployableModel model,
                                     const std::string& path) const {
  const std::string prefix = Prefix(std::move(model), DataSha256());
  return WriteFileAtomically(path, [&](std::ostream& out) {
    out.write(prefix.data(), prefix.size());
    for (const std::string& piece : pieces_) {
      out.write(piece.data(), piece.size());
    }
    return absl::OkStatus();
  });
}

std::string DeployableWriter::Serialize(DeployableModel model) const {
  std::string file = Prefix(std::move(model), DataSha256());
  for (const std::string& piece : pieces_) file += piece;
  return file;
}

int64_t DeployableWriter::FileSizeBytes(DeployableModel model) const {
  // Every digest has the same length.
  const std::string any_digest(2 * kDigestBytes, '0');
  return static_cast<int64_t>(Prefix(std::move(model), any_digest).size()) +
         data_bytes_;
}

AlignedBytes::AlignedBytes(absl::string_view bytes)
    : storage_(bytes.size() + kBlobAlignmentBytes, '\0') {
  const size_t past =
      reinterpret_cast<uintptr_t>(storage_.data()) % kBlobAlignmentBytes;
  const size_t shift = (kBlobAlignmentBytes - past) % kBlobAlignmentBytes;
  if (!bytes.empty()) {
    std::memcpy(&storage_[shift], bytes.data(), bytes.size());
  }
  view_ = absl::string_view(storage_.data() + shift, bytes.size());
}

absl::StatusOr<Deployable> Deployable::Open(const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  YOLOQ_ASSIGN_OR_RETURN(Deployable result, FromBytes(file.view(), path));
  // The check has touched every page; what is used is read again.
  file.Release(0, file.size());
  result.file_ = std::move(file);
  return result;
}

absl::StatusOr<Deployable> Deployable::FromBytes(absl::string_view bytes,
                                                 absl::string_view name) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kBlobAlignmentBytes != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": bytes do not lie at an address that is a multiple of ",
        kBlobAlignmentBytes));
  }
  Deployable result;
  const auto read = [&]() -> absl::Status {
    YOLOQ_ASSIGN_OR_RETURN(const absl::string_view header, HeaderBytes(bytes));
    if (!result.model_.ParseFromArray(header.data(),
                                      static_cast<int>(header.size()))) {
      return absl::DataLossError(
          "header: is no serialized DeployableModel; export the model again");
    }
    YOLOQ_ASSIGN_OR_RETURN(result.data_,
                           DataSection(bytes, header.size(), result.model_));
    return CheckDeployable(result.model_, result.data_);
  };
  YOLOQ_RETURN_IF_ERROR(Annotate(read(), name));
  return result;
}

template <typename T>
absl::Span<const T> Deployable::View(const Blob& blob) const {
  return absl::MakeConstSpan(
      reinterpret_cast<const T*>(data_.data() + blob.offset_bytes()),
      blob.size_bytes() / sizeof(T));
}

absl::Span<const int8_t> Deployable::Int8Weights(int node) const {
  return View<int8_t>(execution(node).weights());
}

absl::Span<const float> Deployable::FloatWeights(int node) const {
  return View<float>(execution(node).weights());
}

absl::Span<const int32_t> Deployable::Int32Bias(int node) const {
  return View<int32_t>(execution(node).bias());
}

absl::Span<const float> Deployable::FloatBias(int node) const {
  return View<float>(execution(node).bias());
}

absl::Span<const float> Deployable::WeightScales(int node) const {
  return View<float>(execution(node).weight_scales());
}

void Deployable::ReleaseWeights(int node) const {
  if (!file_.has_value()) return;
  const Blob& weights = execution(node).weights();
  const size_t data_offset = data_.data() - file_->view().data();
  file_->Release(data_offset + weights.offset_bytes(), weights.size_bytes());
}

int64_t Deployable::weight_bytes() const {
  int64_t sum = 0;
  for (const NodeExecution& node : model_.nodes()) {
    sum += node.weights().size_bytes() + node.bias().size_bytes() +
           node.weight_scales().size_bytes();
  }
  return sum;
}

}  // namespace yoloq
