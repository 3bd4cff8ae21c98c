// The driver as a user runs it: flags, exit codes, files, and the shape of the
// report.
#include <map>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "reports/result.pb.h"
#include "tests/run_program.h"
#include "tests/tiny_run.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"
#include "tools/golden.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kDriver[] = "experiments/yoloq";

// Flags of the profile without pictures (tests/tiny_run.h).
std::string NoiseFlag() {
  const std::string path = JoinPath(TestFolder(), "noise.textproto");
  EXPECT_TRUE(WriteTextProto(path, NoiseProfile()).ok());
  return "--profile=" + path;
}

ProgramOutcome Drive(std::vector<std::string> flags,
                     std::map<std::string, std::string> environment = {}) {
  flags.insert(flags.begin(), kDriver);
  // Neither the user's cache nor the user's data.
  environment.insert({"HOME", TestFolder()});
  return RunProgram(flags, environment);
}

// The section of that title, up to the next one. Measured times become a
// placeholder, and so do the runs of spaces and dashes that fit columns to
// them.
std::string Section(const std::string& report, const std::string& title) {
  const size_t begin = report.find("## " + title + "\n");
  if (begin == std::string::npos) return "";
  std::string text = report.substr(begin, report.find("\n## ", begin) - begin);
  const std::pair<const char*, const char*> rules[] = {
      {R"([0-9.]+ \[[0-9.]+, [0-9.]+\])", "<measured>"},
      {R"( {2,})", " "},
      {R"(-{2,})", "-"},
  };
  for (const auto& [pattern, replacement] : rules) {
    text = std::regex_replace(text, std::regex(pattern), replacement);
  }
  return text;
}

TEST(DriverTest, WritesTheReport) {
  const std::string cache = TestFolder(), output = TestFolder();
  const ProgramOutcome outcome =
      Drive({"--experiments=baseline,ptq", "--report=table1", NoiseFlag(),
             "--cache_dir=" + cache, "--output_dir=" + output});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error, HasSubstr("written to " + output));

  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string report,
                             ReadFile(JoinPath(output, "table1.md")));
  EXPECT_EQ(outcome.standard_output, report);
  EXPECT_THAT(absl::StrCat(Section(report, "What ours was measured on"), "\n",
                           Section(report, "Table 1")),
              IsGolden("tests/testdata/noise_table1.md"));

  RunResults results;
  YOLOQ_ASSERT_OK(
      ReadTextProto(JoinPath(output, "table1.textproto"), &results));
  ASSERT_EQ(results.results_size(), 2);
  EXPECT_EQ(results.results(0).profile().name(), "noise");
  EXPECT_EQ(results.results(1).latency().samples_ns_size(), 2);
  EXPECT_GT(results.results(1).modelled_latency().ms(), 0);
  EXPECT_FALSE(results.results(0).provenance().git_commit().empty());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string json,
                             ReadFile(JoinPath(output, "table1.json")));
  EXPECT_THAT(json, AllOf(HasSubstr("baseline"), HasSubstr("ptq")));
}

TEST(DriverTest, SecondRunSaysTheSameFromTheCache) {
  const std::string cache = TestFolder();
  const std::vector<std::string> flags = {"--experiments=ptq", NoiseFlag(),
                                          "--cache_dir=" + cache};
  const std::string report = JoinPath(cache, "reports/noise/ptq.textproto");
  RunResults first, second;
  ASSERT_EQ(Drive(flags).exit_code, 0);
  YOLOQ_ASSERT_OK(ReadTextProto(report, &first));
  ASSERT_EQ(Drive(flags).exit_code, 0);
  YOLOQ_ASSERT_OK(ReadTextProto(report, &second));
  ASSERT_EQ(second.results_size(), 2);
  for (int i = 0; i < 2; ++i) {
    for (const StageRecord& stage : first.results(i).stages()) {
      EXPECT_FALSE(stage.cached()) << stage.name();
    }
    for (const StageRecord& stage : second.results(i).stages()) {
      EXPECT_TRUE(stage.cached()) << stage.name();
    }
    EXPECT_EQ(first.results(i).latency().SerializeAsString(),
              second.results(i).latency().SerializeAsString());
  }
}

TEST(DriverTest, RerunMakesTheNamedStageAnew) {
  std::vector<std::string> flags = {"--experiments=ptq", NoiseFlag(),
                                    "--cache_dir=" + TestFolder(),
                                    "--output_dir=" + TestFolder()};
  ASSERT_EQ(Drive(flags).exit_code, 0);
  flags.push_back("--rerun=measure");
  ASSERT_EQ(Drive(flags).exit_code, 0);
  RunResults results;
  const std::string output =
      flags[3].substr(std::string("--output_dir=").size());
  YOLOQ_ASSERT_OK(ReadTextProto(JoinPath(output, "ptq.textproto"), &results));
  for (const RunResult& result : results.results()) {
    for (const StageRecord& stage : result.stages()) {
      EXPECT_EQ(stage.cached(), stage.name() != "measure") << stage.name();
    }
  }
}

