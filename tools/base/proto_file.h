// Protocol buffers in files in text format (with the file, line and column in
// every error); binary_proto.h is at hand with it.
#ifndef YOLOQ_TOOLS_BASE_PROTO_FILE_H_
#define YOLOQ_TOOLS_BASE_PROTO_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "tools/base/binary_proto.h"  // IWYU pragma: export

namespace yoloq {

// Parses `text` into `message`, which is cleared first. `name` stands in
// errors: "name:3:7: Message type ... has no field named ...".
absl::Status ParseTextProto(absl::string_view text, absl::string_view name,
                            google::protobuf::Message* message);

// As ParseTextProto, but merged into what `message` holds: a field that `text`
// sets wins, zero and false included; repeated fields are replaced, not
// appended to.
absl::Status MergeTextProto(absl::string_view text, absl::string_view name,
                            google::protobuf::Message* message);

absl::Status ReadTextProto(const std::string& path,
                           google::protobuf::Message* message);
absl::Status WriteTextProto(const std::string& path,
                            const google::protobuf::Message& message);

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_PROTO_FILE_H_
