// Whole runs on synthetic pictures: what is cached, what is shared, what a seed
// decides, and how an interrupted run goes on.
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hw/runtime/engines.h"
#include "tests/tiny_run.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::vector<std::string>& Table1Rows() {
  static const auto* const rows =
      new std::vector<std::string>{"baseline", "ptq"};
  return *rows;
}

std::set<std::string> Names(const RunResult& result, bool cached) {
  std::set<std::string> names;
  for (const StageRecord& stage : result.stages()) {
    if (stage.cached() == cached) names.insert(stage.name());
  }
  return names;
}

// Detections of all rows, simulated ones included, and the models' digests.
std::vector<std::string> Digests(const RunResults& results) {
  std::vector<std::string> digests;
  for (const RunResult& result : results.results()) {
    digests.push_back(result.accuracy().detections_sha256());
    digests.push_back(result.fake_quant_accuracy().detections_sha256());
    digests.push_back(result.model_size().file_sha256());
  }
  return digests;
}

TEST(RunExperimentsTest, OptionsOfTheNativeEngineAreHonoured) {
  const std::string cache = TestFolder();
  YOLOQ_ASSERT_OK_AND_ASSIGN(ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 5, 4));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults first,
      RunByName({"baseline"}, profile, OptionsFor(cache)));
  profile.mutable_native()->set_no_fp32_winograd(true);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults second,
      RunByName({"baseline"}, profile, OptionsFor(cache)));
  const RunResult winograd = Row(first, "baseline");
  const RunResult direct = Row(second, "baseline");
  // The same file, run and timed anew.
  EXPECT_EQ(winograd.model_size().file_sha256(),
            direct.model_size().file_sha256());
  const std::set<std::string> anew = Names(direct, /*cached=*/false);
  EXPECT_EQ(anew.count("evaluate"), 1);
  EXPECT_EQ(anew.count("measure"), 1);
  EXPECT_EQ(anew.count("model_latency"), 1);
  EXPECT_EQ(anew.count("export"), 0);
  EXPECT_TRUE(direct.profile().native().no_fp32_winograd());
  EXPECT_GT(direct.modelled_latency().ms(), 0);
  // Another engine has no such options.
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults reference,
      RunByName({"baseline"}, profile, OptionsFor(cache, "xnnpack")));
  profile.clear_native();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults again,
      RunByName({"baseline"}, profile, OptionsFor(cache, "xnnpack")));
  EXPECT_EQ(StageKey(Row(reference, "baseline"), "measure"),
            StageKey(Row(again, "baseline"), "measure"));
}

TEST(RunExperimentsTest, MeasuresEverythingOfEachRow) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 5, 4));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults results,
      RunByName(Table1Rows(), profile, OptionsFor(TestFolder())));
  ASSERT_EQ(results.results_size(), 2);
  const RunResult fp32 = Row(results, "baseline");
  const RunResult int8 = Row(results, "ptq");
  for (const RunResult& result : {fp32, int8}) {
    EXPECT_EQ(result.accuracy().images(), 4);
    EXPECT_EQ(result.accuracy().engine(), "native");
    EXPECT_THAT(result.accuracy().detections_sha256(), SizeIs(64));
    EXPECT_THAT(result.accuracy().classes(), SizeIs(20));
    EXPECT_EQ(result.accuracy().model().input_size(), 64);
    EXPECT_THAT(result.latency().samples_ns(), SizeIs(2));
    EXPECT_TRUE(result.latency().valid());
    EXPECT_TRUE(result.not_run().empty());
    EXPECT_EQ(
        result.provenance().input_digests().count(profile.model().weights()),
        1);
  }
  EXPECT_FALSE(fp32.has_fake_quant_accuracy());
  EXPECT_EQ(int8.fake_quant_accuracy().images(), 4);
  EXPECT_THAT(fp32.calibration_ids(), SizeIs(0));
  EXPECT_THAT(int8.calibration_ids(), SizeIs(5));
  // Four bytes a weight against one, and what both have beside the weights.
  EXPECT_GT(fp32.model_size().weight_bytes(),
            3 * int8.model_size().weight_bytes());
  EXPECT_EQ(Names(int8, /*cached=*/false),
            (std::set<std::string>{"calibrate", "evaluate", "export", "measure",
                                   "model_latency", "score", "simulate"}));
}

