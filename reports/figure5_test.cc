#include "reports/figure5.h"

#include "absl/strings/str_cat.h"
#include "reports/published.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"
#include "tools/golden.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Figure5Test : public ::testing::Test {
 protected:
  Figure5Test() : paper_(*LoadPublished()) {}

  void Load(const std::string& name) {
    RunResults results;
    YOLOQ_ASSERT_OK(ReadTextProto(
        absl::StrCat("reports/testdata/", name, ".textproto"), &results));
    results_.assign(results.results().begin(), results.results().end());
  }

  absl::StatusOr<Figure5> Make() const {
    return MakeFigure5(results_, paper_, parameters_);
  }

  const PublishedPaper paper_;
  const PartParameters parameters_{40584928, 14709760, 6331361};
  std::vector<RunResult> results_;
};

TEST_F(Figure5Test, MarksAreOursBesideThePapers) {
  Load("everything");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Figure5 figure, Make());
  EXPECT_THAT(figure.rows, ElementsAre("Baseline", "INT8 B", "INT8 N", "INT8 H",
                                       "PTQ", "QAT"));
  ASSERT_EQ(figure.panels.size(), 3);
  const FigureMark& map_of_qat = figure.panels[0].marks[5];
  EXPECT_DOUBLE_EQ(*map_of_qat.paper, 69.29);
  EXPECT_FALSE(map_of_qat.paper_derived);
  EXPECT_NEAR(*map_of_qat.ours, 74.9, 1e-9);
  EXPECT_NEAR(map_of_qat.interval->low(), 72.4, 1e-9);
  const FigureMark& latency_of_b = figure.panels[1].marks[1];
  EXPECT_NEAR(*latency_of_b.paper, 9.967, 1e-3);
  EXPECT_TRUE(latency_of_b.paper_derived);
  EXPECT_FALSE(latency_of_b.paper_doubtful);
  EXPECT_NEAR(*latency_of_b.ours, 0.0981, 1e-9);
  const FigureMark& size_of_h = figure.panels[2].marks[3];
  EXPECT_NEAR(*size_of_h.paper, 232.9, 0.1);
  EXPECT_TRUE(size_of_h.paper_doubtful);
  EXPECT_NEAR(*size_of_h.ours, 227.6, 1e-9);
  EXPECT_FALSE(size_of_h.interval.has_value());
}

TEST_F(Figure5Test, ScriptOfAllRowsIsGolden) {
  Load("everything");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Figure5 figure, Make());
  EXPECT_THAT(Figure5Script(figure),
              IsGolden("reports/testdata/figure5_everything.gp"));
}

TEST_F(Figure5Test, ScriptOfRowsThatWereNotRunIsGolden) {
  Load("small_network");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Figure5 figure, Make());
  EXPECT_THAT(Figure5Script(figure),
              IsGolden("reports/testdata/figure5_small_network.gp"));
}

TEST_F(Figure5Test, WhatWasNotRunIsSaidAndNotDrawn) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Figure5 figure, Make());
  const std::string script = Figure5Script(figure);
  EXPECT_THAT(script, AllOf(HasSubstr("'not run'"), HasSubstr("$printed1"),
                            Not(HasSubstr("$ours"))));
}

TEST_F(Figure5Test, AxesAreMarkedWhereTheyMayMislead) {
  Load("everything");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Figure5 figure, Make());
  const std::string script = Figure5Script(figure);
  // All drawn values are from 67.54 (the paper's PTQ) to 77.52 (the interval
  // of our baseline): the multiples of 5 around them.
  EXPECT_THAT(script, AllOf(HasSubstr("'Accuracy: mAP (%), axis starts at 65'"),
                            HasSubstr("set yrange [65:80]\n"),
                            HasSubstr("'Latency (s), logarithmic axis'"),
                            HasSubstr("'Model size (MB)'")));
}

TEST_F(Figure5Test, PicturesAreDrawnEvenWithoutAnyResult) {
  const std::string folder = TestFolder();
  for (const char* name : {"everything", "nothing"}) {
    Load(name);
    const std::string svg = JoinPath(folder, absl::StrCat(name, ".svg"));
    const std::string png = JoinPath(folder, absl::StrCat(name, ".png"));
    YOLOQ_ASSERT_OK(WriteFigure5(results_, paper_, parameters_, svg, png));
    YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(svg));
    EXPECT_THAT(text, HasSubstr("Figure 5: ours beside the paper"));
    EXPECT_TRUE(PathExists(png));
  }
}

TEST_F(Figure5Test, ErrorsAreThoseOfTheComparison) {
  results_.emplace_back();
  results_.back().mutable_experiment()->set_paper_row("table9/x");
  EXPECT_THAT(Make(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("table9/x")));
}

}  // namespace
}  // namespace yoloq
