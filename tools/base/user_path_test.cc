#include "tools/base/user_path.h"

#include <cstdlib>

#include "gtest/gtest.h"

namespace yoloq {
namespace {

TEST(UserPathTest, IsRelativeToTheUsersFolderUnderBazelRun) {
  setenv("BUILD_WORKING_DIRECTORY", "/home/user", /*overwrite=*/1);
  EXPECT_EQ(UserPath("a/b"), "/home/user/a/b");
  EXPECT_EQ(UserPath("/a/b"), "/a/b");
  EXPECT_EQ(UserPath(""), "");
}

TEST(UserPathTest, StaysAsItIsElsewhere) {
  unsetenv("BUILD_WORKING_DIRECTORY");
  EXPECT_EQ(UserPath("a/b"), "a/b");
  EXPECT_EQ(UserPath("/a/b"), "/a/b");
}

}  // namespace
}  // namespace yoloq
