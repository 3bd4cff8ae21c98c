#include "eval/detections.h"

#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<Detection> kDetections = {{{1.5f, 2, 30, 40}, 3, 0.75f},
                                            {{0, 0, 1, 1}, 19, 0.01f}};

TEST(DetectionsTest, SurviveTheProto) {
  const std::vector<Detection> back = FromProto(ToProto("a", kDetections));
  ASSERT_EQ(back.size(), 2);
  EXPECT_EQ(back[0].box.left, 1.5f);
  EXPECT_EQ(back[0].box.top, 2);
  EXPECT_EQ(back[0].box.right, 30);
  EXPECT_EQ(back[0].box.bottom, 40);
  EXPECT_EQ(back[0].class_index, 3);
  EXPECT_EQ(back[0].score, 0.75f);
  EXPECT_EQ(back[1].class_index, 19);
}

// The bytes written out by hand: length, id, count, class, score 0.5, box 0 0
// 1 2.
TEST(DetectionsSha256Test, IsOverLittleEndianFields) {
  const std::vector<ImageDetections> images = {
      ToProto("ab", {{{0, 0, 1, 2}, 7, 0.5f}})};
  const char bytes[] =
      "\2\0\0\0ab\1\0\0\0\7\0\0\0\0\0\0\x3f\0\0\0\0\0\0\0\0"
      "\0\0\x80\x3f\0\0\0\x40";
  EXPECT_EQ(DetectionsSha256(images),
            Sha256Hex(absl::string_view(bytes, sizeof(bytes) - 1)));
}

TEST(DetectionsSha256Test, SeesOrderAndImages) {
  std::vector<ImageDetections> images = {ToProto("a", kDetections),
                                         ToProto("b", {})};
  const std::string digest = DetectionsSha256(images);
  images[0] = ToProto("a", {kDetections[1], kDetections[0]});
  EXPECT_NE(DetectionsSha256(images), digest);
  images[0] = ToProto("a", kDetections);
  EXPECT_EQ(DetectionsSha256(images), digest);
  images[1].set_image_id("c");
  EXPECT_NE(DetectionsSha256(images), digest);
}

class DetectionShardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = JoinPath(TestFolder(), "shard");
    DetectionShard shard;
    *shard.add_images() = ToProto("a", kDetections);
    *shard.add_images() = ToProto("b", {});
    shard.set_seconds(1.25);
    YOLOQ_ASSERT_OK(WriteDetectionShard(path_, shard));
  }
  std::string path_;
};

TEST_F(DetectionShardTest, IsReadBack) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DetectionShard shard,
                             ReadDetectionShard(path_, {"a", "b"}));
  EXPECT_EQ(shard.images_size(), 2);
  EXPECT_EQ(shard.images(0).objects_size(), 2);
  EXPECT_EQ(shard.seconds(), 1.25);
}

TEST_F(DetectionShardTest, OtherImagesAreRefused) {
  for (const std::vector<std::string>& ids :
       {std::vector<std::string>{"a"}, {"a", "c"}, {"a", "b", "c"}}) {
    EXPECT_THAT(ReadDetectionShard(path_, ids),
                StatusIs(StatusCode::kDataLoss,
                         AllOf(HasSubstr(path_), HasSubstr("other images"),
                               HasSubstr("delete the file"))));
  }
}

TEST_F(DetectionShardTest, DamageIsFound) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string good, ReadFile(path_));
  std::string bad = good;
  // The mantissa of the first left coordinate, 1.5.
  const size_t at = bad.find(std::string("\0\0\xC0\x3F", 4));
  ASSERT_NE(at, std::string::npos);
  bad[at] ^= 1;
  YOLOQ_ASSERT_OK(WriteFileAtomically(path_, bad));
  EXPECT_THAT(ReadDetectionShard(path_, {"a", "b"}),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(path_), HasSubstr("digest"))));
  YOLOQ_ASSERT_OK(WriteFileAtomically(path_, good.substr(0, 20)));
  EXPECT_THAT(ReadDetectionShard(path_, {"a", "b"}),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(path_), HasSubstr("is no shard"))));
  EXPECT_THAT(ReadDetectionShard(path_ + "x", {}),
              StatusIs(StatusCode::kNotFound, HasSubstr(path_ + "x")));
}

}  // namespace
}  // namespace yoloq
