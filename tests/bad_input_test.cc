// What a run says of bad input: each error names the file, whatever stage meets
// it.
#include <filesystem>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tiny_run.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

class BadInputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    YOLOQ_ASSERT_OK_AND_ASSIGN(profile_, MakeTinyProfile(TestFolder(), 2, 2));
  }

  absl::Status RunPtq() {
    return RunByName({"ptq"}, profile_, OptionsFor(TestFolder())).status();
  }

  std::string VocFile(absl::string_view path) const {
    return JoinPath(profile_.data().voc_root(), absl::StrCat("VOC2007/", path));
  }

  // Replaces the file by what `edit` makes of it.
  static void Edit(const std::string& path,
                   const std::function<std::string(const std::string&)>& edit) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string contents, ReadFile(path));
    YOLOQ_ASSERT_OK(WriteFileAtomically(path, edit(contents)));
  }

  static std::function<std::string(const std::string&)> FirstHalf() {
    return [](const std::string& contents) {
      return contents.substr(0, contents.size() / 2);
    };
  }

  ProfileSpec profile_;
};

TEST_F(BadInputTest, MissingVocRoot) {
  profile_.mutable_data()->set_voc_root("/nonexistent/VOCdevkit");
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kNotFound,
                                 HasSubstr("/nonexistent/VOCdevkit")));
}

TEST_F(BadInputTest, MissingImageSet) {
  profile_.mutable_data()->set_test_sets(0, "VOC2007/nothing");
  EXPECT_THAT(RunPtq(),
              StatusIs(StatusCode::kNotFound,
                       HasSubstr(VocFile("ImageSets/Main/nothing.txt"))));
}

TEST_F(BadInputTest, EmptyImageList) {
  const std::string list = VocFile("ImageSets/Main/train.txt");
  YOLOQ_ASSERT_OK(WriteFileAtomically(list, ""));
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kInvalidArgument,
                                 AllOf(HasSubstr(list), HasSubstr("empty"))));
}

TEST_F(BadInputTest, TruncatedJpegInTheTestSet) {
  const std::string jpeg = VocFile("JPEGImages/000003.jpg");
  Edit(jpeg, FirstHalf());
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kDataLoss, HasSubstr(jpeg)));
}

TEST_F(BadInputTest, UndecodableJpegInTheCalibrationSet) {
  const std::string jpeg = VocFile("JPEGImages/000001.jpg");
  YOLOQ_ASSERT_OK(WriteFileAtomically(jpeg, "no picture"));
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kDataLoss, HasSubstr(jpeg)));
}

TEST_F(BadInputTest, MissingJpeg) {
  const std::string jpeg = VocFile("JPEGImages/000004.jpg");
  std::filesystem::remove(jpeg);
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kNotFound, HasSubstr(jpeg)));
}

TEST_F(BadInputTest, AnnotationWithoutABox) {
  const std::string xml = VocFile("Annotations/000003.xml");
  Edit(xml, [](const std::string& contents) {
    return absl::StrReplaceAll(contents, {{"bndbox", "outline"}});
  });
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kInvalidArgument,
                                 AllOf(HasSubstr(xml), HasSubstr("bndbox"))));
}

TEST_F(BadInputTest, BoxOutsideTheImage) {
  const std::string xml = VocFile("Annotations/000004.xml");
  Edit(xml, [](const std::string& contents) {
    return absl::StrReplaceAll(contents,
                               {{"<xmax>", "<xmax>9"}, {"<ymax>", "<ymax>9"}});
  });
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kInvalidArgument, HasSubstr(xml)));
}

TEST_F(BadInputTest, TruncatedWeights) {
  Edit(profile_.model().weights(), FirstHalf());
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kDataLoss,
                                 HasSubstr(profile_.model().weights())));
}

TEST_F(BadInputTest, OversizedWeights) {
  Edit(profile_.model().weights(),
       [](const std::string& contents) { return contents + "more"; });
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kDataLoss,
                                 HasSubstr(profile_.model().weights())));
}

