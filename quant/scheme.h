// Quantization schemes: named sets of choices, after real back ends.
#ifndef YOLOQ_QUANT_SCHEME_H_
#define YOLOQ_QUANT_SCHEME_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// The spec with every field set: those left to the scheme get the scheme's
// choice, the observer its defaults, calibration_images its 2000; what AdaRound
// and bias correction need, where they are on. Resolving a resolved spec
// changes nothing. InvalidArgument, naming the field, for an
// unknown scheme (with the known names) or a value out of range.
absl::StatusOr<QuantizationSpec> ResolveScheme(QuantizationSpec spec);

// The known schemes, in alphabetical order.
std::vector<std::string> SchemeNames();

}  // namespace yoloq

#endif  // YOLOQ_QUANT_SCHEME_H_
