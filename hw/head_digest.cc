#include "hw/head_digest.h"

#include <cstdint>
#include <cstring>

#include "tools/base/digest.h"

namespace yoloq {
namespace {

void AppendUint32(uint32_t value, std::string* bytes) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes->push_back(static_cast<char>(value >> shift));
  }
}

}  // namespace

std::string HeadsSha256(const std::vector<HeadOutput>& heads) {
  Sha256 digest;
  for (const HeadOutput& head : heads) {
    std::string bytes;
    for (const int value :
         {head.node, head.height, head.width, head.channels}) {
      AppendUint32(value, &bytes);
    }
    for (const float value : head.values) {
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof(bits));
      AppendUint32(bits, &bytes);
    }
    digest.Update(bytes);
  }
  return digest.Finish();
}

}  // namespace yoloq
