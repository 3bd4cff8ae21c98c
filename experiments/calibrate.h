// The calibration stage: the FP32 network over a list of images, with an
// observer at every tensor; resumes where an interrupted run stood.
#ifndef YOLOQ_EXPERIMENTS_CALIBRATE_H_
#define YOLOQ_EXPERIMENTS_CALIBRATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"
#include "model/graph.pb.h"
#include "model/weights.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// `spec` is resolved. Every kImagesPerCheckpoint images the state is written to
// `folder`; a later call with the same folder goes on from there.
absl::StatusOr<Calibration> CalibrateOnImages(const Graph& graph,
                                              const Weights& weights,
                                              const QuantizationSpec& spec,
                                              PreprocessSpec::Resize resize,
                                              absl::Span<const VocImage> images,
                                              const std::string& folder);

// Random pixels, as the network takes them: the same on every platform.
std::vector<uint8_t> NoisePicture(const Graph& graph, uint64_t seed,
                                  int64_t index);

// On the first spec.calibration_images NoisePictures of spec.calibration_seed:
// "noise/0", "noise/1", ...
absl::StatusOr<Calibration> CalibrateOnNoise(const Graph& graph,
                                             const Weights& weights,
                                             const QuantizationSpec& spec);

inline constexpr int kImagesPerCheckpoint = 256;

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_CALIBRATE_H_
