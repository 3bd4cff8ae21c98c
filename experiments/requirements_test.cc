#include "experiments/requirements.h"

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "experiments/spec_files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RequirementsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cache_ = TestFolder();
    ASSERT_EQ(setenv("XDG_CACHE_HOME", cache_.c_str(), 1), 0);
    root_ = JoinPath(TestFolder(), "VOCdevkit");
  }

  // What tools/fetch_... put below the user's cache folder.
  std::string Usual(absl::string_view path) const {
    return JoinPath(JoinPath(cache_, "yoloq"), path);
  }

  static void Write(const std::string& path, const std::string& contents) {
    YOLOQ_ASSERT_OK(MakeFolders(path.substr(0, path.rfind('/'))));
    YOLOQ_ASSERT_OK(WriteFileAtomically(path, contents));
  }

  std::string ListPath(const std::string& year, const std::string& list) const {
    return absl::StrCat(root_, "/", year, "/ImageSets/Main/", list, ".txt");
  }

  void WriteList(const std::string& year, const std::string& list,
                 int images) const {
    std::string text;
    for (int i = 0; i < images; ++i) absl::StrAppend(&text, 100000 + i, "\n");
    Write(ListPath(year, list), text);
  }

  // The paper's lists, of these lengths.
  void WriteLists(int train_2007, int train_2012, int test) const {
    WriteList("VOC2007", "trainval", train_2007);
    WriteList("VOC2012", "trainval", train_2012);
    WriteList("VOC2007", "test", test);
  }

  ProfileSpec PaperOnRoot() const {
    ProfileSpec profile = *LoadProfile("paper");
    profile.mutable_data()->set_voc_root(root_);
    return profile;
  }

  std::string cache_;
  std::string root_;
};

TEST_F(RequirementsTest, ThePapersDataIsEnough) {
  WriteLists(5011, 11540, 4952);
  YOLOQ_ASSERT_OK(CheckRequirements(PaperOnRoot()));
}

TEST_F(RequirementsTest, DataThatIsDrawnOrNoiseNeedsNothing) {
  YOLOQ_ASSERT_OK(CheckRequirements(*LoadProfile("quick")));
  ProfileSpec profile = *LoadProfile("paper");
  profile.mutable_data()->mutable_synthetic();
  YOLOQ_ASSERT_OK(CheckRequirements(profile));
}

TEST_F(RequirementsTest, NoVocRootNamesTheListsAndTheCommand) {
  EXPECT_THAT(
      CheckRequirements(*LoadProfile("paper")),
      StatusIs(StatusCode::kNotFound,
               absl::StrCat("profile paper cannot start; what is missing:\n"
                            "  data.voc_root: is required and not given: the "
                            "VOCdevkit folder, with VOC2007/trainval, "
                            "VOC2012/trainval, VOC2007/test\n"
                            "    run tools/fetch_voc\n"
                            "    give --voc_root=",
                            Usual("voc/VOCdevkit"), " or set YOLOQ_VOC_ROOT")));
}

TEST_F(RequirementsTest, MissingDevkitIsFetchedToWhereItIsLookedFor) {
  ProfileSpec profile = PaperOnRoot();
  const std::string parent = root_.substr(0, root_.rfind('/'));
  EXPECT_THAT(
      CheckRequirements(profile),
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr(root_ + ": there is no such folder"),
                     HasSubstr("\n    run tools/fetch_voc --output_dir=" +
                               parent))));

  profile.mutable_data()->set_voc_root(Usual("voc/VOCdevkit/"));
  EXPECT_THAT(CheckRequirements(profile),
              StatusIs(StatusCode::kNotFound,
                       ::testing::EndsWith("\n    run tools/fetch_voc")));

  // A folder of another name is not what the archives unpack to.
  profile.mutable_data()->set_voc_root("/nonexistent/voc");
  EXPECT_THAT(CheckRequirements(profile),
              StatusIs(StatusCode::kNotFound,
                       HasSubstr("run tools/fetch_voc\n    give --voc_root=" +
                                 Usual("voc/VOCdevkit"))));
}

TEST_F(RequirementsTest, MissingListsAreAllNamedAndTheirCommandOnce) {
  WriteList("VOC2007", "trainval", 5011);
  const absl::Status status = CheckRequirements(PaperOnRoot());
  EXPECT_THAT(
      status,
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr(
                         "data.train_sets: " + ListPath("VOC2012", "trainval") +
                         ": there is no such list\n  data.test_sets: " +
                         ListPath("VOC2007", "test") +
                         ": there is no such list\n    run "),
                     Not(HasSubstr(ListPath("VOC2007", "trainval"))))));
}

