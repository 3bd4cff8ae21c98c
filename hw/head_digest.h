// The digest of an engine's output: equal on two machines only if every value
// of every head is, bit for bit.
#ifndef YOLOQ_HW_HEAD_DIGEST_H_
#define YOLOQ_HW_HEAD_DIGEST_H_

#include <string>
#include <vector>

#include "hw/runtime/engine.h"

namespace yoloq {

// SHA-256, in hexadecimal, over each head's node, height, width and channels
// (32 bits, the lowest byte first) and its values' float32 bits, in order.
std::string HeadsSha256(const std::vector<HeadOutput>& heads);

}  // namespace yoloq

#endif  // YOLOQ_HW_HEAD_DIGEST_H_
