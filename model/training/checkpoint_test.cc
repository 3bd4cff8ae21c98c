#include "model/training/checkpoint.h"

#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() : path_(JoinPath(TestFolder(), "checkpoint")) {}

  void Write() {
    CheckpointHeader header;
    header.set_fingerprint("this");
    header.set_epoch(3);
    header.set_step(7);
    std::vector<float> a = {1, 2, 3};
    std::vector<float> b = {-0.5};
    YOLOQ_ASSERT_OK(WriteCheckpoint(path_, header,
                                    {{"a", a.data(), 3}, {"b", b.data(), 1}}));
  }

  absl::StatusOr<CheckpointHeader> Read(
      const std::string& fingerprint = "this") {
    return ReadCheckpoint(path_, fingerprint,
                          {{"a", a_.data(), 3}, {"b", b_.data(), 1}});
  }

  const std::string path_;
  std::vector<float> a_ = {0, 0, 0};
  std::vector<float> b_ = {0};
};

TEST_F(CheckpointTest, ComesBack) {
  Write();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const CheckpointHeader header, Read());
  EXPECT_EQ(header.epoch(), 3);
  EXPECT_EQ(header.step(), 7);
  EXPECT_EQ(a_, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(b_, (std::vector<float>{-0.5}));
}

TEST_F(CheckpointTest, EveryDamagedByteIsFound) {
  Write();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(path_));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 0x10;
    YOLOQ_ASSERT_OK(WriteFileAtomically(path_, damaged));
    EXPECT_THAT(Read(), StatusIs(absl::StatusCode::kDataLoss,
                                 HasSubstr("the checkpoint is damaged")));
    YOLOQ_ASSERT_OK(
        WriteFileAtomically(path_, absl::string_view(bytes).substr(0, i)));
    EXPECT_THAT(Read(),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path_)));
  }
  EXPECT_EQ(a_, (std::vector<float>{0, 0, 0}));
}

// Right digest, wrong content.
TEST_F(CheckpointTest, AnAbsurdHeaderSizeIsDamage) {
  std::string bytes = "yoloqck1";
  bytes.append(8, '\xff');
  bytes += Sha256Hex(bytes);
  YOLOQ_ASSERT_OK(WriteFileAtomically(path_, bytes));
  EXPECT_THAT(Read(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("header")));
}

TEST_F(CheckpointTest, ANegativePositionIsDamage) {
  CheckpointHeader header;
  header.set_fingerprint("this");
  header.set_epoch(-1);
  YOLOQ_ASSERT_OK(WriteCheckpoint(path_, header, {}));
  EXPECT_THAT(ReadCheckpoint(path_, "this", {}),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("its position is negative")));
}

TEST_F(CheckpointTest, AHeaderThatCouldNotBeReadAgainIsNotWritten) {
  CheckpointHeader header;
  header.set_fingerprint(std::string(17 << 20, 'x'));
  EXPECT_THAT(WriteCheckpoint(path_, header, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("at most 16777216 can be read again")));
  EXPECT_FALSE(PathExists(path_));
}

TEST_F(CheckpointTest, OfAnotherTrainingIsRefused) {
  Write();
  EXPECT_THAT(Read("that"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                     HasSubstr("another training")));
  EXPECT_THAT(ReadCheckpoint(path_, "this", {{"a", a_.data(), 3}}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("tensors are not those")));
  EXPECT_EQ(a_, (std::vector<float>{0, 0, 0}));
}

TEST_F(CheckpointTest, NoneIsNotFound) {
  EXPECT_THAT(Read(), StatusIs(absl::StatusCode::kNotFound, HasSubstr(path_)));
}

}  // namespace
}  // namespace yoloq
