// Quotes words for a POSIX shell, so that no name can become part of a command.
//
//   ShellCommand({"rm", "--", "it's $(here)"})  ->  rm -- 'it'\''s $(here)'
#ifndef YOLOQ_HW_REMOTE_SHELL_QUOTE_H_
#define YOLOQ_HW_REMOTE_SHELL_QUOTE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace yoloq {

// `word` as the shell must read it to get back exactly these bytes. Whether a
// leading dash makes it an option is for the command that receives it.
// InvalidArgument when it holds a NUL byte, which no argument can.
absl::StatusOr<std::string> ShellQuote(absl::string_view word);

// The words quoted and joined by spaces. InvalidArgument without words.
absl::StatusOr<std::string> ShellCommand(const std::vector<std::string>& words);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_SHELL_QUOTE_H_