TEST(DriverTest, NanoVocTakesDataAndWeightsFromFlagsOrEnvironment) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec tiny,
                             MakeTinyProfile(TestFolder(), 3, 2));
  const std::string slim =
      "--override=data { train_sets: 'VOC2007/train' } "
      "latency { min_runs: 2 min_seconds: 0 warmup_runs: 0 threads: 1 } "
      "evaluation { score_threshold: 0.2 bootstrap_resamples: 10 }";
  const std::string cache = TestFolder();
  const ProgramOutcome by_flags = Drive(
      {"--experiments=ptq", "--profile=nano_voc", slim, "--cache_dir=" + cache,
       "--voc_root=" + tiny.data().voc_root(), "--cfg=" + tiny.model().cfg(),
       "--weights=" + tiny.model().weights()});
  ASSERT_EQ(by_flags.exit_code, 0) << by_flags.standard_error;
  RunResults results;
  YOLOQ_ASSERT_OK(ReadTextProto(
      JoinPath(cache, "reports/nano_voc/ptq.textproto"), &results));
  EXPECT_EQ(Row(results, "ptq").accuracy().images(), 2);
  EXPECT_EQ(Row(results, "ptq").calibration_ids_size(), 3);

  const ProgramOutcome by_environment =
      Drive({"--experiments=ptq", "--profile=nano_voc", slim},
            {{"XDG_CACHE_HOME", TestFolder()},
             {"YOLOQ_VOC_ROOT", tiny.data().voc_root()},
             {"YOLOQ_CFG", tiny.model().cfg()},
             {"YOLOQ_WEIGHTS", tiny.model().weights()}});
  ASSERT_EQ(by_environment.exit_code, 0) << by_environment.standard_error;
}

TEST(DriverTest, ProfileAndExperimentFromFiles) {
  const std::string folder = TestFolder();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec tiny,
                             MakeTinyProfile(folder, 3, 2));
  YOLOQ_ASSERT_OK(WriteTextProto(JoinPath(folder, "tiny.textproto"), tiny));
  YOLOQ_ASSERT_OK(WriteFileAtomically(
      JoinPath(folder, "mine.textproto"),
      "name: 'mine' method: 'PTQ' kind: PTQ backbone: INT8 neck: FP32 head: "
      "INT8"));
  // Relative paths are the user's, not those of `bazel run`.
  const ProgramOutcome outcome =
      Drive({"--experiments=mine.textproto", "--profile=tiny.textproto",
             "--output_dir=out", "--cache_dir=cache"},
            {{"BUILD_WORKING_DIRECTORY", folder}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_TRUE(PathExists(JoinPath(folder, "out/mine.md")));
  EXPECT_TRUE(PathExists(JoinPath(folder, "out/mine.json")));
  EXPECT_TRUE(PathExists(JoinPath(folder, "cache/stages/export")));
}

// --- Errors: one line to standard error, nothing to standard output.

void ExpectError(const ProgramOutcome& outcome, const std::string& text) {
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.standard_output, "");
  EXPECT_THAT(outcome.standard_error,
              AllOf(HasSubstr("error: "), HasSubstr(text)));
}

TEST(DriverErrorsTest, NoExperimentListsThem) {
  ExpectError(Drive({}), "--experiments is required; there are baseline");
}

TEST(DriverErrorsTest, UnknownExperimentListsTheKnown) {
  const ProgramOutcome outcome = Drive({"--experiments=pqt"});
  ExpectError(outcome, "no experiment is called \"pqt\"");
  EXPECT_THAT(outcome.standard_error, HasSubstr("ptq"));
}

TEST(DriverErrorsTest, UnknownProfileListsTheKnown) {
  const ProgramOutcome outcome = Drive({"--experiments=ptq", "--profile=slow"});
  ExpectError(outcome, "no profile is called \"slow\"");
  EXPECT_THAT(outcome.standard_error,
              AllOf(HasSubstr("nano_voc"), HasSubstr("paper")));
}

TEST(DriverErrorsTest, OverrideWithAnUnknownFieldNamesIt) {
  ExpectError(Drive({"--experiments=ptq", "--override=model { depth: 3 }"}),
              "--override:1:");
}

TEST(DriverErrorsTest, OverrideOutOfRangeNamesTheFieldOfTheDefaultProfile) {
  ExpectError(
      Drive({"--experiments=ptq", "--override=model { input_size: 100 }"}),
      "profile quick: field model.input_size");
}

