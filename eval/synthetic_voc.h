// Writes a synthetic data set in the layout of the PASCAL VOC devkit, for
// training and evaluation where the real data is not at hand:
//
//   <voc_root>/VOC2007/JPEGImages/000001.jpg ...
//   <voc_root>/VOC2007/Annotations/000001.xml ...
//   <voc_root>/VOC2007/ImageSets/Main/{train,val,trainval,test}.txt
//
// The 20 classes have VOC's names; the pictures are drawn
// (eval/synthetic_scene.h).
#ifndef YOLOQ_EVAL_SYNTHETIC_VOC_H_
#define YOLOQ_EVAL_SYNTHETIC_VOC_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "eval/synthetic_scene.h"

namespace yoloq {

// Raised whenever equal options come to other pictures.
inline constexpr char kSyntheticSceneVersion[] = "2";

struct SyntheticVocOptions {
  uint64_t seed = 1;
  SceneOptions scene;
  // Images of each list, >= 0; trainval is train and val together. Numbered in
  // this order. An image depends on its seed, list and place in the list alone:
  // a longer list begins with the shorter one's images.
  int train_images = 2000;
  int val_images = 200;
  int test_images = 500;
  int threads = 2;  // >= 1; does not change what is written
};

// Writes the data set; files of the same names are replaced. The same options
// give the same bytes (JPEG through OpenCV: of one version of it). The lists
// come last, so that a folder with lists is complete. InvalidArgument for
// options out of range; errors as WriteFileAtomically.
absl::Status WriteSyntheticVoc(const std::string& voc_root,
                               const SyntheticVocOptions& options);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_SYNTHETIC_VOC_H_
