#include "tools/golden.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/base/file.h"

namespace yoloq {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Update(const std::string& text, const std::string& path) {
  const std::string root = Environment("BUILD_WORKSPACE_DIRECTORY");
  if (root.empty()) return "YOLOQ_UPDATE_GOLDEN works under `bazel run` only";
  return WriteFileAtomically(JoinPath(root, path), text).ok()
             ? ""
             : absl::StrCat(JoinPath(root, path), ": cannot be written");
}

}  // namespace

std::string GoldenDifference(const std::string& text, const std::string& path) {
  if (!Environment("YOLOQ_UPDATE_GOLDEN").empty()) return Update(text, path);
  const absl::StatusOr<std::string> golden = ReadFile(path);
  if (!golden.ok()) return std::string(golden.status().message());
  if (text == *golden) return "";
  const std::vector<std::string> ours = absl::StrSplit(text, '\n');
  const std::vector<std::string> theirs = absl::StrSplit(*golden, '\n');
  size_t line = 0;
  while (line < std::min(ours.size(), theirs.size()) &&
         ours[line] == theirs[line]) {
    ++line;
  }
  return absl::StrCat(
      path, ":", line + 1, " is\n  ",
      line < theirs.size() ? theirs[line] : "(end)", "\nbut now\n  ",
      line < ours.size() ? ours[line] : "(end)",
      "\nIf the new text is right: YOLOQ_UPDATE_GOLDEN=1 bazel run ",
      Environment("TEST_TARGET"));
}

}  // namespace yoloq
