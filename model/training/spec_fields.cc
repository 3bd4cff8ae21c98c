#include "model/training/spec_fields.h"

#include "absl/strings/str_cat.h"

namespace yoloq {

absl::Status CheckField(absl::string_view field, double value, double low,
                        double high) {
  // Written so that NaN fails.
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      field, " is ", value, ", it must be from ", low, " to ", high));
}

}  // namespace yoloq