TEST(DriverErrorsTest, MissingDataAndFilesAreListedAtOnce) {
  const ProgramOutcome outcome =
      Drive({"--experiments=ptq", "--profile=nano_voc"});
  ExpectError(outcome, "profile nano_voc cannot start; what is missing:");
  EXPECT_THAT(
      outcome.standard_error,
      AllOf(HasSubstr("give --cfg=PATH or set YOLOQ_CFG"),
            HasSubstr("give --weights=PATH or set YOLOQ_WEIGHTS"),
            HasSubstr("run tools/fetch_voc"), HasSubstr("give --voc_root=")));
}

TEST(DriverErrorsTest, PaperWithoutAnythingNamesTheCommand) {
  const std::string cache = TestFolder();
  const ProgramOutcome outcome =
      Drive({"--experiments=baseline,ptq,qat", "--profile=paper"},
            {{"XDG_CACHE_HOME", cache}});
  ExpectError(outcome, "profile paper cannot start; what is missing:");
  EXPECT_THAT(
      outcome.standard_error,
      AllOf(HasSubstr("data.voc_root"),
            HasSubstr("VOC2007/trainval, VOC2012/trainval, VOC2007/test"),
            HasSubstr("run tools/fetch_voc"),
            HasSubstr("give --voc_root=" + cache +
                      "/yoloq/voc/VOCdevkit or set YOLOQ_VOC_ROOT"),
            // It can be trained.
            Not(HasSubstr("weights"))));
  EXPECT_FALSE(PathExists(JoinPath(cache, "yoloq/stages")));
}

TEST(DriverErrorsTest, PaperOnAPartOfVocIsRefused) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec tiny,
                             MakeTinyProfile(TestFolder(), 3, 2));
  const ProgramOutcome outcome =
      Drive({"--experiments=ptq", "--profile=paper",
             "--override=data { train_sets: 'VOC2007/train' }"},
            {{"YOLOQ_VOC_ROOT", tiny.data().voc_root()},
             {"YOLOQ_PRETRAINED", "/nonexistent/darknet53.conv.74"}});
  ExpectError(outcome,
              "data.train_sets: hold 3 images, but the profile is "
              "about 16551");
  EXPECT_THAT(outcome.standard_error,
              AllOf(HasSubstr("data.test_sets: hold 2 images, but the profile "
                              "is about 4952"),
                    HasSubstr("model.pretrained: "
                              "/nonexistent/darknet53.conv.74"),
                    HasSubstr("run tools/fetch_weights")));
}

TEST(DriverErrorsTest, PretrainedOfTheEnvironmentIsForProfilesThatNameIt) {
  const ProgramOutcome outcome =
      Drive({"--experiments=baseline", NoiseFlag()},
            {{"YOLOQ_PRETRAINED", "/nonexistent/darknet53.conv.74"}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  ExpectError(Drive({"--experiments=baseline", NoiseFlag(),
                     "--pretrained=/nonexistent/darknet53.conv.74"}),
              "model.pretrained: /nonexistent/darknet53.conv.74");
}

TEST(DriverErrorsTest, MissingFilesAreNamed) {
  ExpectError(Drive({"--experiments=ptq", "--profile=nano_voc",
                     "--voc_root=/nonexistent/voc", "--cfg=/nonexistent/a.cfg",
                     "--weights=/nonexistent/a.weights"}),
              "/nonexistent/a.cfg");
}

TEST(DriverErrorsTest, UnknownEngineListsTheKnown) {
  ExpectError(Drive({"--experiments=ptq", NoiseFlag(), "--engine=abacus",
                     "--cache_dir=" + TestFolder()}),
              "abacus");
}

TEST(DriverErrorsTest, CacheThatCannotBeWritten) {
  const std::string file = JoinPath(TestFolder(), "file");
  YOLOQ_ASSERT_OK(WriteFileAtomically(file, "no folder"));
  ExpectError(Drive({"--experiments=ptq", NoiseFlag(), "--cache_dir=" + file}),
              file);
}

TEST(DriverErrorsTest, UnknownFlagIsAUsageError) {
  const ProgramOutcome outcome = Drive({"--experiments=ptq", "--speed=fast"});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.standard_error, HasSubstr("speed"));
}

TEST(DriverErrorsTest, StrayArgumentIsAUsageError) {
  const ProgramOutcome outcome = Drive({"ptq"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.standard_error, HasSubstr("unexpected argument ptq"));
}

TEST(DriverErrorsTest, HelpListsTheFlags) {
  const ProgramOutcome outcome = Drive({"--help"});
  EXPECT_THAT(outcome.standard_output,
              AllOf(HasSubstr("--profile"), HasSubstr("--override"),
                    HasSubstr("--voc_root"), Not(HasSubstr("error"))));
}

}  // namespace
}  // namespace yoloq
