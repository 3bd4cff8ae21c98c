#include "eval/average_precision.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// A box in the devkit's pixels.
struct PixelBox {
  double left, top, right, bottom;

  double Area() const { return (right - left + 1) * (bottom - top + 1); }
};

PixelBox FromGroundTruth(const Box& box) {
  return {box.left, box.top, box.right, box.bottom};
}

// The continuous box [0, 1] x [0, 1] is the devkit's pixel (1, 1) to (1, 1).
PixelBox FromDetection(const Box& box) {
  return {box.left + 1.0, box.top + 1.0, box.right, box.bottom};
}

double IntersectionOverUnion(const PixelBox& a, const PixelBox& b) {
  const double width =
      std::min(a.right, b.right) - std::max(a.left, b.left) + 1;
  const double height =
      std::min(a.bottom, b.bottom) - std::max(a.top, b.top) + 1;
  if (width <= 0 || height <= 0) return 0;
  const double intersection = width * height;
  return intersection / (a.Area() + b.Area() - intersection);
}

enum class Outcome { kCorrect, kFalse, kIgnored };

struct ScoredOutcome {
  float score;
  RankedDetection detection;
};

// The objects of one image, and which of them are taken.
class ImageMatcher {
 public:
  ImageMatcher(const std::vector<GroundTruthObject>& objects,
               double iou_threshold)
      : objects_(objects),
        taken_(objects.size()),
        iou_threshold_(iou_threshold) {}

  // Detections come by falling score.
  Outcome Match(const Detection& detection) {
    const PixelBox box = FromDetection(detection.box);
    double best = 0;
    size_t best_object = 0;
    for (size_t i = 0; i < objects_.size(); ++i) {
      if (objects_[i].class_index != detection.class_index) continue;
      const double overlap =
          IntersectionOverUnion(box, FromGroundTruth(objects_[i].box));
      if (overlap > best) {
        best = overlap;
        best_object = i;
      }
    }
    if (best < iou_threshold_) return Outcome::kFalse;
    if (objects_[best_object].difficult) return Outcome::kIgnored;
    if (taken_[best_object]) return Outcome::kFalse;
    taken_[best_object] = true;
    return Outcome::kCorrect;
  }

 private:
  const std::vector<GroundTruthObject>& objects_;
  std::vector<bool> taken_;
  const double iou_threshold_;
};

absl::Status CheckClass(int class_index, int class_count, size_t image,
                        absl::string_view what) {
  if (class_index >= 0 && class_index < class_count) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " in image ", image, ": class index ", class_index,
                   " is not in [0, ", class_count, ")"));
}

absl::Status CheckDetections(const std::vector<Detection>& detections,
                             int class_count, size_t image) {
  for (const Detection& detection : detections) {
    YOLOQ_RETURN_IF_ERROR(
        CheckClass(detection.class_index, class_count, image, "detection"));
    if (!std::isfinite(detection.score)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "detection in image ", image, ": its score is not finite"));
    }
  }
  return absl::OkStatus();
}

std::vector<int> ByFallingScore(const std::vector<Detection>& detections) {
  std::vector<int> order(detections.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return detections[a].score > detections[b].score;
  });
  return order;
}

std::vector<RankedDetection> Rank(std::vector<ScoredOutcome> outcomes) {
  std::stable_sort(outcomes.begin(), outcomes.end(),
                   [](const ScoredOutcome& a, const ScoredOutcome& b) {
                     return a.score > b.score;
                   });
  while (!outcomes.empty() && !outcomes.back().detection.correct) {
    outcomes.pop_back();
  }
  std::vector<RankedDetection> ranking;
  ranking.reserve(outcomes.size());
  for (const ScoredOutcome& outcome : outcomes) {
    ranking.push_back(outcome.detection);
  }
  return ranking;
}

// A point of the precision-recall curve where recall rises: `found` objects of
// all, `added` of them at this point.
struct CurvePoint {
  int64_t found;
  int64_t added;
  double precision;
};

// An image that counts m times gives m equal detections in a row. Of a run of
// correct ones only the last point matters: precision rises along the run.
template <typename Count>
std::vector<CurvePoint> Curve(const std::vector<RankedDetection>& ranking,
                              const Count& count) {
  std::vector<CurvePoint> curve;
  int64_t found = 0;
  int64_t seen = 0;
  for (const RankedDetection detection : ranking) {
    const int64_t times = count(detection.image);
    seen += times;
    if (!detection.correct || times == 0) continue;
    found += times;
    curve.push_back(
        {found, times, static_cast<double>(found) / static_cast<double>(seen)});
  }
  return curve;
}

