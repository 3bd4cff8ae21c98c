#include "eval/average_precision.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "eval/random.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

using Truth = std::vector<std::vector<GroundTruthObject>>;
using Detections = std::vector<std::vector<Detection>>;

// A detection whose box is the devkit's pixels (left, top) to (right, bottom).
Detection At(float left, float top, float right, float bottom, float score) {
  return {{left - 1, top - 1, right, bottom}, 0, score};
}

MeanAveragePrecision Evaluate(const Truth& truth, const Detections& detections,
                              double iou_threshold = 0.5, int classes = 1) {
  const auto matches =
      MatchDetections(truth, detections, classes, iou_threshold);
  EXPECT_TRUE(matches.ok()) << matches.status();
  return ComputeMeanAveragePrecision(*matches);
}

TEST(AveragePrecisionTest, AllFoundIsOne) {
  const auto map =
      Evaluate({{{{1, 1, 10, 10}}, {{21, 1, 30, 10}}}},
               {{At(1, 1, 10, 10, 0.9f), At(21, 1, 30, 10, 0.8f)}});
  EXPECT_DOUBLE_EQ(map.area, 1);
  EXPECT_DOUBLE_EQ(map.eleven_point, 1);
}

// Correct, false, correct; three objects. Precision 1, 1/2, 2/3 at recall 1/3,
// 1/3, 2/3: area = (1 + 2/3) / 3; levels 0 to 0.3 have 1, 0.4 to 0.6 have 2/3.
TEST(AveragePrecisionTest, FollowsTheEnvelope) {
  const auto map =
      Evaluate({{{{1, 1, 10, 10}}, {{21, 1, 30, 10}}, {{41, 1, 50, 10}}}},
               {{At(1, 1, 10, 10, 0.9f), At(61, 1, 70, 10, 0.8f),
                 At(21, 1, 30, 10, 0.7f), At(71, 1, 80, 10, 0.6f)}});
  EXPECT_NEAR(map.area, (1 + 2.0 / 3) / 3, 1e-12);
  EXPECT_NEAR(map.eleven_point, (4 + 3 * 2.0 / 3) / 11, 1e-12);
}

// Nine of fifteen found without an error: a recall of exactly 0.6 reaches level
// 0.6.
TEST(AveragePrecisionTest, ReachesRecallLevelsExactly) {
  Truth truth(1);
  Detections detections(1);
  for (int i = 0; i < 15; ++i) {
    const float left = 20.0f * i + 1;
    truth[0].push_back({{left, 1, left + 9, 10}});
    if (i < 9) detections[0].push_back(At(left, 1, left + 9, 10, 0.5f));
  }
  EXPECT_NEAR(Evaluate(truth, detections).eleven_point, 7.0 / 11, 1e-12);
}

// Two pixel columns of four in common, one row: with the +1 rule IoU = 2 / 4.
TEST(MatchDetectionsTest, CountsPixelsAndAcceptsTheThresholdItself) {
  const Truth truth = {{{{1, 1, 3, 1}}}};
  EXPECT_EQ(Evaluate(truth, {{At(2, 1, 4, 1, 0.9f)}}, 0.5).area, 1);
  EXPECT_EQ(Evaluate(truth, {{At(2, 1, 4, 1, 0.9f)}}, 0.501).area, 0);
  // Neighbours share nothing, but corners one apart do with +1.
  EXPECT_EQ(Evaluate(truth, {{At(4, 1, 6, 1, 0.9f)}}, 0.001).area, 0);
  EXPECT_EQ(Evaluate(truth, {{At(3, 1, 5, 1, 0.9f)}}, 0.199).area, 1);
}

TEST(MatchDetectionsTest, TheSecondOnATakenObjectIsFalse) {
  // Both overlap most with the first object, though the second would do.
  const Truth truth = {{{{1, 1, 10, 10}}, {{3, 1, 12, 10}}}};
  const auto map =
      Evaluate(truth, {{At(1, 1, 10, 10, 0.9f), At(1, 1, 10, 10, 0.8f)}});
  EXPECT_DOUBLE_EQ(map.area, 0.5);
}

