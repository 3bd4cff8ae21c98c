// Texts in the form of darknet's official .cfg files, for tests: the same
// layers, keys and peculiarities, written by loops.
#ifndef YOLOQ_MODEL_DARKNET_CFG_TESTDATA_H_
#define YOLOQ_MODEL_DARKNET_CFG_TESTDATA_H_

#include <string>

namespace yoloq {

// yolov3.cfg (80 classes, ignore_thresh .7) and, with 20 classes,
// yolov3-voc.cfg (ignore_thresh .5).
std::string OfficialYolov3Cfg(int classes);

std::string OfficialYolov3TinyCfg();

// With the classifier at its end: [avgpool], [convolutional], [softmax].
std::string OfficialDarknet53Cfg();

}  // namespace yoloq

#endif  // YOLOQ_MODEL_DARKNET_CFG_TESTDATA_H_
