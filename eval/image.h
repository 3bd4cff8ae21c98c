// Decodes JPEG images, and encodes them.
#ifndef YOLOQ_EVAL_IMAGE_H_
#define YOLOQ_EVAL_IMAGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eval/picture.h"

namespace yoloq {

// Decodes a JPEG to RGB; a rotation noted in EXIF is ignored, as VOC's boxes
// refer to the stored pixels. `name` stands in errors. DataLoss when the bytes
// are no JPEG, end early (half a picture is not a picture), or announce more
// than 2^26 pixels.
absl::StatusOr<Picture> DecodeJpeg(absl::string_view bytes,
                                   absl::string_view name);

// The same for a file; other errors as ReadFile (tools/base/file.h).
absl::StatusOr<Picture> ReadJpeg(const std::string& path);

// quality: 1 to 100. The same bytes for the same picture with one version of
// OpenCV. InvalidArgument for an empty picture.
absl::StatusOr<std::string> EncodeJpeg(const Picture& picture, int quality);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_IMAGE_H_
