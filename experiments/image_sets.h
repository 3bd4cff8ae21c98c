// The images of a profile, read when first needed.
#ifndef YOLOQ_EXPERIMENTS_IMAGE_SETS_H_
#define YOLOQ_EXPERIMENTS_IMAGE_SETS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"

namespace yoloq {

// A list of annotated images and the digest of all their files.
struct ImageSet {
  std::vector<VocImage> images;
  std::string sha256;  // DatasetDigest (eval/dataset_digest.h)
};

// The test images (the first data.max_test_images of them). cache_folder: where
// digests of files are remembered. Errors as ReadVocSets.
absl::StatusOr<ImageSet> ReadTestSet(const DataSpec& data,
                                     const std::vector<std::string>& classes,
                                     const std::string& cache_folder);

// All training images, in the order of their lists.
absl::StatusOr<ImageSet> ReadTrainingSet(
    const DataSpec& data, const std::vector<std::string>& classes,
    const std::string& cache_folder);

// The calibration images: drawn from the training lists by
// quant/calibration_list.h, in that order. `quantization` is resolved.
absl::StatusOr<ImageSet> ReadCalibrationSet(
    const DataSpec& data, const QuantizationSpec& quantization,
    const std::vector<std::string>& classes, const std::string& cache_folder);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_IMAGE_SETS_H_
