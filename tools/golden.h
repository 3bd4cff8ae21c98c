// Golden tests: rendered text against a file of the source tree.
//
//   EXPECT_THAT(page, IsGolden("reports/testdata/a.md"));
//
// Updating the files of a test is one command:
//   YOLOQ_UPDATE_GOLDEN=1 bazel run //reports:table_markdown_test
#ifndef YOLOQ_TOOLS_GOLDEN_H_
#define YOLOQ_TOOLS_GOLDEN_H_

#include <string>

#include "gmock/gmock.h"

namespace yoloq {

// Empty when `text` is the content of the file at `path` (relative to the
// workspace's root, and in the test's data); else the first line that differs
// and the command that updates the file. With $YOLOQ_UPDATE_GOLDEN under
// `bazel run`, writes the file in the source tree instead.
std::string GoldenDifference(const std::string& text, const std::string& path);

MATCHER_P(IsGolden, path, "equals " + std::string(path)) {
  const std::string difference = GoldenDifference(arg, path);
  *result_listener << difference;
  return difference.empty();
}

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_GOLDEN_H_