TEST(MatchDetectionsTest, DifficultObjectsDoNotCount) {
  Truth truth = {{{{1, 1, 10, 10}}, {{21, 1, 30, 10}, 0, true}}};
  // Two on the difficult object, ranked before the correct one.
  const Detections detections = {{At(21, 1, 30, 10, 0.9f),
                                  At(21, 1, 30, 10, 0.8f),
                                  At(1, 1, 10, 10, 0.7f)}};
  const auto map = Evaluate(truth, detections);
  EXPECT_EQ(map.classes[0].objects, 1);
  EXPECT_DOUBLE_EQ(map.area, 1);
  truth[0][1].difficult = false;
  EXPECT_EQ(Evaluate(truth, detections).classes[0].objects, 2);
}

TEST(MatchDetectionsTest, KeepsClassesApart) {
  Truth truth = {{{{1, 1, 10, 10}, 1, false}}};
  Detections detections = {{At(1, 1, 10, 10, 0.9f)}};
  const auto map = Evaluate(truth, detections, 0.5, 3);
  EXPECT_EQ(map.classes_with_objects, 1);
  EXPECT_EQ(map.area, 0);
  detections[0][0].class_index = 1;
  EXPECT_EQ(Evaluate(truth, detections, 0.5, 3).area, 1);
}

// Equal scores: image 0's false detection comes before image 1's correct one.
TEST(MatchDetectionsTest, BreaksTiesByImage) {
  const Truth truth = {{}, {{{1, 1, 10, 10}}}};
  EXPECT_DOUBLE_EQ(
      Evaluate(truth, {{At(1, 1, 10, 10, 0.5f)}, {At(1, 1, 10, 10, 0.5f)}})
          .area,
      0.5);
}

TEST(MatchDetectionsTest, WithoutObjectsThereIsNoMean) {
  const auto map = Evaluate({{}}, {{At(1, 1, 2, 2, 0.5f)}});
  EXPECT_EQ(map.classes_with_objects, 0);
  EXPECT_EQ(map.area, 0);
}

TEST(MatchDetectionsTest, RefusesBadInput) {
  const Truth truth = {{{{1, 1, 2, 2}}}};
  EXPECT_THAT(MatchDetections(truth, Detections(), 1, 0.5),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("objects of 1 images, but detections of 0")));
  EXPECT_THAT(MatchDetections(truth, Detections(1), 0, 0.5),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("object in image 0: class index 0")));
  EXPECT_THAT(MatchDetections(truth, Detections(1), 1, 0),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("match_iou_threshold: 0")));
  Detections detections = {{At(1, 1, 2, 2, 0.5f)}};
  detections[0][0].class_index = 7;
  EXPECT_THAT(MatchDetections(truth, detections, 1, 0.5),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("detection in image 0: class index 7")));
  detections = {{At(1, 1, 2, 2, std::nanf(""))}};
  EXPECT_THAT(MatchDetections(truth, detections, 1, 0.5),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("not finite")));
}

// A second, plain implementation: the devkit's own steps over (score, correct)
// pairs, recall and precision at every detection.
struct Plain {
  double area = 0;
  double eleven_point = 0;
};
Plain PlainAveragePrecision(const std::vector<bool>& correct, int objects) {
  std::vector<double> precision;
  std::vector<int> found;
  int tp = 0;
  for (size_t i = 0; i < correct.size(); ++i) {
    tp += correct[i];
    found.push_back(tp);
    precision.push_back(static_cast<double>(tp) / static_cast<double>(i + 1));
  }
  Plain result;
  for (int k = 0; k <= 10; ++k) {
    double best = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      if (10 * found[i] >= k * objects) best = std::max(best, precision[i]);
    }
    result.eleven_point += best / 11;
  }
  for (size_t i = precision.size(); i-- > 1;) {
    precision[i - 1] = std::max(precision[i - 1], precision[i]);
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (correct[i]) result.area += precision[i] / objects;
  }
  return result;
}

