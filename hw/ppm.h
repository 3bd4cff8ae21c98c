// Pictures as binary PPM (P6), the format that a device reads without a
// decoder.
#ifndef YOLOQ_HW_PPM_H_
#define YOLOQ_HW_PPM_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eval/picture.h"

namespace yoloq {

// Reads "P6", width, height and 255, separated by white space (comments are not
// read), one white space character, then exactly 3 * width * height bytes.
// `name` stands in errors. InvalidArgument for another format or a picture of
// more than 2^26 pixels; DataLoss when bytes are missing or left over.
absl::StatusOr<Picture> DecodePpm(absl::string_view bytes,
                                  absl::string_view name);

// The same for a file; other errors as ReadFile (tools/base/file.h).
absl::StatusOr<Picture> ReadPpm(const std::string& path);

std::string EncodePpm(const Picture& picture);

}  // namespace yoloq

#endif  // YOLOQ_HW_PPM_H_
