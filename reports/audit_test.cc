#include "reports/audit.h"

#include "reports/published.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Status = AuditFinding::Status;

// YOLOv3 with 20 classes, counted by hand from its layer table.
constexpr PartParameters kYolov3{40584928, 14709760, 6331361};

PublishedPaper Paper() {
  absl::StatusOr<PublishedPaper> paper = LoadPublished();
  EXPECT_TRUE(paper.ok()) << paper.status();
  return *paper;
}

// The finding whose subject begins so.
AuditFinding Find(const std::vector<AuditFinding>& findings,
                  const std::string& subject) {
  for (const AuditFinding& finding : findings) {
    if (finding.subject.rfind(subject, 0) == 0) return finding;
  }
  ADD_FAILURE() << "no finding about " << subject;
  return {};
}

AuditFinding Find(const std::string& subject) {
  return Find(AuditPaper(Paper(), kYolov3), subject);
}

TEST(AuditTest, TheTestsNetworkIsThePapers) {
  EXPECT_EQ(kYolov3.total(), 61626049);
}

TEST(AuditTest, Claim1Holds) {
  const AuditFinding finding = Find("Claim 1 ");
  EXPECT_EQ(finding.status, Status::kHolds);
  EXPECT_EQ(finding.detail,
            "(241.09 - 60.84) / 241.09 = 74.76 %, the paper says 74.8 %");
}

TEST(AuditTest, Claim2DoesNotHold) {
  const AuditFinding finding = Find("Claim 2 ");
  EXPECT_EQ(finding.status, Status::kInconsistent);
  EXPECT_EQ(finding.detail,
            "(12.49 - 6.51) / 12.49 = 47.88 %, the paper says 48.4 %");
  EXPECT_THAT(finding.claims, ElementsAre("2"));
}

TEST(AuditTest, Claims3To5Hold) {
  EXPECT_EQ(Find("Claim 3 ").status, Status::kHolds);
  EXPECT_THAT(Find("Claim 3 ").detail, HasSubstr("= 2.582 %"));
  EXPECT_EQ(Find("Claim 4 ").status, Status::kHolds);
  EXPECT_THAT(Find("Claim 4 ").detail, HasSubstr("= 0.058 %"));
  EXPECT_EQ(Find("Claim 5.size ").status, Status::kHolds);
  EXPECT_EQ(Find("Claim 5.latency ").status, Status::kHolds);
}

TEST(AuditTest, FpsIsTheReciprocalOfTheLatency) {
  EXPECT_EQ(Find("FPS = 1 / latency, Baseline").status, Status::kHolds);
  EXPECT_EQ(Find("FPS = 1 / latency, PTQ").detail,
            "1 / 6.51 = 0.154, the paper says 0.15");
  EXPECT_EQ(Find("FPS = 1 / latency, QAT").status, Status::kHolds);
}

TEST(AuditTest, WrongFpsIsFound) {
  PublishedPaper paper = Paper();
  paper.mutable_rows(0)->mutable_values(3)->set_value(0.09);
  EXPECT_EQ(Find(AuditPaper(paper, kYolov3), "FPS = 1 / latency, Bas").status,
            Status::kInconsistent);
}

TEST(AuditTest, RoundingOfTheCellsIsAllowedFor) {
  // 12.49 -> 6.51 can be anything in [47.82, 47.94] %.
  PublishedPaper paper = Paper();
  for (PublishedClaim& claim : *paper.mutable_claims()) {
    if (claim.id() == "2") claim.set_value(47.9);
  }
  EXPECT_EQ(Find(AuditPaper(paper, kYolov3), "Claim 2 ").status,
            Status::kHolds);
}

TEST(AuditTest, BackboneAndNeckFitTheirParameters) {
  EXPECT_EQ(Find("Claim 6.size ").status, Status::kHolds);
  EXPECT_THAT(Find("Claim 6.size ").detail, HasSubstr("save 49.4 %"));
  EXPECT_EQ(Find("Claim 7.size ").status, Status::kHolds);
  EXPECT_THAT(Find("Claim 7.size ").detail, HasSubstr("save 17.9 %"));
}

