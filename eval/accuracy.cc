#include "eval/accuracy.h"

#include "absl/strings/str_cat.h"
#include "eval/bootstrap.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

BootstrapOptions Options(const EvaluationSpec& spec) {
  BootstrapOptions options;
  options.resamples = spec.bootstrap_resamples();
  options.seed = spec.bootstrap_seed();
  return options;
}

void SetInterval(const ConfidenceInterval& from, Interval* to) {
  to->set_low(from.low);
  to->set_high(from.high);
}

}  // namespace

absl::StatusOr<Matches> MatchImages(
    absl::Span<const VocImage> images,
    absl::Span<const std::vector<Detection>> detections, int class_count,
    const EvaluationSpec& spec) {
  std::vector<std::vector<GroundTruthObject>> truth;
  truth.reserve(images.size());
  for (const VocImage& image : images) {
    truth.push_back(image.annotation.objects);
  }
  return MatchDetections(truth, detections, class_count,
                         spec.match_iou_threshold());
}

absl::StatusOr<AccuracyResult> ComputeAccuracy(
    const Matches& matches, absl::Span<const std::string> class_names,
    const EvaluationSpec& spec) {
  if (class_names.size() != matches.classes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(class_names.size(), " class names for ",
                     matches.classes.size(), " classes"));
  }
  YOLOQ_ASSIGN_OR_RETURN(const MapIntervals intervals,
                         BootstrapMap(matches, Options(spec)));
  const MeanAveragePrecision map = ComputeMeanAveragePrecision(matches);
  AccuracyResult result;
  result.set_images(matches.images);
  result.set_map_area(map.area);
  result.set_map_eleven_point(map.eleven_point);
  SetInterval(intervals.area, result.mutable_map_area_interval());
  SetInterval(intervals.eleven_point,
              result.mutable_map_eleven_point_interval());
  for (size_t c = 0; c < class_names.size(); ++c) {
    ClassAccuracy* of_class = result.add_classes();
    of_class->set_name(class_names[c]);
    of_class->set_objects(static_cast<int>(map.classes[c].objects));
    of_class->set_ap_area(map.classes[c].area);
    of_class->set_ap_eleven_point(map.classes[c].eleven_point);
  }
  return result;
}

absl::Status SetMapChange(const Matches& run, const Matches& baseline,
                          const EvaluationSpec& spec, AccuracyResult* result) {
  YOLOQ_ASSIGN_OR_RETURN(const MapIntervals intervals,
                         BootstrapMapDifference(run, baseline, Options(spec)));
  const MeanAveragePrecision ours = ComputeMeanAveragePrecision(run);
  const MeanAveragePrecision base = ComputeMeanAveragePrecision(baseline);
  const bool by_levels = spec.table_protocol() == EvaluationSpec::ELEVEN_POINT;
  result->set_map_change(by_levels ? ours.eleven_point - base.eleven_point
                                   : ours.area - base.area);
  SetInterval(by_levels ? intervals.eleven_point : intervals.area,
              result->mutable_map_change_interval());
  return absl::OkStatus();
}

}  // namespace yoloq
