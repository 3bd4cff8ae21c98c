// AdaRound and bias correction of a whole network.
#ifndef YOLOQ_QUANT_IMPROVE_WEIGHTS_H_
#define YOLOQ_QUANT_IMPROVE_WEIGHTS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "model/graph.pb.h"
#include "model/weights.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// Calibration images as the network takes them, (height, width, 3).
struct ImageSource {
  int64_t count = 0;
  std::function<absl::StatusOr<std::vector<uint8_t>>(int64_t index)> rgb;
};

// What to give to QuantizeModel, with the other arguments unchanged, instead of
// `weights`. The same weights where `spec` has neither ada_round nor
// bias_correction set.
//
// Goes through the graph with the first reconstruction_images of `images`, both
// in FP32 and as the quantized network so far makes them. At each INT8
// convolution
// - ada_round chooses the rounding of its weights (quant/ada_round.h) on up to
//   4096 output positions; the result holds the integers times their scale, of
//   which QuantizeModel makes the same integers again;
// - bias_correction (Nagel et al. 2019, section 4.2, measured on images) adds
//   to its bias the mean, over images and positions, of what the FP32
//   convolution makes more than the quantized one, before the activation.
//
// `graph` has shapes and no batch norm. It holds the outputs of all these
// images at once, as far as they are still to be read: up to 35 MB an image for
// YOLOv3 of 416 pixels, in each of the two forms. Errors: those of
// QuantizeModel and of `images`; InvalidArgument when there are no images.
absl::StatusOr<Weights> ImproveWeights(const Graph& graph, Weights weights,
                                       const Calibration& calibration,
                                       const QuantizationSpec& spec,
                                       const std::vector<Precision>& precision,
                                       const ImageSource& images);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_IMPROVE_WEIGHTS_H_
