// The program that writes the synthetic data set, as a user runs it.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/run_program.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

constexpr char kProgram[] = "eval/make_synthetic_voc";

TEST(MakeSyntheticVocTest, ARelativePathIsTheUsers) {
  const std::string folder = TestFolder();
  const ProgramOutcome outcome = RunProgram(
      {kProgram, "--voc_root=data", "--train=1", "--val=1", "--test=1"},
      {{"BUILD_WORKING_DIRECTORY", folder}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_TRUE(PathExists(JoinPath(folder, "data/VOC2007/JPEGImages")));
}

TEST(MakeSyntheticVocTest, WithoutAFolderItSaysWhatToGive) {
  const ProgramOutcome outcome = RunProgram({kProgram});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.standard_error, ::testing::HasSubstr("--voc_root=/path"));
}

}  // namespace
}  // namespace yoloq
