#include "hw/remote/shell_quote.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Characters that mean themselves wherever they stand in a word.
bool IsPlain(char c) {
  return absl::ascii_isalnum(c) || absl::StrContains("_-./:,+@%", c);
}

bool IsPlain(absl::string_view word) {
  for (const char c : word) {
    if (!IsPlain(c)) return false;
  }
  return !word.empty();
}

}  // namespace

absl::StatusOr<std::string> ShellQuote(absl::string_view word) {
  if (word.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", word.substr(0, word.find('\0')),
        "...\" holds a NUL byte, which no argument of a command can"));
  }
  if (IsPlain(word)) return std::string(word);
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

absl::StatusOr<std::string> ShellCommand(
    const std::vector<std::string>& words) {
  if (words.empty()) {
    return absl::InvalidArgumentError("there is no command to run");
  }
  std::string command;
  for (const std::string& word : words) {
    YOLOQ_ASSIGN_OR_RETURN(const std::string quoted, ShellQuote(word));
    absl::StrAppend(&command, command.empty() ? "" : " ", quoted);
  }
  return command;
}

}  // namespace yoloq