TEST_F(RequirementsTest, APartOfTheDataIsRefusedByItsCount) {
  WriteLists(5011, 11540, 510);
  EXPECT_THAT(
      CheckRequirements(PaperOnRoot()),
      StatusIs(StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("data.test_sets: hold 510 images, but the "
                               "profile is about 4952"),
                     HasSubstr("tools/fetch_voc"),
                     HasSubstr("--override='data { expected_test_images: 0 }'"),
                     Not(HasSubstr("train_sets")))));

  // The advice holds.
  ProfileSpec profile = PaperOnRoot();
  YOLOQ_ASSERT_OK(MergeTextProto("data { expected_test_images: 0 }",
                                 "--override", &profile));
  YOLOQ_ASSERT_OK(CheckRequirements(profile));
}

TEST_F(RequirementsTest, MaxTestImagesMakesAPart) {
  WriteLists(5011, 11540, 4952);
  ProfileSpec profile = PaperOnRoot();
  profile.mutable_data()->set_max_test_images(100);
  EXPECT_THAT(
      CheckRequirements(profile),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("hold 100 images")));
}

TEST_F(RequirementsTest, CountsOfIncompleteSetsAreNotJudged) {
  WriteList("VOC2007", "trainval", 5011);
  WriteList("VOC2007", "test", 4951);
  EXPECT_THAT(CheckRequirements(PaperOnRoot()),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("test_sets: hold 4951"),
                             Not(HasSubstr("train_sets: hold")))));
}

TEST_F(RequirementsTest, ExpectedTrainingImages) {
  WriteLists(2000, 1, 4952);
  EXPECT_THAT(
      CheckRequirements(PaperOnRoot()),
      StatusIs(
          StatusCode::kFailedPrecondition,
          AllOf(HasSubstr("data.train_sets: hold 2001 images, but the profile "
                          "is about 16551"),
                HasSubstr("data { expected_train_images: 0 }"))));
}

TEST_F(RequirementsTest, RequiredFieldsAreListedTogetherWithTheData) {
  EXPECT_THAT(
      CheckRequirements(*LoadProfile("nano_voc")),
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr("model.cfg: is required and not given"),
                     HasSubstr("give --cfg=PATH or set YOLOQ_CFG"),
                     HasSubstr("model.weights: is required and not given"),
                     HasSubstr("give --weights=PATH or set YOLOQ_WEIGHTS"),
                     HasSubstr("run tools/fetch_weights"),
                     HasSubstr(Usual("weights")), HasSubstr("data.voc_root"),
                     HasSubstr("tools/fetch_voc"))));
}

TEST_F(RequirementsTest, PretrainedIsFetchedToWhereItIsLookedFor) {
  WriteLists(5011, 11540, 4952);
  ProfileSpec profile = PaperOnRoot();
  profile.mutable_model()->set_pretrained("/data/darknet53.conv.74");
  EXPECT_THAT(
      CheckRequirements(profile),
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr("model.pretrained: /data/darknet53.conv.74: "
                               "there is no such file"),
                     HasSubstr("run tools/fetch_weights --output_dir=/data"))));

  profile.mutable_model()->set_pretrained("/data/backbone.weights");
  EXPECT_THAT(CheckRequirements(profile),
              StatusIs(StatusCode::kNotFound,
                       HasSubstr("run tools/fetch_weights\n    give "
                                 "--pretrained=" +
                                 Usual("weights/darknet53.conv.74"))));

  profile.mutable_model()->clear_pretrained();
  profile.mutable_model()->add_required("pretrained");
  EXPECT_THAT(CheckRequirements(profile),
              StatusIs(StatusCode::kNotFound,
                       HasSubstr("model.pretrained: is required")));
}

TEST_F(RequirementsTest, FilesOfEveryKindAndModelAreListed) {
  ProfileSpec profile = *LoadProfile("quick");
  profile.clear_deployment_model();
  profile.mutable_model()->set_cfg("/nonexistent/a.cfg");
  profile.mutable_model()->set_names("/nonexistent/a.names");
  profile.mutable_deployment_model()->set_weights("/nonexistent/b.weights");
  EXPECT_THAT(
      CheckRequirements(profile),
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr("model.cfg: /nonexistent/a.cfg"),
                     HasSubstr("model.names: /nonexistent/a.names"),
                     HasSubstr("give --names=PATH"),
                     HasSubstr("deployment_model.weights: "
                               "/nonexistent/b.weights"),
                     // No flag gives this one.
                     HasSubstr("--override='deployment_model { weights: "
                               "\"PATH\" }'"))));
}

TEST_F(RequirementsTest, UserCacheFolderIsThatOfTheScripts) {
  EXPECT_EQ(UserCacheFolder(), JoinPath(cache_, "yoloq"));
  ASSERT_EQ(unsetenv("XDG_CACHE_HOME"), 0);
  ASSERT_EQ(setenv("HOME", "/home/someone", 1), 0);
  EXPECT_EQ(UserCacheFolder(), "/home/someone/.cache/yoloq");
  ASSERT_EQ(unsetenv("HOME"), 0);
  EXPECT_EQ(UserCacheFolder(), "/tmp/.cache/yoloq");
}

}  // namespace
}  // namespace yoloq