TEST(RunExperimentsTest, SecondRunTakesEveryStageFromTheCache) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 5, 4));
  const RunnerOptions options = OptionsFor(TestFolder());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults first,
                             RunByName(Table1Rows(), profile, options));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults second,
                             RunByName(Table1Rows(), profile, options));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Names(first.results(i), /*cached=*/true),
              std::set<std::string>());
    EXPECT_EQ(Names(second.results(i), /*cached=*/false),
              std::set<std::string>());
    EXPECT_EQ(first.results(i).latency().SerializeAsString(),
              second.results(i).latency().SerializeAsString());
    EXPECT_GT(first.results(i).modelled_latency().ms(), 0);
    EXPECT_EQ(first.results(i).modelled_latency().SerializeAsString(),
              second.results(i).modelled_latency().SerializeAsString());
  }
  EXPECT_EQ(Digests(first), Digests(second));
}

TEST(RunExperimentsTest, SameSpecAndSeedGiveTheSameDetectionsElsewhere) {
  // Two copies of the data, two caches: nothing but the spec is shared.
  std::vector<RunResults> runs;
  for (int i = 0; i < 2; ++i) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
                               MakeTinyProfile(TestFolder(), 5, 4));
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        RunResults results,
        RunByName(Table1Rows(), profile, OptionsFor(TestFolder())));
    runs.push_back(std::move(results));
  }
  EXPECT_EQ(Digests(runs[0]), Digests(runs[1]));
  EXPECT_NE(Row(runs[0], "baseline").accuracy().detections_sha256(),
            Row(runs[0], "ptq").accuracy().detections_sha256());
}

TEST(RunExperimentsTest, TheSeedDecidesWhichImagesCalibrate) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 16, 2));
  profile.mutable_quantization()->set_calibration_images(4);
  const RunnerOptions options = OptionsFor(TestFolder());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults one,
                             RunByName({"ptq"}, profile, options));
  profile.mutable_quantization()->set_calibration_seed(2);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults two,
                             RunByName({"ptq"}, profile, options));
  const auto ids = [](const RunResults& results) {
    const RunResult row = Row(results, "ptq");
    return std::vector<std::string>(row.calibration_ids().begin(),
                                    row.calibration_ids().end());
  };
  EXPECT_THAT(ids(one), SizeIs(4));
  EXPECT_THAT(ids(two), SizeIs(4));
  EXPECT_NE(ids(one), ids(two));
  EXPECT_NE(Row(one, "ptq").model_size().file_sha256(),
            Row(two, "ptq").model_size().file_sha256());
  // The FP32 network knows no calibration.
  EXPECT_EQ(Names(Row(two, "baseline"), /*cached=*/false),
            std::set<std::string>());
}

TEST(RunExperimentsTest, PartialConfigurationsShareOneCalibration) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 5, 3));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const RunResults results,
      RunByName({"partial_b", "partial_n", "partial_h", "partial_bn",
                 "partial_bh", "partial_nh", "ptq"},
                profile, OptionsFor(TestFolder())));
  ASSERT_EQ(results.results_size(), 8);
  std::set<std::string> calibrations, models;
  for (const RunResult& result : results.results()) {
    models.insert(result.model_size().file_sha256());
    EXPECT_EQ(result.accuracy().images(), 3);
    const std::string key = StageKey(result, "calibrate");
    if (!key.empty()) calibrations.insert(key);
  }
  EXPECT_THAT(calibrations, SizeIs(1));
  EXPECT_THAT(models, SizeIs(8));
  // Weights that turn from four bytes into one: the more parts, the smaller.
  const auto bytes = [&](absl::string_view row) {
    return Row(results, row).model_size().weight_bytes();
  };
  EXPECT_LT(bytes("ptq"), bytes("partial_bn"));
  EXPECT_LT(bytes("partial_bn"), bytes("partial_b"));
  EXPECT_LT(bytes("partial_b"), bytes("baseline"));
  EXPECT_EQ(bytes("baseline") - bytes("ptq"),
            (bytes("baseline") - bytes("partial_b")) +
                (bytes("baseline") - bytes("partial_n")) +
                (bytes("baseline") - bytes("partial_h")));
}

