#include "hw/ppm.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 26;

// White space, then a number of 1 to 9 digits, off the front of `bytes`; -1
// when they do not begin so.
int64_t ConsumeNumber(absl::string_view* bytes) {
  const absl::string_view digits = absl::StripLeadingAsciiWhitespace(*bytes);
  if (digits.size() == bytes->size()) return -1;
  int64_t number = 0;
  size_t count = 0;
  while (count < digits.size() && absl::ascii_isdigit(digits[count])) {
    if (count == 9) return -1;
    number = 10 * number + (digits[count++] - '0');
  }
  if (count == 0) return -1;
  *bytes = digits.substr(count);
  return number;
}

absl::StatusOr<Picture> Decode(absl::string_view bytes) {
  if (bytes.substr(0, 2) != "P6") {
    return absl::InvalidArgumentError(
        "is no binary PPM picture (its first bytes are not P6)");
  }
  bytes.remove_prefix(2);
  const int64_t width = ConsumeNumber(&bytes);
  const int64_t height = ConsumeNumber(&bytes);
  const int64_t maximum = ConsumeNumber(&bytes);
  if (width < 1 || height < 1 || width * height > kMaxPixels) {
    return absl::InvalidArgumentError(
        "width and height are not two numbers from 1 on with at most 2^26 "
        "pixels in all");
  }
  if (maximum != 255) {
    return absl::InvalidArgumentError("the largest value is not 255");
  }
  if (bytes.empty() || !absl::ascii_isspace(bytes[0])) {
    return absl::DataLossError("ends, or goes on wrongly, behind its header");
  }
  bytes.remove_prefix(1);
  const size_t expected = static_cast<size_t>(3 * width * height);
  if (bytes.size() != expected) {
    return absl::DataLossError(absl::StrCat(
        "holds ", bytes.size(), " bytes of pixels, its header says ", expected,
        "; copy it again"));
  }
  return Picture{static_cast<int>(width), static_cast<int>(height),
                 std::vector<uint8_t>(bytes.begin(), bytes.end())};
}

}  // namespace

absl::StatusOr<Picture> DecodePpm(absl::string_view bytes,
                                  absl::string_view name) {
  absl::StatusOr<Picture> picture = Decode(bytes);
  if (!picture.ok()) return Annotate(picture.status(), name);
  return picture;
}

absl::StatusOr<Picture> ReadPpm(const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return DecodePpm(file.view(), path);
}

std::string EncodePpm(const Picture& picture) {
  std::string bytes =
      absl::StrCat("P6\n", picture.width, " ", picture.height, "\n255\n");
  bytes.append(picture.rgb.begin(), picture.rgb.end());
  return bytes;
}

}  // namespace yoloq
