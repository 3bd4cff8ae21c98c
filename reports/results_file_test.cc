#include "reports/results_file.h"

#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ResultsFileTest : public ::testing::Test {
 protected:
  ResultsFileTest() : path_(JoinPath(TestFolder(), "a.textproto")) {}

  // That reading a file of such a text is an error, and names the file.
  void ExpectWrong(const std::string& text, const std::string& what) {
    YOLOQ_ASSERT_OK(WriteFileAtomically(path_, text));
    EXPECT_THAT(ReadResults(path_),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(StartsWith(path_), HasSubstr(what))));
  }

  const std::string path_;
};

constexpr char kSensitivity[] = "# proto-message: yoloq.SensitivityResult\n";
constexpr char kAblation[] = "# proto-message: yoloq.AblationResult\n";

TEST_F(ResultsFileTest, WhatWasWrittenIsReadAsTheSameKind) {
  AblationResult ablation;
  ablation.set_schema_version(1);
  ablation.set_map_fp32(0.75);
  YOLOQ_ASSERT_OK(WriteResults(path_, ablation));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path_));
  EXPECT_THAT(text, StartsWith("# proto-file: reports/ablation.proto\n"
                               "# proto-message: yoloq.AblationResult\n"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const AnyResults read, ReadResults(path_));
  ASSERT_TRUE(std::holds_alternative<AblationResult>(read));
  EXPECT_EQ(SerializeDeterministically(std::get<AblationResult>(read)),
            SerializeDeterministically(ablation));
}

TEST_F(ResultsFileTest, WithoutAHeaderItIsRunResults) {
  // A header that is no comment at the beginning is none.
  YOLOQ_ASSERT_OK(
      WriteFileAtomically(path_,
                          "results { schema_version: 1 }\n"
                          "# proto-message: yoloq.AblationResult\n"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const AnyResults read, ReadResults(path_));
  EXPECT_TRUE(std::holds_alternative<RunResults>(read));
}

TEST_F(ResultsFileTest, ReadsTheTestData) {
  for (const char* name :
       {"everything", "nothing", "sensitivity", "ablation"}) {
    YOLOQ_ASSERT_OK(
        ReadResults(absl::StrCat("reports/testdata/", name, ".textproto")));
  }
}

TEST_F(ResultsFileTest, AFileThatIsNotThereIsNamed) {
  EXPECT_THAT(ReadResults(path_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(path_)));
}

TEST_F(ResultsFileTest, OtherMessagesAreErrors) {
  ExpectWrong("# proto-message: yoloq.ProfileSpec\nname: \"a\"\n",
              "\"# proto-message: yoloq.ProfileSpec\": results are a");
  ExpectWrong("results { nonsense: 1 }\n", ":1:");
}

TEST_F(ResultsFileTest, WrongFieldsAreNamed) {
  ExpectWrong("results { schema_version: 1 }\nresults { schema_version: 9 }",
              ": results[1].schema_version is 9; this build reads 1");
  ExpectWrong("results { schema_version: 1 accuracy { map_area: 55.5 } }",
              ": results[0].accuracy.map_area is 55.5, a mAP is from 0 to 1");
  ExpectWrong("results { schema_version: 1 comparisons { } }",
              ": results[0].comparisons[0].other is required");
  ExpectWrong(
      "results { schema_version: 1 calibration_draws { map: nan } }",
      ": results[0].calibration_draws[0].map is nan, a mAP is from 0 to 1");
  ExpectWrong(
      absl::StrCat(kSensitivity, "schema_version: 1 layers { node: \"a\" }"),
      ": layers[0].part is \"\", not BACKBONE, NECK or HEAD");
  ExpectWrong(absl::StrCat(kSensitivity,
                           "schema_version: 1 layers { node: \"a\" part: "
                           "\"NECK\" alone_int8_interval { low: 1 } }"),
              ": layers[0].alone_int8_interval is from 1 to 0: low exceeds "
              "high");
  ExpectWrong(absl::StrCat(kAblation, "schema_version: 1 rows { }"),
              ": rows[0].recipe is required");
  ExpectWrong(kAblation, ": schema_version is 0; this build reads 1");
}

}  // namespace
}  // namespace yoloq
