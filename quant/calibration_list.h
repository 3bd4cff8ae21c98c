// Which images are used for calibration.
#ifndef YOLOQ_QUANT_CALIBRATION_LIST_H_
#define YOLOQ_QUANT_CALIBRATION_LIST_H_

#include <string>
#include <vector>

#include "quant/quantization.pb.h"

namespace yoloq {

// spec.calibration_images of the ids (all of them when there are fewer), drawn
// without replacement by a Fisher-Yates shuffle with spec.calibration_seed: the
// same on every platform. `spec` is resolved; `ids` in the order of their
// lists.
std::vector<std::string> DrawCalibrationIds(std::vector<std::string> ids,
                                            const QuantizationSpec& spec);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_CALIBRATION_LIST_H_
