#include "eval/synthetic_voc.h"

#include "eval/dataset_digest.h"
#include "eval/image.h"
#include "eval/voc.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SyntheticVocOptions Small() {
  SyntheticVocOptions options;
  options.train_images = 3;
  options.val_images = 1;
  options.test_images = 2;
  return options;
}

std::string Digest(const std::string& root) {
  const auto images =
      ReadVocSets(root, {"VOC2007/trainval", "VOC2007/test"}, VocClassNames());
  EXPECT_TRUE(images.ok()) << images.status();
  const auto digest = DatasetDigest(*images, "");
  EXPECT_TRUE(digest.ok()) << digest.status();
  return digest.value_or("");
}

TEST(WriteSyntheticVocTest, WritesWhatTheReaderReads) {
  const std::string root = TestFolder();
  YOLOQ_ASSERT_OK(WriteSyntheticVoc(root, Small()));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto train,
                             ReadImageSet(root, "VOC2007/train"));
  EXPECT_THAT(train, ElementsAre("000001", "000002", "000003"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto val, ReadImageSet(root, "VOC2007/val"));
  EXPECT_THAT(val, ElementsAre("000004"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto images,
      ReadVocSets(root, {"VOC2007/trainval", "VOC2007/test"}, VocClassNames()));
  ASSERT_EQ(images.size(), 6);
  for (const VocImage& image : images) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const Picture picture,
                               ReadJpeg(image.jpeg_path));
    EXPECT_EQ(picture.width, image.annotation.width);
    EXPECT_EQ(picture.height, image.annotation.height);
    EXPECT_FALSE(image.annotation.objects.empty());
  }
}

TEST(WriteSyntheticVocTest, SameSeedSameBytesOnAnyNumberOfThreads) {
  const std::string a = TestFolder(), b = TestFolder(), c = TestFolder();
  SyntheticVocOptions options = Small();
  YOLOQ_ASSERT_OK(WriteSyntheticVoc(a, options));
  options.threads = 1;
  YOLOQ_ASSERT_OK(WriteSyntheticVoc(b, options));
  EXPECT_EQ(Digest(a), Digest(b));
  options.seed = 2;
  YOLOQ_ASSERT_OK(WriteSyntheticVoc(c, options));
  EXPECT_NE(Digest(a), Digest(c));
}

TEST(WriteSyntheticVocTest, ALongerListBeginsWithTheShorterOne) {
  const std::string a = TestFolder(), b = TestFolder();
  SyntheticVocOptions options = Small();
  YOLOQ_ASSERT_OK(WriteSyntheticVoc(a, options));
  options.train_images = 5;
  YOLOQ_ASSERT_OK(WriteSyntheticVoc(b, options));
  // The first test image: number 5 there, number 7 here.
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const std::string before,
      ReadFile(JoinPath(a, "VOC2007/JPEGImages/000005.jpg")));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const std::string after,
      ReadFile(JoinPath(b, "VOC2007/JPEGImages/000007.jpg")));
  EXPECT_EQ(before, after);
}

TEST(WriteSyntheticVocTest, RefusesBadOptions) {
  SyntheticVocOptions options = Small();
  options.val_images = -1;
  EXPECT_THAT(
      WriteSyntheticVoc("unused", options),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("-1 val images")));
  options = Small();
  options.train_images = options.val_images = options.test_images = 0;
  EXPECT_THAT(
      WriteSyntheticVoc("unused", options),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("0 images in all")));
  options = Small();
  options.scene.max_side = 100;
  EXPECT_THAT(WriteSyntheticVoc("unused", options),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("sides from 160 to 100 pixels")));
}

TEST(WriteSyntheticVocTest, NamesAFolderThatCannotBe) {
  const std::string root = JoinPath(TestFolder(), "file");
  YOLOQ_ASSERT_OK(WriteFileAtomically(root, "in the way"));
  EXPECT_FALSE(WriteSyntheticVoc(root, Small()).ok());
  EXPECT_THAT(std::string(WriteSyntheticVoc(root, Small()).message()),
              HasSubstr(root));
}

}  // namespace
}  // namespace yoloq