TEST(RunExperimentsTest, IntegersDoNotDependOnTheEngine) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 5, 4));
  for (const char* scheme : {"per_channel", "qnnpack"}) {
    profile.mutable_quantization()->set_scheme(scheme);
    const std::string cache = TestFolder();
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        const RunResults slow,
        RunByName({"ptq"}, profile, OptionsFor(cache, "reference")));
    EXPECT_EQ(Row(slow, "ptq").accuracy().engine(), "reference");
    for (const char* engine : {"native", "onednn"}) {
      if (!CheckInt8(engine).ok()) {
        std::printf("skipped: %s\n", CheckInt8(engine).ToString().c_str());
        continue;
      }
      YOLOQ_ASSERT_OK_AND_ASSIGN(
          const RunResults fast,
          RunByName({"ptq"}, profile, OptionsFor(cache, engine)));
      EXPECT_EQ(Row(fast, "ptq").accuracy().detections_sha256(),
                Row(slow, "ptq").accuracy().detections_sha256())
          << scheme << ", " << engine;
      EXPECT_NE(StageKey(Row(fast, "ptq"), "evaluate"),
                StageKey(Row(slow, "ptq"), "evaluate"));
    }
  }
}

// --- Interrupted runs.

// Makes files unreadable as JPEG in a way that the cache of digests does not
// see (equal size and time, as a bad disk would): the stage's key stays, and
// only a stage that reads the picture anew fails.
class Damage {
 public:
  explicit Damage(std::string path)
      : path_(std::move(path)),
        contents_(*ReadFile(path_)),
        changed_(std::filesystem::last_write_time(path_)) {
    Write(std::string(contents_.size(), 'x'));
  }
  ~Damage() { Write(contents_); }
  Damage(const Damage&) = delete;
  Damage& operator=(const Damage&) = delete;

 private:
  void Write(const std::string& contents) {
    EXPECT_TRUE(WriteFileAtomically(path_, contents).ok());
    std::filesystem::last_write_time(path_, changed_);
  }

  const std::string path_;
  const std::string contents_;
  const std::filesystem::file_time_type changed_;
};

// "VOC2007/000001" -> the picture's path.
std::string JpegPath(const ProfileSpec& profile, const std::string& id) {
  const size_t slash = id.find('/');
  return JoinPath(profile.data().voc_root(),
                  absl::StrCat(id.substr(0, slash), "/JPEGImages/",
                               id.substr(slash + 1), ".jpg"));
}

void RemoveStages(const std::string& cache,
                  const std::vector<std::string>& stages) {
  for (const std::string& stage : stages) {
    std::filesystem::remove_all(JoinPath(cache, "stages/" + stage));
  }
}

// More images than one checkpoint (calibration) or shard (evaluation) holds.
constexpr int kManyImages = 260;

TEST(InterruptedRunTest, CalibrationGoesOnFromItsCheckpoint) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), kManyImages, 2));
  const RunnerOptions options = OptionsFor(TestFolder());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults whole,
                             RunByName({"ptq"}, profile, options));
  const RunResult expected = Row(whole, "ptq");
  ASSERT_EQ(expected.calibration_ids_size(), kManyImages);
  const std::string first = JpegPath(profile, expected.calibration_ids(0));
  const std::string last =
      JpegPath(profile, expected.calibration_ids(kManyImages - 1));

  RemoveStages(options.cache_folder, {"calibrate", "export"});
  {
    const Damage damage(last);
    EXPECT_THAT(RunByName({"ptq"}, profile, options),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(last)));
  }
  // A first picture that cannot be read shows that it is not read again.
  const Damage damage(first);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults resumed,
                             RunByName({"ptq"}, profile, options));
  EXPECT_EQ(Digests(resumed), Digests(whole));
}

TEST(InterruptedRunTest, EvaluationGoesOnFromItsLastShard) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
                             MakeTinyProfile(TestFolder(), 2, kManyImages));
  const RunnerOptions options = OptionsFor(TestFolder());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults whole,
                             RunByName({"baseline"}, profile, options));
  // Numbered from 1, training images first.
  const std::string first = JpegPath(profile, "VOC2007/000003");
  const std::string last = JpegPath(profile, "VOC2007/000262");

  RemoveStages(options.cache_folder, {"evaluate"});
  {
    const Damage damage(last);
    EXPECT_THAT(RunByName({"baseline"}, profile, options),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(last)));
  }
  const Damage damage(first);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults resumed,
                             RunByName({"baseline"}, profile, options));
  EXPECT_EQ(Digests(resumed), Digests(whole));
}

}  // namespace
}  // namespace yoloq
