#include "tools/base/binary_proto.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {

using ::google::protobuf::MessageLite;

absl::Status ReadBinaryProto(const std::string& path, MessageLite* message) {
  YOLOQ_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  if (!message->ParseFromArray(file.data(), static_cast<int>(file.size()))) {
    return absl::DataLossError(
        absl::StrCat(path, ": is no ", message->GetTypeName(), " message"));
  }
  return absl::OkStatus();
}

absl::Status WriteBinaryProto(const std::string& path,
                              const MessageLite& message) {
  return WriteFileAtomically(path, SerializeDeterministically(message));
}

std::string SerializeDeterministically(const MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace yoloq
