// The syntax of darknet's .cfg files: sections of `key=value` lines.
//
//   [convolutional]      # a comment; ';' begins one too
//   filters = 32         all blanks are ignored
#ifndef YOLOQ_MODEL_DARKNET_SECTIONS_H_
#define YOLOQ_MODEL_DARKNET_SECTIONS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace yoloq {

// One section. Every error is InvalidArgument and begins with
// "file:line: [section]".
class DarknetSection {
 public:
  // A key that is understood but may have only the value that does nothing.
  struct NeutralKey {
    absl::string_view key;
    absl::string_view value;
  };

  DarknetSection(std::string file, std::string name, int line)
      : file_(std::move(file)), name_(std::move(name)), line_(line) {}

  const std::string& name() const { return name_; }

  // Error when the key is already there.
  absl::Status Add(std::string key, std::string value, int line);

  bool Has(absl::string_view key) const { return Find(key) != nullptr; }

  // The value of a key that must be there. Lists are separated by commas.
  absl::StatusOr<int> Int(absl::string_view key) const;
  absl::StatusOr<std::string> Text(absl::string_view key) const;
  absl::StatusOr<std::vector<int>> Ints(absl::string_view key) const;
  absl::StatusOr<std::vector<float>> Floats(absl::string_view key) const;

  // The value, or the default where there is none.
  absl::StatusOr<int> IntOr(absl::string_view key, int otherwise) const;
  absl::StatusOr<float> FloatOr(absl::string_view key, float otherwise) const;
  absl::StatusOr<bool> BoolOr(absl::string_view key, bool otherwise) const;

  // Error for a key that is in none of the lists, and for a neutral one with
  // another value.
  absl::Status CheckKeys(absl::Span<const absl::string_view> used,
                         absl::Span<const absl::string_view> ignored,
                         absl::Span<const NeutralKey> neutral) const;

  // An error at the section's first line, and one at a key's line.
  absl::Status Error(absl::string_view message) const;
  absl::Status KeyError(absl::string_view key, absl::string_view message) const;

 private:
  struct Entry {
    std::string key;
    std::string value;
    int line;
  };

  const Entry* Find(absl::string_view key) const;
  absl::StatusOr<const Entry*> Require(absl::string_view key) const;
  absl::Status ErrorAt(int line, absl::string_view message) const;

  std::string file_;
  std::string name_;
  int line_;
  std::vector<Entry> entries_;
};

// `file` stands in errors. InvalidArgument on what is neither a section, an
// entry, a comment nor blank, on an entry before the first section, and on a
// key that is given twice.
absl::StatusOr<std::vector<DarknetSection>> ParseDarknetSections(
    absl::string_view text, absl::string_view file);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_DARKNET_SECTIONS_H_
