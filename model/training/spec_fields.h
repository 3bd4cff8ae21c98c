// Numbers in specs: their ranges, and defaults that 0 stands for.
#ifndef YOLOQ_MODEL_TRAINING_SPEC_FIELDS_H_
#define YOLOQ_MODEL_TRAINING_SPEC_FIELDS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace yoloq {

// The value, or where it is 0 what that stands for.
template <typename T>
T OrDefault(T value, T meaning_of_0) {
  return value == 0 ? meaning_of_0 : value;
}

// InvalidArgument, naming the field, unless the value is in [low, high].
absl::Status CheckField(absl::string_view field, double value, double low,
                        double high);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_SPEC_FIELDS_H_
