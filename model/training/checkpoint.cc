#include "model/training/checkpoint.h"

#include <cstring>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr absl::string_view kMagic = "yoloqck1";
constexpr size_t kDigestBytes = 64;
constexpr size_t kPrefixBytes = kMagic.size() + sizeof(uint64_t);
// Room for the records of a quarter of a million epochs; what a damaged file
// says of itself cannot take much memory.
constexpr uint64_t kMaxHeaderBytes = uint64_t{16} << 20;

absl::string_view BytesOf(const CheckpointTensor& tensor) {
  return absl::string_view(reinterpret_cast<const char*>(tensor.values),
                           tensor.elements * sizeof(float));
}

absl::Status Damaged(const std::string& path, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat(path, ": the checkpoint is damaged: ", what,
                   "; remove it to train from the beginning"));
}

absl::Status CheckTensors(const std::string& path,
                          const CheckpointHeader& header,
                          const std::vector<CheckpointTensor>& tensors) {
  bool same = header.tensors_size() == static_cast<int>(tensors.size());
  for (int i = 0; same && i < header.tensors_size(); ++i) {
    same = header.tensors(i).name() == tensors[i].name &&
           header.tensors(i).elements() == tensors[i].elements;
  }
  if (same) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path,
                   ": the checkpoint's tensors are not those of this training; "
                   "remove it to train from the beginning"));
}

}  // namespace

absl::Status WriteCheckpoint(const std::string& path, CheckpointHeader header,
                             const std::vector<CheckpointTensor>& tensors) {
  header.clear_tensors();
  for (const CheckpointTensor& tensor : tensors) {
    CheckpointHeader::Tensor* entry = header.add_tensors();
    entry->set_name(tensor.name);
    entry->set_elements(tensor.elements);
  }
  const std::string bytes = SerializeDeterministically(header);
  if (bytes.size() > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": the checkpoint's header has ", bytes.size(),
        " bytes, at most ", kMaxHeaderBytes, " can be read again"));
  }
  return WriteFileAtomically(path, [&](std::ostream& out) {
    Sha256 digest;
    const auto write = [&](absl::string_view piece) {
      digest.Update(piece);
      out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    };
    const uint64_t size = bytes.size();
    write(kMagic);
    write(
        absl::string_view(reinterpret_cast<const char*>(&size), sizeof(size)));
    write(bytes);
    for (const CheckpointTensor& tensor : tensors) write(BytesOf(tensor));
    out << digest.Finish();
    return absl::OkStatus();
  });
}

absl::StatusOr<CheckpointHeader> ReadCheckpoint(
    const std::string& path, absl::string_view fingerprint,
    const std::vector<CheckpointTensor>& tensors) {
  YOLOQ_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ParseCheckpoint(path, file.view(), fingerprint, tensors);
}

absl::StatusOr<CheckpointHeader> ParseCheckpoint(
    const std::string& path, absl::string_view bytes,
    absl::string_view fingerprint,
    const std::vector<CheckpointTensor>& tensors) {
  if (bytes.size() < kPrefixBytes + kDigestBytes ||
      bytes.substr(0, kMagic.size()) != kMagic) {
    return Damaged(path, "it does not begin as one");
  }
  const absl::string_view digest = bytes.substr(bytes.size() - kDigestBytes);
  bytes.remove_suffix(kDigestBytes);
  if (Sha256Hex(bytes) != digest) return Damaged(path, "its digest differs");
  uint64_t header_bytes;
  std::memcpy(&header_bytes, bytes.data() + kMagic.size(),
              sizeof(header_bytes));
  bytes.remove_prefix(kPrefixBytes);
  CheckpointHeader header;
  if (header_bytes > bytes.size() || header_bytes > kMaxHeaderBytes ||
      !header.ParseFromArray(bytes.data(), static_cast<int>(header_bytes))) {
    return Damaged(path, "its header cannot be read");
  }
  bytes.remove_prefix(header_bytes);
  if (header.epoch() < 0 || header.step() < 0) {
    return Damaged(path, "its position is negative");
  }
  if (header.fingerprint() != fingerprint) {
    return absl::FailedPreconditionError(absl::StrCat(
        path,
        ": the checkpoint is of another training (spec, network, images "
        "or initial weights differ); remove it to train from the "
        "beginning"));
  }
  YOLOQ_RETURN_IF_ERROR(CheckTensors(path, header, tensors));
  size_t expected = 0;
  for (const auto& tensor : tensors) expected += BytesOf(tensor).size();
  if (bytes.size() != expected) return Damaged(path, "values are missing");
  for (const CheckpointTensor& tensor : tensors) {
    const size_t size = BytesOf(tensor).size();
    std::memcpy(tensor.values, bytes.data(), size);
    bytes.remove_prefix(size);
  }
  return header;
}

}  // namespace yoloq
