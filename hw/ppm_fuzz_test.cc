// Any bytes: a picture of the size that it says, or an error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "hw/ppm.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::StatusOr<yoloq::Picture> picture = yoloq::DecodePpm(
      absl::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!picture.ok()) return 0;
  const size_t expected = size_t{3} * picture->width * picture->height;
  if (picture->rgb.size() != expected) std::abort();
  if (!yoloq::DecodePpm(yoloq::EncodePpm(*picture), "again").ok()) std::abort();
  return 0;
}
