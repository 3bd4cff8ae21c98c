// One picture from its pixels to its detections, each step timed apart.
#ifndef YOLOQ_HW_DETECTOR_H_
#define YOLOQ_HW_DETECTOR_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "eval/detection.h"
#include "eval/picture.h"
#include "experiments/spec.pb.h"
#include "hw/runtime/engine.h"

namespace yoloq {

struct DetectorOptions {
  PreprocessSpec::Resize resize = PreprocessSpec::LETTERBOX;
  EvaluationSpec evaluation;  // the thresholds
};

struct StepTimes {
  int64_t preprocess_ns = 0;
  int64_t inference_ns = 0;
  int64_t postprocess_ns = 0;  // decoding and non-maximum suppression
};

class Detector {
 public:
  // `engine` outlives the detector. InvalidArgument when the network's input is
  // not square.
  static absl::StatusOr<Detector> Create(Engine* engine,
                                         const DetectorOptions& options);

  absl::Status Run(const Picture& picture);

  // Of the last Run.
  const StepTimes& times() const { return times_; }
  const std::vector<HeadOutput>& heads() const { return heads_; }
  const std::vector<Detection>& detections() const { return detections_; }

 private:
  Detector(Engine* engine, const DetectorOptions& options, int side)
      : engine_(engine), options_(options), side_(side) {}

  Engine* engine_;
  DetectorOptions options_;
  int side_;
  StepTimes times_;
  std::vector<HeadOutput> heads_;
  std::vector<Detection> detections_;
};

}  // namespace yoloq

#endif  // YOLOQ_HW_DETECTOR_H_
