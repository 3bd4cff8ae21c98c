#include "tools/base/file.h"

#include <sys/resource.h>

#include <csignal>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(FileTest, WritesThenReads) {
  const std::string path = JoinPath(TestFolder(), "a.txt");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "first"));
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "second"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path));
  EXPECT_EQ(text, "second");
}

TEST(FileTest, MissingFileIsNotFoundAndNamesThePath) {
  const auto text = ReadFile("/nonexistent/a.txt");
  EXPECT_THAT(text.status(), StatusIs(absl::StatusCode::kNotFound,
                                      HasSubstr("/nonexistent/a.txt")));
}

TEST(FileTest, FolderIsInvalidArgument) {
  EXPECT_THAT(ReadFile(TestFolder()).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("")));
}

TEST(FileTest, EmptyFileMapsToNothing) {
  const std::string path = JoinPath(TestFolder(), "empty");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, ""));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const MappedFile file, MappedFile::Open(path));
  EXPECT_EQ(file.size(), 0u);
}

TEST(FileTest, FailedProducerLeavesTheOldContent) {
  const std::string path = JoinPath(TestFolder(), "kept.txt");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "old"));
  EXPECT_FALSE(WriteFileAtomically(path, [](std::ostream& out) {
                 out << "half";
                 return absl::InternalError("stopped");
               }).ok());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path));
  EXPECT_EQ(text, "old");
}

// A size limit stands in for a full disk: both fail in write().
TEST(FileTest, FullDiskIsResourceExhaustedAndLeavesTheOldContent) {
  const std::string path = JoinPath(TestFolder(), "full.bin");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "old"));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit limited = before;
  limited.rlim_cur = 4096;
  setrlimit(RLIMIT_FSIZE, &limited);
  const absl::Status status =
      WriteFileAtomically(path, std::string(1 << 20, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr("full.bin")));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path));
  EXPECT_EQ(text, "old");
}

TEST(FileTest, JoinPath) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("a", "/b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
}

}  // namespace
}  // namespace yoloq
