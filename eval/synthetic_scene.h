// A picture of the synthetic data: several objects of the 20 VOC classes, at
// many scales, partly hidden, over a cluttered background, with their
// annotations.
#ifndef YOLOQ_EVAL_SYNTHETIC_SCENE_H_
#define YOLOQ_EVAL_SYNTHETIC_SCENE_H_

#include <vector>

#include "eval/ground_truth.h"
#include "eval/picture.h"
#include "eval/random.h"

namespace yoloq {

struct SceneOptions {
  // Both sides of a picture are drawn from this range, in pixels; 32 or more.
  int min_side = 160;
  int max_side = 240;
  // 0: few large objects in their classes' colours, hardly hidden, before a
  // calm background; 1: many small ones, some in any colour, half hidden, among
  // clutter, badly photographed. In between, in between.
  double difficulty = 1;
};

struct SceneObject {
  // The smallest box around what is visible, in whole pixels. Difficult: mostly
  // hidden, tiny or hardly visible.
  GroundTruthObject truth;
  bool truncated = false;  // by the edge of the picture
  bool occluded = false;   // by other things
};

struct Scene {
  Picture picture;
  std::vector<SceneObject> objects;  // at least one
};

// The same random numbers give the same scene.
Scene MakeScene(const SceneOptions& options, Random* random);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_SYNTHETIC_SCENE_H_