TEST_F(BadInputTest, WeightsThatAreNotThoseOfTheProfile) {
  profile_.mutable_model()->set_weights_sha256(std::string(64, '0'));
  EXPECT_THAT(RunPtq(), StatusIs(StatusCode::kDataLoss,
                                 HasSubstr(profile_.model().weights())));
}

TEST_F(BadInputTest, CfgWithAMissingLayer) {
  // The first [route] of YOLOv3 reads the fourth layer before it.
  Edit(profile_.model().cfg(), [](const std::string& contents) {
    const size_t begin = contents.find("layers");
    return absl::StrCat(contents.substr(0, begin), "layers=900",
                        contents.substr(contents.find('\n', begin)));
  });
  EXPECT_THAT(RunPtq(),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(profile_.model().cfg()),
                             HasSubstr("[route]"), HasSubstr("900"))));
}

TEST_F(BadInputTest, UnknownSchemeNamesTheKnownOnes) {
  profile_.mutable_quantization()->set_scheme("int4");
  EXPECT_THAT(RunPtq(),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("int4"), HasSubstr("per_channel"))));
}

TEST_F(BadInputTest, UnknownEngineNamesTheKnownOnes) {
  EXPECT_THAT(RunByName({"ptq"}, profile_, OptionsFor(TestFolder(), "abacus")),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("abacus"), HasSubstr("onednn"))));
}

TEST_F(BadInputTest, Int8OnTorchIsRefused) {
  EXPECT_THAT(RunByName({"ptq"}, profile_, OptionsFor(TestFolder(), "torch")),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("engine torch runs FP32 models only")));
}

// --- Damage to the cache between two runs.

class DamagedCacheTest : public BadInputTest {
 protected:
  void SetUp() override {
    BadInputTest::SetUp();
    cache_ = TestFolder();
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        const RunResults results,
        RunByName({"ptq"}, profile_, OptionsFor(cache_)));
    result_ = Row(results, "ptq");
  }

  std::string Entry(absl::string_view stage) const {
    return JoinPath(
        cache_, absl::StrCat("stages/", stage, "/", StageKey(result_, stage)));
  }

  absl::Status RunAgain() {
    return RunByName({"ptq"}, profile_, OptionsFor(cache_)).status();
  }

  std::string cache_;
  RunResult result_;
};

TEST_F(DamagedCacheTest, TruncatedOutputNamesTheEntry) {
  const std::string entry = Entry("calibrate");
  Edit(JoinPath(entry, "calibration.binpb"), FirstHalf());
  EXPECT_THAT(RunAgain(),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(entry), HasSubstr("calibration.binpb"),
                             HasSubstr("remove this folder"))));
  // What the message says to do helps.
  std::filesystem::remove_all(entry);
  YOLOQ_ASSERT_OK(RunAgain());
}

TEST_F(DamagedCacheTest, AlteredModelNamesTheEntry) {
  const std::string entry = Entry("export");
  Edit(JoinPath(entry, "model.yoloq"), [](std::string contents) {
    contents.back() ^= 1;
    return contents;
  });
  EXPECT_THAT(RunAgain(),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(entry), HasSubstr("model.yoloq"))));
}

TEST_F(DamagedCacheTest, AlteredModelledLatencyNamesTheEntry) {
  const std::string entry = Entry("model_latency");
  Edit(JoinPath(entry, "modelled_latency.textproto"), FirstHalf());
  EXPECT_THAT(RunAgain(),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(entry), HasSubstr("modelled_latency"))));
}

TEST_F(DamagedCacheTest, MissingManifestNamesTheEntry) {
  const std::string entry = Entry("evaluate");
  std::filesystem::remove(JoinPath(entry, "MANIFEST.textproto"));
  EXPECT_THAT(RunAgain(), StatusIs(StatusCode::kDataLoss, HasSubstr(entry)));
}

}  // namespace
}  // namespace yoloq