TEST(ComputeAveragePrecisionTest, ResamplesAsIfImagesWereRepeated) {
  Random random(11);
  for (int round = 0; round < 50; ++round) {
    const int images = 12;
    ClassMatches matches;
    std::vector<uint16_t> multiplicity;
    std::vector<bool> repeated;
    int objects = 0;
    for (int i = 0; i < images; ++i) {
      multiplicity.push_back(random.Below(4));
      matches.objects.push_back(0);
    }
    for (int i = 0; i < 60; ++i) {
      const uint32_t image = random.Below(images);
      const bool correct = random.Below(3) == 0;
      matches.ranking.push_back({image, correct});
      if (correct) ++matches.objects[image];
      repeated.insert(repeated.end(), multiplicity[image], correct);
    }
    ++matches.objects[0];  // one that nothing finds
    for (int i = 0; i < images; ++i) {
      objects += matches.objects[i] * multiplicity[i];
    }
    const AveragePrecision ap = ComputeAveragePrecision(matches, multiplicity);
    const Plain expected = PlainAveragePrecision(repeated, objects);
    EXPECT_EQ(ap.objects, objects);
    EXPECT_NEAR(ap.area, expected.area, 1e-12);
    EXPECT_NEAR(ap.eleven_point, expected.eleven_point, 1e-12);
  }
}

// Lines of numbers after the class name.
std::vector<std::vector<float>> ReadNumbers(const std::string& path) {
  const auto text = ReadFile(path);
  EXPECT_TRUE(text.ok()) << text.status();
  std::vector<std::vector<float>> lines;
  for (absl::string_view line :
       absl::StrSplit(text.value_or(""), '\n', absl::SkipWhitespace())) {
    std::vector<float> numbers;
    for (absl::string_view field :
         absl::StrSplit(line, absl::ByAnyChar(" \r"), absl::SkipEmpty())) {
      float value;
      if (absl::SimpleAtof(field, &value)) numbers.push_back(value);
    }
    lines.push_back(numbers);
  }
  return lines;
}

// shared/oracles/README.md, item 1.
TEST(AveragePrecisionOracleTest, CaseOne) {
  YOLOQ_SKIP_WITHOUT_SHARED_DATA();
  const std::string folder = JoinPath(SharedDataFolder(), "oracles/map-case-1");
  Truth truth(7);
  Detections detections(7);
  for (int i = 0; i < 7; ++i) {
    const std::string name = absl::StrFormat("%05d.txt", i + 1);
    for (const auto& v : ReadNumbers(JoinPath(folder, "gts/" + name))) {
      ASSERT_EQ(v.size(), 4);
      truth[i].push_back({{v[0], v[1], v[0] + v[2], v[1] + v[3]}});
    }
    for (const auto& v : ReadNumbers(JoinPath(folder, "dets/" + name))) {
      ASSERT_EQ(v.size(), 5);
      detections[i].push_back(At(v[1], v[2], v[1] + v[3], v[2] + v[4], v[0]));
    }
  }
  struct Answer {
    double threshold, eleven_point, area;
  };
  for (const Answer& answer :
       {Answer{0.10, 0.3689064559, 0.3371980676},
        Answer{0.30, 0.2683982683, 0.2456866804},
        Answer{0.50, 0.0303030303, 0.0222222222}, Answer{0.75, 0, 0}}) {
    const auto map = Evaluate(truth, detections, answer.threshold);
    EXPECT_EQ(map.classes[0].objects, 15);
    EXPECT_NEAR(map.area, answer.area, 1e-9);
    EXPECT_NEAR(map.eleven_point, answer.eleven_point, 1e-9);
  }
}

}  // namespace
}  // namespace yoloq
