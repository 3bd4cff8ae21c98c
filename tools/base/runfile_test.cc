#include "tools/base/runfile.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(RunfileTest, FindsWhatTheTargetBrings) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string path,
                             RunfilePath("tools/base/runfile.h"));
  EXPECT_THAT(path, StartsWith("/"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path));
  EXPECT_THAT(text, HasSubstr("RunfilePath"));
}

TEST(RunfileTest, NamesWhatIsNotThere) {
  EXPECT_THAT(
      RunfilePath("hw/nothing").status(),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("hw/nothing does not")));
}

}  // namespace
}  // namespace yoloq
