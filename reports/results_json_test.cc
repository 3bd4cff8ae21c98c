#include "reports/results_json.h"

#include <vector>

#include "google/protobuf/util/json_util.h"
#include "reports/comparison.h"
#include "reports/published.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"
#include "tools/golden.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

class ResultsJsonTest : public ::testing::Test {
 protected:
  void Load(const std::string& name, const std::string& table) {
    RunResults results;
    YOLOQ_ASSERT_OK(ReadTextProto(
        absl::StrCat("reports/testdata/", name, ".textproto"), &results));
    runs_.assign(results.results().begin(), results.results().end());
    paper_ = *LoadPublished();
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        comparison_,
        Compare(table, runs_, paper_, {40584928, 14709760, 6331361}));
  }

  std::vector<RunResult> runs_;
  PublishedPaper paper_;
  Comparison comparison_;
};

const ReportEntry* Find(const ReportDocument& document, absl::string_view row,
                        absl::string_view metric) {
  for (const ReportEntry& entry : document.entries()) {
    if (entry.row() == row && entry.metric() == metric) return &entry;
  }
  return nullptr;
}

TEST_F(ResultsJsonTest, DocumentIsGolden) {
  Load("small_network", "table1");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string json, RenderJson({comparison_}));
  EXPECT_THAT(json, IsGolden("reports/testdata/small_network.json"));
}

TEST_F(ResultsJsonTest, JsonReadsBackAsTheDocument) {
  Load("no_data", "table1");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string json, RenderJson({comparison_}));
  ReportDocument read;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &read).ok());
  EXPECT_EQ(SerializeDeterministically(read),
            SerializeDeterministically(MakeDocument({comparison_})));
}

TEST_F(ResultsJsonTest, WhatWasNotRunHasNoValue) {
  Load("no_data", "table1");
  const ReportDocument document = MakeDocument({comparison_});
  const ReportEntry* map = Find(document, "table1/ptq", "map");
  ASSERT_NE(map, nullptr);
  EXPECT_FALSE(map->has_value());
  EXPECT_EQ(map->verdict(), "NOT RUN");
  EXPECT_EQ(map->reason(), "the profile has no data");
  EXPECT_EQ(map->published().value(), 67.54);
  EXPECT_EQ(Find(document, "table1/ptq", "map_area"), nullptr);
}

TEST_F(ResultsJsonTest, LatenciesSayWhereTheyWereMeasured) {
  Load("no_data", "table1");
  const ReportDocument document = MakeDocument({comparison_});
  const ReportEntry* latency = Find(document, "table1/ptq", "latency");
  ASSERT_NE(latency, nullptr);
  EXPECT_DOUBLE_EQ(latency->value(), 0.0502);
  EXPECT_EQ(latency->unit(), "s");
  EXPECT_EQ(latency->device(), "host");
  EXPECT_EQ(latency->engine(), "onednn");
  EXPECT_EQ(latency->threads(), 2);
  EXPECT_TRUE(latency->valid());
  EXPECT_EQ(latency->verdict(), "NOT COMPARABLE");
}

TEST_F(ResultsJsonTest, UnpublishedValuesHaveNoPublishedPart) {
  Load("partial", "table2");
  const ReportDocument document = MakeDocument({comparison_});
  EXPECT_FALSE(Find(document, "table2/bn", "model_size")->has_published());
  EXPECT_EQ(Find(document, "table2/b", "model_size")->published().origin(),
            "DERIVED");
}

TEST_F(ResultsJsonTest, SeveralTablesAreOneDocument) {
  Load("partial", "table2");
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Comparison table1,
      Compare("table1", runs_, paper_, {40584928, 14709760, 6331361}));
  const ReportDocument document = MakeDocument({table1, comparison_});
  EXPECT_THAT(document.tables(), ::testing::ElementsAre("table1", "table2"));
  EXPECT_NE(Find(document, "table1/ptq", "map"), nullptr);
  EXPECT_NE(Find(document, "table2/h", "map"), nullptr);
  EXPECT_EQ(document.audit_size(), table1.audit.size());
  ASSERT_EQ(document.claims_size(), 2);
  EXPECT_EQ(document.claims(0).id(), "9.qat");
  EXPECT_EQ(document.claims(0).verdict(), "NOT RUN");
  EXPECT_EQ(document.claims(1).id(), "9.head");
}

TEST_F(ResultsJsonTest, TextIsEscaped) {
  Load("no_data", "table1");
  (*runs_[0].mutable_not_run())["accuracy"] = "no \"data\"\n\\";
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      comparison_,
      Compare("table1", runs_, paper_, {40584928, 14709760, 6331361}));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string json, RenderJson({comparison_}));
  EXPECT_THAT(json, HasSubstr(R"("no \"data\"\n\\")"));
}

}  // namespace
}  // namespace yoloq
