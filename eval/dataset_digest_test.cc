#include "eval/dataset_digest.h"

#include "absl/strings/str_replace.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

class DatasetDigestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = TestFolder();
    cache_ = JoinPath(folder_, "cache");
    for (const char* id : {"a", "b"}) {
      VocImage image;
      image.id = id;
      image.xml_path = JoinPath(folder_, absl::StrCat(id, ".xml"));
      image.jpeg_path = JoinPath(folder_, absl::StrCat(id, ".jpg"));
      YOLOQ_ASSERT_OK(WriteFileAtomically(image.xml_path, "xml"));
      YOLOQ_ASSERT_OK(
          WriteFileAtomically(image.jpeg_path, absl::StrCat("jpeg", id)));
      images_.push_back(image);
    }
  }
  std::string Digest() {
    const auto digest = DatasetDigest(images_, cache_);
    EXPECT_TRUE(digest.ok()) << digest.status();
    return digest.value_or("");
  }

  std::string folder_, cache_;
  std::vector<VocImage> images_;
};

TEST_F(DatasetDigestTest, IsTheDigestOfIdsAndFileDigests) {
  std::string text;
  for (const char* id : {"a", "b"}) {
    absl::StrAppend(&text, id, "\n", Sha256Hex("xml"), "\n",
                    Sha256Hex(absl::StrCat("jpeg", id)), "\n");
  }
  EXPECT_EQ(Digest(), Sha256Hex(text));
  EXPECT_EQ(Digest(), Sha256Hex(text)) << "from the cache";
}

TEST_F(DatasetDigestTest, SeesEveryChange) {
  const std::string before = Digest();
  YOLOQ_ASSERT_OK(WriteFileAtomically(images_[1].jpeg_path, "other"));
  const std::string changed = Digest();
  EXPECT_NE(changed, before);
  images_[0].id = "c";
  EXPECT_NE(Digest(), changed);
  std::swap(images_[0], images_[1]);
  EXPECT_NE(Digest(), changed);
}

TEST_F(DatasetDigestTest, TakesDigestsFromTheCache) {
  Digest();
  const std::string path = JoinPath(cache_, "file_digests.txt");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path));
  std::string body = text.substr(text.find('\n') + 1);
  body = absl::StrReplaceAll(body, {{Sha256Hex("jpega"), Sha256Hex("x")}});
  YOLOQ_ASSERT_OK(
      WriteFileAtomically(path, absl::StrCat(Sha256Hex(body), "\n", body)));
  const std::string from_cache = Digest();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string without_cache,
                             DatasetDigest(images_, ""));
  EXPECT_NE(from_cache, without_cache);
}

TEST_F(DatasetDigestTest, DoesNotTrustADamagedCache) {
  const std::string good = Digest();
  const std::string path = JoinPath(cache_, "file_digests.txt");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path));
  for (const std::string& damaged :
       {absl::StrReplaceAll(text, {{Sha256Hex("jpega"), Sha256Hex("x")}}),
        text.substr(0, text.size() / 2), std::string("\n"), std::string()}) {
    YOLOQ_ASSERT_OK(WriteFileAtomically(path, damaged));
    EXPECT_EQ(Digest(), good);
  }
}

TEST_F(DatasetDigestTest, NamesAMissingFile) {
  images_[1].jpeg_path = JoinPath(folder_, "gone.jpg");
  EXPECT_THAT(DatasetDigest(images_, cache_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("gone.jpg")));
}

}  // namespace
}  // namespace yoloq
