// The images of a profile, read when first needed.
#ifndef YOLOQ_EXPERIMENTS_IMAGE_SETS_H_
#define YOLOQ_EXPERIMENTS_IMAGE_SETS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"

namespace yoloq {

// A list of annotated images and the digest of all their files.
struct ImageSet {
  std::vector<VocImage> images;
  std::string sha256;  // DatasetDigest (eval/dataset_digest.h)
};

// The sets of one DataSpec; each list is read once, when first asked for.
// Errors as ReadVocSets.
class ImageSets {
 public:
  // cache_folder: where digests of files are remembered.
  ImageSets(const DataSpec& data, std::vector<std::string> classes,
            std::string cache_folder)
      : data_(data),
        classes_(std::move(classes)),
        cache_folder_(std::move(cache_folder)) {}

  // The test images (the first data.max_test_images of them).
  absl::StatusOr<const ImageSet*> Test();

  // All training images, in the order of their lists.
  absl::StatusOr<const ImageSet*> Training();

  // The calibration images: drawn from the training lists by
  // quant/calibration_list.h, in that order. `quantization` is resolved.
  absl::StatusOr<ImageSet> DrawCalibration(
      const QuantizationSpec& quantization);

 private:
  const DataSpec data_;
  const std::vector<std::string> classes_;
  const std::string cache_folder_;
  absl::optional<ImageSet> test_;
  absl::optional<ImageSet> training_;
};

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_IMAGE_SETS_H_
