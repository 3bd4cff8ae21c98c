// The annotation reader must answer any bytes with a result or a status.
#include <cstddef>
#include <cstdint>

#include "eval/voc.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view xml(reinterpret_cast<const char*>(data), size);
  const auto annotation =
      yoloq::ParseVocAnnotation(xml, "input", yoloq::VocClassNames());
  if (!annotation.ok()) return 0;
  for (const yoloq::GroundTruthObject& object : annotation->objects) {
    const bool sound =
        object.class_index >= 0 &&
        object.class_index < static_cast<int>(yoloq::VocClassNames().size()) &&
        object.box.left <= object.box.right &&
        object.box.top <= object.box.bottom &&
        object.box.right <= annotation->width + 1 &&
        object.box.bottom <= annotation->height + 1;
    if (!sound) __builtin_trap();
  }
  return 0;
}
