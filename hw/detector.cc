#include "hw/detector.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "eval/postprocess.h"
#include "eval/preprocess.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Clock = std::chrono::steady_clock;

int64_t Nanoseconds(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

}  // namespace

absl::StatusOr<Detector> Detector::Create(Engine* engine,
                                          const DetectorOptions& options) {
  const Shape& input = engine->graph().nodes(0).output();
  if (input.width() != input.height() || input.channels() != 3) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the network's input is ", input.height(), " x ", input.width(), " x ",
        input.channels(), "; pictures go into a square of 3 channels"));
  }
  return Detector(engine, options, input.width());
}

absl::Status Detector::Run(const Picture& picture) {
  const Clock::time_point start = Clock::now();
  const NetworkInput input = MakeNetworkInput(picture, side_, options_.resize);
  const Clock::time_point preprocessed = Clock::now();
  YOLOQ_RETURN_IF_ERROR(engine_->Run(input.rgb, &heads_));
  const Clock::time_point inferred = Clock::now();
  YOLOQ_ASSIGN_OR_RETURN(detections_,
                         Postprocess(engine_->graph(), heads_, input.placement,
                                     options_.evaluation));
  const Clock::time_point end = Clock::now();
  times_ = {Nanoseconds(preprocessed - start),
            Nanoseconds(inferred - preprocessed), Nanoseconds(end - inferred)};
  return absl::OkStatus();
}

}  // namespace yoloq
