// Average precision as the PASCAL VOC devkit defines it.
//
// Matching is done once, per image; from the ranked outcomes the average
// precision of the images, or of any resample of them, follows quickly:
//
//   YOLOQ_ASSIGN_OR_RETURN(const Matches matches,
//                          MatchDetections(truth, detections, 20, 0.5));
//   const MeanAveragePrecision map = ComputeMeanAveragePrecision(matches);
#ifndef YOLOQ_EVAL_AVERAGE_PRECISION_H_
#define YOLOQ_EVAL_AVERAGE_PRECISION_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/detection.h"
#include "eval/ground_truth.h"

namespace yoloq {

// A detection that counts: it found an object, or it is false.
struct RankedDetection {
  uint32_t image : 31;
  uint32_t correct : 1;
};

struct ClassMatches {
  // By falling score; equal scores by image, then in the order given. Without
  // those that fell on a difficult object, and without the false ones after the
  // last correct one, which change nothing.
  std::vector<RankedDetection> ranking;
  // Of each image, without the difficult ones.
  std::vector<int32_t> objects;
};

struct Matches {
  int images = 0;
  std::vector<ClassMatches> classes;
};

// Matches detections with objects, parallel per image. Within an image and
// class, by falling score, a detection goes to the object with which it
// overlaps most (IoU of pixel boxes: width = right - left + 1). Below
// iou_threshold, or when that object is taken, it is false; on a difficult
// object it does not count. A detection's continuous box becomes the devkit's
// by adding 1 to left and top. InvalidArgument: lists of different lengths, a
// class index outside [0, class_count), a score that is not finite, a threshold
// outside (0, 1].
absl::StatusOr<Matches> MatchDetections(
    absl::Span<const std::vector<GroundTruthObject>> truth,
    absl::Span<const std::vector<Detection>> detections, int class_count,
    double iou_threshold);

struct AveragePrecision {
  int64_t objects = 0;      // not difficult; without any, AP is undefined: 0
  double area = 0;          // every point, VOC 2010 and later; in [0, 1]
  double eleven_point = 0;  // VOC 2007; recall levels k / 10 compared exactly
};

// multiplicity: how often each image counts (a bootstrap resample); empty:
// once.
AveragePrecision ComputeAveragePrecision(
    const ClassMatches& matches, absl::Span<const uint16_t> multiplicity = {});

struct MeanAveragePrecision {
  std::vector<AveragePrecision> classes;
  // Means over the classes that have objects; 0 when none has.
  int classes_with_objects = 0;
  double area = 0;
  double eleven_point = 0;
};

MeanAveragePrecision ComputeMeanAveragePrecision(
    const Matches& matches, absl::Span<const uint16_t> multiplicity = {});

}  // namespace yoloq

#endif  // YOLOQ_EVAL_AVERAGE_PRECISION_H_
