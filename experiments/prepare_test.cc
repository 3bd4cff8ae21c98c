#include "experiments/prepare.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/torch_kernels.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

// A few drawn pictures, and one epoch of a very slim network.
ProfileSpec DrawnProfile() {
  ProfileSpec profile;
  EXPECT_TRUE(ParseTextProto(R"pb(
                               name: "drawn"
                               model { width: 0.05 input_size: 64 }
                               data {
                                 synthetic { train_images: 6 test_images: 2 }
                                 train_sets: "VOC2007/trainval"
                                 test_sets: "VOC2007/test"
                               }
                               preprocess { resize: STRETCH }
                               training { epochs: 1 batch_size: 2 }
                             )pb",
                             "drawn", &profile)
                  .ok());
  return profile;
}

TEST(PrepareTest, DrawsTheDataAndTrainsOnceForAll) {
  const std::string folder = TestFolder();
  StageCache first(folder);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const PreparedProfile made,
                             PrepareProfile(DrawnProfile(), folder, &first));
  ASSERT_EQ(made.stages.size(), 2u);
  EXPECT_EQ(made.stages[0].name(), "draw");
  EXPECT_EQ(made.stages[1].name(), "train");
  EXPECT_FALSE(made.stages[1].cached());
  EXPECT_TRUE(PathExists(made.profile.model().weights()));
  EXPECT_TRUE(PathExists(JoinPath(made.profile.data().voc_root(),
                                  "VOC2007/ImageSets/Main/test.txt")));

  // Other kernels would train other weights.
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const std::string manifest,
      ReadFile(JoinPath(
          folder, "train/" + made.stages[1].key() + "/MANIFEST.textproto")));
  EXPECT_THAT(manifest, HasSubstr("kernels: " + TorchKernels()));

  StageCache second(folder);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const PreparedProfile again,
                             PrepareProfile(DrawnProfile(), folder, &second));
  EXPECT_TRUE(again.stages[0].cached());
  EXPECT_TRUE(again.stages[1].cached());
  EXPECT_EQ(again.profile.model().weights(), made.profile.model().weights());
}

TEST(PrepareTest, WeightsThatAreGivenAreNotTrained) {
  const std::string folder = TestFolder();
  StageCache cache(folder);
  ProfileSpec profile = DrawnProfile();
  profile.mutable_model()->set_weights("/given.weights");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const PreparedProfile prepared,
                             PrepareProfile(profile, folder, &cache));
  ASSERT_EQ(prepared.stages.size(), 1u);
  EXPECT_EQ(prepared.profile.model().weights(), "/given.weights");
}

TEST(PrepareTest, MissingPretrainedWeightsAreNamed) {
  const std::string folder = TestFolder();
  StageCache cache(folder);
  ProfileSpec profile = DrawnProfile();
  profile.mutable_model()->set_pretrained("/nonexistent/darknet53.conv.74");
  EXPECT_THAT(PrepareProfile(profile, folder, &cache).status(),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("/nonexistent/darknet53.conv.74")));
}

}  // namespace
}  // namespace yoloq
