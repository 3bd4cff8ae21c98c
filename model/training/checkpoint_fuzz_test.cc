// Fuzz target of the reader of training checkpoints.
//
// An input is read as a file. And it is taken as a header's size, a header and
// values, to which the magic and the right digest are added, so that the checks
// behind the digest are reached. A reader that refuses must change nothing.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "model/training/checkpoint.h"
#include "tools/base/digest.h"

namespace yoloq {
namespace {

void Read(absl::string_view file) {
  std::array<float, 3> a = {};
  std::array<float, 1> b = {};
  const auto header = ParseCheckpoint("fuzz", file, "this",
                                      {{"a", a.data(), 3}, {"b", b.data(), 1}});
  if (header.ok()) return;
  const auto zero = [](float x) { return x == 0; };
  if (!std::all_of(a.begin(), a.end(), zero) || b[0] != 0) __builtin_trap();
}

void ReadWithDigest(absl::string_view content) {
  std::string file = "yoloqck1";
  file.append(content.data(), content.size());
  file += Sha256Hex(file);
  Read(file);
}

// The input's first byte splits the rest into edits (position, value) of a
// valid header and the values behind it, so that few changes lead far.
void ReadEdited(absl::string_view input) {
  if (input.empty()) return;
  CheckpointHeader valid;
  valid.set_fingerprint("this");
  valid.set_epoch(3);
  valid.add_epochs()->set_loss(1);
  valid.mutable_partial()->set_loss(2);
  for (const auto& [name, elements] : {std::pair("a", 3), std::pair("b", 1)}) {
    CheckpointHeader::Tensor* tensor = valid.add_tensors();
    tensor->set_name(name);
    tensor->set_elements(elements);
  }
  std::string header = valid.SerializeAsString();
  const size_t edits = static_cast<uint8_t>(input[0]) % 8;
  input.remove_prefix(1);
  for (size_t i = 0; i < edits && input.size() >= 2; ++i) {
    header[static_cast<uint8_t>(input[0]) % header.size()] = input[1];
    input.remove_prefix(2);
  }
  const uint64_t size = header.size();
  std::string content(reinterpret_cast<const char*>(&size), sizeof(size));
  content += header;
  content.append(input.data(), input.size());
  ReadWithDigest(content);
}

}  // namespace
}  // namespace yoloq

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  yoloq::Read(input);
  yoloq::ReadWithDigest(input);
  yoloq::ReadEdited(input);
  return 0;
}
