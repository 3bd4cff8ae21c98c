// Protocol buffers in binary files. Needs only the lite library, so that the
// device reads and writes them too; proto_file.h has the text format.
#ifndef YOLOQ_TOOLS_BASE_BINARY_PROTO_H_
#define YOLOQ_TOOLS_BASE_BINARY_PROTO_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"

namespace yoloq {

// DataLoss when the bytes are no message of this type.
absl::Status ReadBinaryProto(const std::string& path,
                             google::protobuf::MessageLite* message);
absl::Status WriteBinaryProto(const std::string& path,
                              const google::protobuf::MessageLite& message);

// Serialized with map entries in a fixed order: equal messages, equal bytes.
std::string SerializeDeterministically(
    const google::protobuf::MessageLite& message);

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_BINARY_PROTO_H_
