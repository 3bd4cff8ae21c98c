#include "tools/golden.h"

#include <cstdlib>

#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(GoldenTest, EqualTextHasNoDifference) {
  const std::string path = JoinPath(TestFolder(), "a.md");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "one\ntwo\n"));
  EXPECT_EQ(GoldenDifference("one\ntwo\n", path), "");
  EXPECT_THAT("one\ntwo\n", IsGolden(path));
}

TEST(GoldenTest, NamesTheFirstLineThatDiffersAndTheCommand) {
  const std::string path = JoinPath(TestFolder(), "a.md");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "one\ntwo\n"));
  const std::string difference = GoldenDifference("one\n2\n", path);
  EXPECT_THAT(difference, HasSubstr("a.md:2 is\n  two\nbut now\n  2\n"));
  EXPECT_THAT(difference, HasSubstr("YOLOQ_UPDATE_GOLDEN=1 bazel run"));
}

TEST(GoldenTest, ShorterTextDiffersAtItsEnd) {
  const std::string path = JoinPath(TestFolder(), "a.md");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "one\ntwo"));
  EXPECT_THAT(GoldenDifference("one", path),
              HasSubstr(":2 is\n  two\nbut now\n  (end)"));
}

TEST(GoldenTest, MissingFileIsADifference) {
  EXPECT_THAT(GoldenDifference("x", JoinPath(TestFolder(), "none.md")),
              HasSubstr("none.md"));
}

TEST(GoldenTest, UpdateWritesTheSourceTree) {
  const std::string root = TestFolder();
  setenv("YOLOQ_UPDATE_GOLDEN", "1", 1);
  setenv("BUILD_WORKSPACE_DIRECTORY", root.c_str(), 1);
  EXPECT_EQ(GoldenDifference("new\n", "a.md"), "");
  unsetenv("BUILD_WORKSPACE_DIRECTORY");
  EXPECT_THAT(GoldenDifference("new\n", "a.md"), HasSubstr("bazel run"));
  unsetenv("YOLOQ_UPDATE_GOLDEN");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string written,
                             ReadFile(JoinPath(root, "a.md")));
  EXPECT_EQ(written, "new\n");
}

}  // namespace
}  // namespace yoloq
