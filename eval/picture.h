// A decoded picture.
#ifndef YOLOQ_EVAL_PICTURE_H_
#define YOLOQ_EVAL_PICTURE_H_

#include <cstdint>
#include <vector>

namespace yoloq {

// 8-bit RGB, (height, width, 3), rows without gaps.
struct Picture {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;
};

}  // namespace yoloq

#endif  // YOLOQ_EVAL_PICTURE_H_