TEST(AuditTest, HeadsNumbersLookSwapped) {
  const AuditFinding finding = Find("Claim 8.size ");
  EXPECT_EQ(finding.status, Status::kInconsistent);
  EXPECT_THAT(finding.detail, HasSubstr("save 7.7 %, the paper says 3.4 %"));
  EXPECT_THAT(finding.detail,
              HasSubstr("the 7.9 % of claim 8.latency would fit: "
                        "the two numbers look swapped"));
  EXPECT_THAT(finding.claims, ElementsAre("8.size", "8.latency"));
  EXPECT_EQ(Find("Claim 8.latency ").status, Status::kInconsistent);
  EXPECT_EQ(Find("Claim 8.latency ").detail,
            "in doubt with another claim: " + finding.detail);
}

TEST(AuditTest, HeadsNumbersHoldWhenSwappedBack) {
  PublishedPaper paper = Paper();
  for (PublishedClaim& claim : *paper.mutable_claims()) {
    if (claim.id() == "8.size") claim.set_value(7.9);
    if (claim.id() == "8.latency") claim.set_value(3.4);
  }
  EXPECT_EQ(Find(AuditPaper(paper, kYolov3), "Claim 8.size ").status,
            Status::kHolds);
}

TEST(AuditTest, SizeReductionsDoNotAddUp) {
  const AuditFinding finding = Find("Size reductions of the three parts");
  EXPECT_EQ(finding.status, Status::kInconsistent);
  EXPECT_EQ(finding.detail,
            "50.5 + 17.98 + 3.4 = 71.88 %, claim 1 says 74.8 %");
  EXPECT_THAT(finding.claims, IsEmpty());
}

TEST(AuditTest, PartsLatencyAndAccuracyCannotBeChecked) {
  EXPECT_EQ(Find("Claim 6.latency ").status, Status::kUncheckable);
  EXPECT_EQ(Find("Claim 8.accuracy ").status, Status::kUncheckable);
}

TEST(AuditTest, SizeInBothUnits) {
  const AuditFinding finding = Find("Model size from parameters, Baseline");
  EXPECT_EQ(finding.status, Status::kHolds);
  EXPECT_EQ(finding.detail,
            "61,626,049 parameters at 4 bytes are 246.5 MB (10^6) or 235.1 "
            "MiB (2^20); the paper's 241.09 is off by -2.2 % or +2.6 %");
}

TEST(AuditTest, OrdersHoldAndCanFail) {
  EXPECT_EQ(Find("Claim 9.qat ").status, Status::kHolds);
  EXPECT_EQ(Find("Claim 9.head ").status, Status::kHolds);
  PublishedPaper paper = Paper();
  for (PublishedClaim& claim : *paper.mutable_claims()) {
    if (claim.id() == "9.qat")
      claim.mutable_row_a()->swap(*claim.mutable_row_b());
    if (claim.id() == "9.head") claim.set_row_b("table2/n");
  }
  const std::vector<AuditFinding> findings = AuditPaper(paper, kYolov3);
  EXPECT_EQ(Find(findings, "Claim 9.qat ").status, Status::kInconsistent);
  EXPECT_EQ(Find(findings, "Claim 9.head ").status, Status::kInconsistent);
}

TEST(AuditTest, ValuesInheritTheDoubtOfTheirClaims) {
  const PublishedPaper paper = Paper();
  const std::vector<AuditFinding> findings = AuditPaper(paper, kYolov3);
  const PublishedRow& head = *FindRow(paper, "table2/h");
  EXPECT_THAT(InconsistencyOfValue(findings, head, MODEL_SIZE_MB),
              HasSubstr("swapped"));
  EXPECT_THAT(InconsistencyOfValue(findings, head, LATENCY_S),
              HasSubstr("swapped"));
  EXPECT_THAT(InconsistencyOfValue(findings, head, FPS), HasSubstr("swapped"));
  EXPECT_EQ(InconsistencyOfValue(findings, head, MAP_PERCENT), "");
  EXPECT_EQ(
      InconsistencyOfValue(findings, *FindRow(paper, "table2/b"), LATENCY_S),
      "");
  EXPECT_EQ(
      InconsistencyOfValue(findings, *FindRow(paper, "table1/ptq"), LATENCY_S),
      "");
}

}  // namespace
}  // namespace yoloq
