#include "eval/dataset_loader.h"

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "absl/strings/str_cat.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

class DatasetLoaderTest : public ::testing::Test {
 protected:
  // Image i is plain grey of level 5 * i.
  void SetUp() override {
    folder_ = TestFolder();
    for (int i = 0; i < 40; ++i) {
      const std::string path = JoinPath(folder_, absl::StrCat(i, ".jpg"));
      ASSERT_TRUE(cv::imwrite(
          path, cv::Mat(10 + i, 20, CV_8UC3, cv::Scalar::all(5 * i))));
      paths_.push_back(path);
    }
  }
  std::string folder_;
  std::vector<std::string> paths_;
};

TEST_F(DatasetLoaderTest, GivesAllInOrder) {
  for (const LoaderOptions& options :
       {LoaderOptions{1, 1}, LoaderOptions{3, 2}, LoaderOptions{2, 100}}) {
    DatasetLoader loader(paths_, 32, PreprocessSpec::STRETCH, options);
    for (int i = 0; i < 40; ++i) {
      YOLOQ_ASSERT_OK_AND_ASSIGN(const NetworkInput input, loader.Next());
      EXPECT_EQ(input.placement.picture_height, 10 + i);
      EXPECT_NEAR(input.rgb[0], 5 * i, 2);
    }
    EXPECT_THAT(loader.Next(),
                StatusIs(StatusCode::kOutOfRange, HasSubstr("all 40 images")));
  }
}

TEST_F(DatasetLoaderTest, ReportsAnErrorAtItsTurn) {
  YOLOQ_ASSERT_OK(WriteFileAtomically(paths_[3], "no JPEG"));
  paths_[5] = JoinPath(folder_, "missing.jpg");
  DatasetLoader loader(paths_, 32, PreprocessSpec::STRETCH);
  for (int i = 0; i < 3; ++i) YOLOQ_ASSERT_OK(loader.Next());
  EXPECT_THAT(loader.Next(),
              StatusIs(StatusCode::kDataLoss, HasSubstr(paths_[3])));
  YOLOQ_ASSERT_OK(loader.Next());
  EXPECT_THAT(loader.Next(),
              StatusIs(StatusCode::kNotFound, HasSubstr("missing.jpg")));
}

TEST_F(DatasetLoaderTest, StopsEarly) {
  DatasetLoader loader(paths_, 32, PreprocessSpec::LETTERBOX, {2, 4});
  YOLOQ_ASSERT_OK(loader.Next());
}

TEST(DatasetLoaderEmptyTest, NothingIsOutOfRange) {
  DatasetLoader loader({}, 32, PreprocessSpec::STRETCH);
  EXPECT_THAT(loader.Next(),
              StatusIs(StatusCode::kOutOfRange, HasSubstr("all 0 images")));
}

}  // namespace
}  // namespace yoloq
