#include "reports/table_markdown.h"

#include <vector>

#include "reports/comparison.h"
#include "reports/published.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"
#include "tools/golden.h"

namespace yoloq {
namespace {

struct Case {
  std::string table;
  std::string results;  // of reports/testdata, without its extension
};

class TableMarkdownTest : public ::testing::TestWithParam<Case> {};

TEST_P(TableMarkdownTest, ReportIsGolden) {
  RunResults results;
  YOLOQ_ASSERT_OK(ReadTextProto(
      absl::StrCat("reports/testdata/", GetParam().results, ".textproto"),
      &results));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const PublishedPaper paper, LoadPublished());
  const std::vector<RunResult> runs(results.results().begin(),
                                    results.results().end());
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Comparison comparison,
      Compare(GetParam().table, runs, paper, {40584928, 14709760, 6331361}));
  EXPECT_THAT(
      RenderDocument({comparison}, DocumentOptions()),
      IsGolden(absl::StrCat("reports/testdata/", GetParam().results, ".md")));
}

TEST(DocumentTest, TwoTablesShareWhatTheyHaveInCommon) {
  RunResults results;
  YOLOQ_ASSERT_OK(
      ReadTextProto("reports/testdata/everything.textproto", &results));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const PublishedPaper paper, LoadPublished());
  const std::vector<RunResult> runs(results.results().begin(),
                                    results.results().end());
  std::vector<Comparison> tables;
  for (const char* table : {"table1", "table2"}) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        Comparison comparison,
        Compare(table, runs, paper, {40584928, 14709760, 6331361}));
    tables.push_back(std::move(comparison));
  }
  DocumentOptions options;
  options.figure5 = "figure5.svg";
  EXPECT_THAT(RenderDocument(tables, options),
              IsGolden("reports/testdata/everything.md"));
}

INSTANTIATE_TEST_SUITE_P(Reports, TableMarkdownTest,
                         ::testing::Values(Case{"table1", "no_data"},
                                           Case{"table1", "small_network"},
                                           Case{"table1", "paper_conditions"},
                                           Case{"table2", "partial"},
                                           Case{"table1", "nothing"}),
                         [](const auto& info) { return info.param.results; });

}  // namespace
}  // namespace yoloq
