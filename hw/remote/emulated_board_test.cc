#include "hw/remote/emulated_board.h"

#include <unistd.h>

#include <cstdlib>

#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(EmulatedBoard, FolderIsInTheCache) {
  setenv("HOME", "/home/ada", 1);
  unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(EmulatedBoardFolder(), "/home/ada/.cache/yoloq/emulated_pi");
  setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_EQ(EmulatedBoardFolder(), "/cache/yoloq/emulated_pi");
  unsetenv("XDG_CACHE_HOME");
}

TEST(EmulatedBoard, FindsARunningInstance) {
  const std::string folder = TestFolder();
  const std::string state = folder + "/instances/default";
  YOLOQ_ASSERT_OK(MakeFolders(state));
  YOLOQ_ASSERT_OK(
      WriteFileAtomically(state + "/pid", absl::StrCat(getpid(), "\n")));
  YOLOQ_ASSERT_OK(WriteFileAtomically(state + "/port", "23456\n"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const SshSpec ssh,
                             FindEmulatedBoard(folder, "default"));
  EXPECT_EQ(ssh.host(), "127.0.0.1");
  EXPECT_EQ(ssh.port(), 23456);
  EXPECT_EQ(ssh.identity_file(), state + "/key");
  EXPECT_EQ(ssh.known_hosts_file(), state + "/known_hosts");
}

TEST(EmulatedBoard, SaysHowToStartOne) {
  const std::string folder = TestFolder();
  EXPECT_THAT(FindEmulatedBoard(folder, "default"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("`bazel run //hw:emulated_pi -- start`")));
  // One whose process is gone.
  const std::string state = folder + "/instances/two";
  YOLOQ_ASSERT_OK(MakeFolders(state));
  YOLOQ_ASSERT_OK(WriteFileAtomically(state + "/pid", "999999999\n"));
  YOLOQ_ASSERT_OK(WriteFileAtomically(state + "/port", "23456\n"));
  EXPECT_THAT(FindEmulatedBoard(folder, "two"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("--instance=two start")));
}

}  // namespace
}  // namespace yoloq
