#include "tools/base/proto_file.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// Keeps the first error, as "name:line:column: message".
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(absl::string_view name) : name_(name) {}
  void AddError(int line, int column, const std::string& message) override {
    if (error_.empty()) {
      error_ =
          absl::StrCat(name_, ":", line + 1, ":", column + 1, ": ", message);
    }
  }
  const std::string& error() const { return error_; }

 private:
  std::string name_;
  std::string error_;
};

// Clears in `target` each repeated field that `source` sets, at every depth
// that both reach, so that a merge replaces lists.
void ClearReplacedLists(const Message& source, Message* target) {
  std::vector<const FieldDescriptor*> fields;
  source.GetReflection()->ListFields(source, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_repeated()) {
      target->GetReflection()->ClearField(target, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
               target->GetReflection()->HasField(*target, field)) {
      ClearReplacedLists(
          source.GetReflection()->GetMessage(source, field),
          target->GetReflection()->MutableMessage(target, field));
    }
  }
}

absl::Status Merge(absl::string_view text, absl::string_view name,
                   Message* message) {
  FirstError errors(name);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  google::protobuf::io::ArrayInputStream input(text.data(), text.size());
  if (parser.Merge(&input, message)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      errors.error().empty() ? absl::StrCat(name, ": is not text format")
                             : errors.error());
}

}  // namespace

absl::Status ParseTextProto(absl::string_view text, absl::string_view name,
                            Message* message) {
  message->Clear();
  return Merge(text, name, message);
}

absl::Status MergeTextProto(absl::string_view text, absl::string_view name,
                            Message* message) {
  std::unique_ptr<Message> parsed(message->New());
  YOLOQ_RETURN_IF_ERROR(Merge(text, name, parsed.get()));
  ClearReplacedLists(*parsed, message);
  // From the text once more: a merge of messages would drop fields set to zero.
  return Merge(text, name, message);
}

absl::Status ReadTextProto(const std::string& path, Message* message) {
  YOLOQ_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ParseTextProto(file.view(), path, message);
}

absl::Status WriteTextProto(const std::string& path, const Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return WriteFileAtomically(path, text);
}

}  // namespace yoloq
