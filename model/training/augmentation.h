// Random changes of training images, in darknet's manner: crop with jitter,
// flip, colour. What is drawn depends on (seed, epoch, image) alone, so that
// neither order nor threads matter.
#ifndef YOLOQ_MODEL_TRAINING_AUGMENTATION_H_
#define YOLOQ_MODEL_TRAINING_AUGMENTATION_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "eval/ground_truth.h"
#include "eval/picture.h"
#include "eval/random.h"
#include "experiments/spec.pb.h"
#include "model/training/training.pb.h"

namespace yoloq {

// An object as the loss sees it, in units of the network's input ([0, 1]).
struct TruthBox {
  float x = 0;  // centre
  float y = 0;
  float width = 0;  // > 0
  float height = 0;
  int class_index = 0;
  // Neither to be found nor to be told away (VOC's difficult objects).
  bool ignored = false;
};

struct TrainingImage {
  std::vector<uint8_t> rgb;  // (side, side, 3)
  std::vector<TruthBox> truth;
};

// What is done to one image.
struct AugmentationDraw {
  // The part of the picture that is seen, in shares of its sides; may reach
  // outside, where it is grey (128).
  double left = 0;
  double top = 0;
  double right = 1;
  double bottom = 1;
  bool flip = false;
  double hue = 0;  // added, in shares of the circle
  double saturation = 1;
  double exposure = 1;
};

// InvalidArgument names the field that is out of range.
absl::Status CheckAugmentation(const AugmentationSpec& spec);

// The generator of image `index` in `epoch`.
Random AugmentationRandom(uint64_t seed, int epoch, int index);

AugmentationDraw DrawAugmentation(const AugmentationSpec& spec, Random* random);

// Crops, resizes as eval/preprocess.h does, flips and recolours the picture. Of
// the objects, those whose centre is still seen are kept, clipped to what is
// seen; one that is left with less than a pixel of the input is dropped.
TrainingImage Augment(const Picture& picture,
                      absl::Span<const GroundTruthObject> objects, int side,
                      PreprocessSpec::Resize resize,
                      const AugmentationDraw& draw);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_AUGMENTATION_H_
