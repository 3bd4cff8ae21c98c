// From a decoded picture to the network's input: one code path for calibration,
// evaluation and the device. Integer arithmetic only, so that x86-64 and
// aarch64 make the same bytes; no OpenCV.
#ifndef YOLOQ_EVAL_PREPROCESS_H_
#define YOLOQ_EVAL_PREPROCESS_H_

#include <cstdint>
#include <vector>

#include "eval/detection.h"
#include "eval/picture.h"
#include "experiments/spec.pb.h"

namespace yoloq {

// Where the picture lies in the network's input, in input pixels.
struct Placement {
  float left = 0;
  float top = 0;
  float width = 0;  // of the resized picture
  float height = 0;
  int input_side = 0;
  int picture_width = 0;
  int picture_height = 0;
};

// The network's input for a picture, and how boxes get back.
struct NetworkInput {
  std::vector<uint8_t> rgb;  // (side, side, 3)
  Placement placement;
};

// Resizes bilinearly with half-pixel centres and no antialiasing, with weights
// of 11 bits: stretched to side x side, or with LETTERBOX shrunk or enlarged to
// fit, centred, on grey (128). An unspecified resize stretches. The picture has
// at least one pixel and side >= 1.
NetworkInput MakeNetworkInput(const Picture& picture, int side,
                              PreprocessSpec::Resize resize);

// A box in units of the network's input ([0, 1]) to pixels of the picture,
// clipped to it.
Box ToPicture(const Box& box, const Placement& placement);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_PREPROCESS_H_
