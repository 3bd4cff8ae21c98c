#include "model/training/batch_loader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "eval/image.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// Pictures of one grey each, with one object.
std::vector<VocImage> MakeImages(const std::string& folder, int count) {
  std::vector<VocImage> images;
  for (int i = 0; i < count; ++i) {
    Picture picture{40, 40, std::vector<uint8_t>(3 * 40 * 40, 20 * i + 10)};
    VocImage image;
    image.id = absl::StrCat("image", i);
    image.jpeg_path = JoinPath(folder, absl::StrCat(i, ".jpg"));
    EXPECT_TRUE(
        WriteFileAtomically(image.jpeg_path, *EncodeJpeg(picture, 95)).ok());
    image.annotation.width = image.annotation.height = 40;
    GroundTruthObject object;
    object.box = {1, 1, 40, 40};
    object.class_index = i;
    image.annotation.objects.push_back(object);
    images.push_back(image);
  }
  return images;
}

BatchLoaderOptions Options(int threads) {
  BatchLoaderOptions options;
  options.side = 32;
  options.batch_size = 3;
  options.seed = 4;
  options.threads = threads;
  options.augmentation.set_jitter(0.1);
  options.augmentation.set_flip(true);
  return options;
}

std::vector<TrainingImage> LoadAll(const std::vector<VocImage>& images,
                                   int threads, int epoch, int first_step) {
  PictureCache cache(1000000);
  BatchLoader loader(images, &cache, Options(threads), epoch, first_step);
  std::vector<TrainingImage> all;
  for (int step = first_step; step < StepsPerEpoch(images.size(), 3); ++step) {
    absl::StatusOr<std::vector<TrainingImage>> batch = loader.Next();
    EXPECT_TRUE(batch.ok());
    EXPECT_EQ(batch->size(), 3);
    for (TrainingImage& image : *batch) all.push_back(std::move(image));
  }
  EXPECT_THAT(loader.Next(), StatusIs(absl::StatusCode::kOutOfRange,
                                      HasSubstr("has 4 batches")));
  return all;
}

TEST(BatchLoaderTest, GivesTheEpochsOrderFilledUp) {
  const std::vector<VocImage> images = MakeImages(TestFolder(), 10);
  const std::vector<int> order = EpochOrder(10, 4, 2);
  const std::vector<TrainingImage> all = LoadAll(images, 2, 2, 0);
  ASSERT_EQ(all.size(), 12);
  for (int i = 0; i < 12; ++i) {
    ASSERT_EQ(all[i].truth.size(), 1);
    EXPECT_EQ(all[i].truth[0].class_index, order[i % 10]);
    EXPECT_NEAR(all[i].rgb[3 * (32 * 16 + 16)], 20 * order[i % 10] + 10, 2);
  }
}

TEST(BatchLoaderTest, ThreadsAndPlaceOfBeginningDoNotMatter) {
  const std::vector<VocImage> images = MakeImages(TestFolder(), 10);
  const std::vector<TrainingImage> one = LoadAll(images, 1, 3, 0);
  const std::vector<TrainingImage> three = LoadAll(images, 3, 3, 0);
  const std::vector<TrainingImage> later = LoadAll(images, 2, 3, 2);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(one[i].rgb, three[i].rgb);
  ASSERT_EQ(later.size(), 6);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(one[6 + i].rgb, later[i].rgb);
}

TEST(BatchLoaderTest, EpochOrdersArePermutationsThatDiffer) {
  std::vector<int> order = EpochOrder(100, 1, 0);
  EXPECT_NE(order, EpochOrder(100, 1, 1));
  EXPECT_NE(order, EpochOrder(100, 2, 0));
  EXPECT_EQ(order, EpochOrder(100, 1, 0));
  std::sort(order.begin(), order.end());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(BatchLoaderTest, ABadImageIsTheErrorOfItsBatch) {
  std::vector<VocImage> images = MakeImages(TestFolder(), 3);
  YOLOQ_ASSERT_OK(WriteFileAtomically(images[1].jpeg_path, "no JPEG"));
  PictureCache cache(0);
  BatchLoader loader(images, &cache, Options(2), 0, 0);
  EXPECT_THAT(loader.Next(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("1.jpg")));
}

TEST(PictureCacheTest, KeepsWhatFits) {
  const std::vector<VocImage> images = MakeImages(TestFolder(), 2);
  PictureCache cache(3 * 40 * 40);
  const auto get = [&](int i) { return *cache.Get(images[i], i); };
  EXPECT_EQ(get(0), get(0));
  EXPECT_NE(get(1), get(1));
}

TEST(BatchLoaderTest, StopsBeforeTheEnd) {
  const std::vector<VocImage> images = MakeImages(TestFolder(), 10);
  PictureCache cache(1000000);
  BatchLoader loader(images, &cache, Options(2), 0, 0);
  EXPECT_TRUE(loader.Next().ok());
}

}  // namespace
}  // namespace yoloq
