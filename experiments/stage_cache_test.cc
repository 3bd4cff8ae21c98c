#include "experiments/stage_cache.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

StageInputs Inputs(absl::string_view value) {
  StageInputs inputs("calibrate", 1);
  inputs.Add("network", value);
  return inputs;
}

class StageCacheTest : public ::testing::Test {
 protected:
  // Writes "out" and counts the calls.
  std::function<absl::Status(const std::string&)> Make() {
    return [this](const std::string& folder) {
      ++made_;
      return WriteFileAtomically(JoinPath(folder, "out"), "result");
    };
  }

  const std::string root_ = TestFolder();
  int made_ = 0;
};

TEST_F(StageCacheTest, SameInputsAreNotRunAgain) {
  for (int i = 0; i < 3; ++i) {
    StageCache cache(root_);
    YOLOQ_ASSERT_OK_AND_ASSIGN(const StageEntry entry,
                               cache.Get(Inputs("a"), Make()));
    EXPECT_EQ(entry.record.cached(), i > 0);
    YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string out,
                               ReadFile(JoinPath(entry.folder, "out")));
    EXPECT_EQ(out, "result");
  }
  EXPECT_EQ(made_, 1);
}

TEST_F(StageCacheTest, OtherInputsAreAnotherEntry) {
  StageCache cache(root_);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto a, cache.Get(Inputs("a"), Make()));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto b, cache.Get(Inputs("b"), Make()));
  EXPECT_NE(a.record.key(), b.record.key());
  EXPECT_EQ(made_, 2);
}

TEST_F(StageCacheTest, ValuesCannotPassForFields) {
  StageInputs one("s", 1), two("s", 1);
  one.Add("a", "x\nb: y");
  two.Add("a", "x");
  two.Add("b", "y");
  EXPECT_NE(one.Key(), two.Key());
}

TEST_F(StageCacheTest, InterruptedStageFindsWhatItLeft) {
  StageCache cache(root_);
  EXPECT_THAT(
      cache
          .Get(Inputs("a"),
               [](const std::string& folder) {
                 EXPECT_TRUE(
                     WriteFileAtomically(JoinPath(folder, "part"), "1").ok());
                 return absl::UnavailableError("interrupted");
               })
          .status(),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("interr")));
  YOLOQ_ASSERT_OK(cache.Get(Inputs("a"), [](const std::string& folder) {
    EXPECT_TRUE(PathExists(JoinPath(folder, "part")));
    return absl::OkStatus();
  }));
}

TEST_F(StageCacheTest, DamagedEntriesAreDataLossThatSaysWhatToDo) {
  StageCache cache(root_);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto entry, cache.Get(Inputs("a"), Make()));
  const std::string out = JoinPath(entry.folder, "out");
  YOLOQ_ASSERT_OK(WriteFileAtomically(out, "resulT"));
  EXPECT_THAT(cache.Get(Inputs("a"), Make()).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("out was altered; remove this folder")));
  YOLOQ_ASSERT_OK(WriteFileAtomically(out, "short"));
  EXPECT_THAT(cache.Get(Inputs("a"), Make()).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("5 bytes")));
  YOLOQ_ASSERT_OK(WriteFileAtomically(
      JoinPath(entry.folder, "MANIFEST.textproto"), "no manifest"));
  EXPECT_THAT(cache.Get(Inputs("a"), Make()).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("MANIFEST")));
}

TEST_F(StageCacheTest, RerunMakesAnEntryAnewOnce) {
  StageCache first(root_);
  YOLOQ_ASSERT_OK(first.Get(Inputs("a"), Make()));
  StageCache second(root_, {"calibrate"});
  YOLOQ_ASSERT_OK(second.Get(Inputs("a"), Make()));
  YOLOQ_ASSERT_OK(second.Get(Inputs("a"), Make()));
  EXPECT_EQ(made_, 2);
}

}  // namespace
}  // namespace yoloq