template <typename Count>
AveragePrecision Compute(const ClassMatches& matches, const Count& count) {
  AveragePrecision result;
  for (size_t i = 0; i < matches.objects.size(); ++i) {
    result.objects += int64_t{matches.objects[i]} * count(i);
  }
  if (result.objects == 0) return result;
  const std::vector<CurvePoint> curve = Curve(matches.ranking, count);
  // From high recall to low, with the best precision at this recall or above.
  double best = 0;
  double area = 0;
  double levels = 0;
  for (auto point = curve.rbegin(); point != curve.rend(); ++point) {
    best = std::max(best, point->precision);
    area += static_cast<double>(point->added) * best;
    // The levels k / 10 in (recall before, recall here], as whole numbers.
    const int64_t up_to = 10 * point->found / result.objects;
    const int64_t above = 10 * (point->found - point->added) / result.objects;
    levels += static_cast<double>(up_to - above) * best;
  }
  // Recall level 0 is reached before anything is found.
  levels += best;
  result.area = area / static_cast<double>(result.objects);
  result.eleven_point = levels / 11;
  return result;
}

}  // namespace

absl::StatusOr<Matches> MatchDetections(
    absl::Span<const std::vector<GroundTruthObject>> truth,
    absl::Span<const std::vector<Detection>> detections, int class_count,
    double iou_threshold) {
  if (truth.size() != detections.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("objects of ", truth.size(), " images, but detections of ",
                     detections.size()));
  }
  if (!(iou_threshold > 0 && iou_threshold <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "match_iou_threshold: ", iou_threshold, " is not in (0, 1]"));
  }
  Matches result;
  result.images = static_cast<int>(truth.size());
  result.classes.resize(class_count);
  for (ClassMatches& matches : result.classes) {
    matches.objects.assign(truth.size(), 0);
  }
  std::vector<std::vector<ScoredOutcome>> outcomes(class_count);
  for (size_t i = 0; i < truth.size(); ++i) {
    for (const GroundTruthObject& object : truth[i]) {
      YOLOQ_RETURN_IF_ERROR(
          CheckClass(object.class_index, class_count, i, "object"));
      result.classes[object.class_index].objects[i] += !object.difficult;
    }
    YOLOQ_RETURN_IF_ERROR(CheckDetections(detections[i], class_count, i));
    ImageMatcher matcher(truth[i], iou_threshold);
    for (const int index : ByFallingScore(detections[i])) {
      const Detection& detection = detections[i][index];
      const Outcome outcome = matcher.Match(detection);
      if (outcome == Outcome::kIgnored) continue;
      outcomes[detection.class_index].push_back(
          {detection.score,
           {static_cast<uint32_t>(i), outcome == Outcome::kCorrect}});
    }
  }
  for (int c = 0; c < class_count; ++c) {
    result.classes[c].ranking = Rank(std::move(outcomes[c]));
  }
  return result;
}

AveragePrecision ComputeAveragePrecision(
    const ClassMatches& matches, absl::Span<const uint16_t> multiplicity) {
  if (multiplicity.empty()) {
    return Compute(matches, [](size_t) { return int64_t{1}; });
  }
  const uint16_t* times = multiplicity.data();
  return Compute(matches, [times](size_t i) { return int64_t{times[i]}; });
}

MeanAveragePrecision ComputeMeanAveragePrecision(
    const Matches& matches, absl::Span<const uint16_t> multiplicity) {
  MeanAveragePrecision mean;
  for (const ClassMatches& class_matches : matches.classes) {
    mean.classes.push_back(
        ComputeAveragePrecision(class_matches, multiplicity));
    const AveragePrecision& ap = mean.classes.back();
    if (ap.objects == 0) continue;
    ++mean.classes_with_objects;
    mean.area += ap.area;
    mean.eleven_point += ap.eleven_point;
  }
  if (mean.classes_with_objects > 0) {
    mean.area /= mean.classes_with_objects;
    mean.eleven_point /= mean.classes_with_objects;
  }
  return mean;
}

}  // namespace yoloq
