#include "reports/write_report.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "reports/document.pb.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class WriteReportTest : public ::testing::Test {
 protected:
  WriteReportTest() : files_{JoinPath(TestFolder(), "new/folder"), "name"} {}

  AnyResults Load(const std::string& name) {
    return *ReadResults(absl::StrCat("reports/testdata/", name, ".textproto"));
  }
  std::string Path(const std::string& suffix) const {
    return JoinPath(files_.folder, absl::StrCat(files_.name, suffix));
  }

  const ReportFiles files_;
};

TEST_F(WriteReportTest, RunsOfBothTablesHaveThePageTheValuesAndTheFigure) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string page,
                             WriteReport(Load("everything"), {}, files_));
  EXPECT_THAT(page,
              AllOf(HasSubstr("\n## Table 1\n"), HasSubstr("\n## Table 2\n"),
                    HasSubstr("\n## The paper's conclusions\n"),
                    HasSubstr("](name.svg)\n")));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string written, ReadFile(Path(".md")));
  EXPECT_EQ(written, page);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string json, ReadFile(Path(".json")));
  ReportDocument document;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(json, &document).ok());
  EXPECT_THAT(document.tables(), ElementsAre("table1", "table2"));
  EXPECT_TRUE(PathExists(Path(".svg")));
  EXPECT_TRUE(PathExists(Path(".png")));
}

TEST_F(WriteReportTest, OneTableHasNoFigure) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string page,
                             WriteReport(Load("small_network"), {}, files_));
  EXPECT_THAT(page, Not(HasSubstr("Figure 5")));
  EXPECT_FALSE(PathExists(Path(".svg")));
}

TEST_F(WriteReportTest, TablesThatAreAskedForAreShown) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const std::string page,
      WriteReport(Load("small_network"), {"table2"}, files_));
  EXPECT_THAT(page,
              AllOf(HasSubstr("# Table 2 of"), Not(HasSubstr("## Table 1"))));
  EXPECT_THAT(WriteReport(Load("small_network"), {"table7"}, files_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no table \"table7\"")));
}

TEST_F(WriteReportTest, StudiesHaveTheirOwnPages) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string sensitivity,
                             WriteReport(Load("sensitivity"), {}, files_));
  EXPECT_THAT(sensitivity, HasSubstr("](name.svg)"));
  EXPECT_TRUE(PathExists(Path(".png")));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string ablation,
                             WriteReport(Load("ablation"), {}, files_));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string written, ReadFile(Path(".md")));
  EXPECT_EQ(written, ablation);
}

TEST_F(WriteReportTest, WithoutAFolderNothingIsWrittenOrNamed) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string page,
                             WriteReport(Load("everything"), {}, {"", "name"}));
  EXPECT_THAT(page, Not(HasSubstr("](")));
  EXPECT_FALSE(PathExists("name.md"));
}

TEST_F(WriteReportTest, TheBaselineAloneIsOfTable1) {
  EXPECT_THAT(TablesOf(RunResults()), ElementsAre("table1"));
  const auto results = std::get<RunResults>(Load("partial"));
  EXPECT_THAT(TablesOf(results), ElementsAre("table2"));
}

TEST_F(WriteReportTest, AFolderThatCannotBeMadeIsNamed) {
  const std::string file = JoinPath(TestFolder(), "file");
  YOLOQ_ASSERT_OK(WriteFileAtomically(file, ""));
  const absl::Status status =
      WriteReport(Load("ablation"), {}, {file, "name"}).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(file));
}

}  // namespace
}  // namespace yoloq
