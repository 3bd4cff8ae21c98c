#include "experiments/image_sets.h"

#include <unordered_map>
#include <utility>

#include "eval/dataset_digest.h"
#include "quant/calibration_list.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::StatusOr<std::vector<VocImage>> Read(
    const DataSpec& data,
    const google::protobuf::RepeatedPtrField<std::string>& sets,
    const std::vector<std::string>& classes) {
  return ReadVocSets(data.voc_root(),
                     std::vector<std::string>(sets.begin(), sets.end()),
                     classes);
}

}  // namespace

absl::StatusOr<ImageSet> ReadTestSet(const DataSpec& data,
                                     const std::vector<std::string>& classes,
                                     const std::string& cache_folder) {
  ImageSet set;
  YOLOQ_ASSIGN_OR_RETURN(set.images, Read(data, data.test_sets(), classes));
  const size_t most = data.max_test_images();
  if (most > 0 && set.images.size() > most) set.images.resize(most);
  YOLOQ_ASSIGN_OR_RETURN(set.sha256, DatasetDigest(set.images, cache_folder));
  return set;
}

absl::StatusOr<ImageSet> ReadTrainingSet(
    const DataSpec& data, const std::vector<std::string>& classes,
    const std::string& cache_folder) {
  ImageSet set;
  YOLOQ_ASSIGN_OR_RETURN(set.images, Read(data, data.train_sets(), classes));
  YOLOQ_ASSIGN_OR_RETURN(set.sha256, DatasetDigest(set.images, cache_folder));
  return set;
}

absl::StatusOr<ImageSet> ReadCalibrationSet(
    const DataSpec& data, const QuantizationSpec& quantization,
    const std::vector<std::string>& classes, const std::string& cache_folder) {
  YOLOQ_ASSIGN_OR_RETURN(std::vector<VocImage> images,
                         Read(data, data.train_sets(), classes));
  std::vector<std::string> ids;
  std::unordered_map<std::string, VocImage*> by_id;
  for (VocImage& image : images) {
    ids.push_back(image.id);
    by_id[image.id] = &image;
  }
  ImageSet set;
  for (const std::string& id : DrawCalibrationIds(ids, quantization)) {
    set.images.push_back(std::move(*by_id[id]));
  }
  YOLOQ_ASSIGN_OR_RETURN(set.sha256, DatasetDigest(set.images, cache_folder));
  return set;
}

}  // namespace yoloq
