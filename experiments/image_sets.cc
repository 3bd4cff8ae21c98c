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

absl::StatusOr<const ImageSet*> ImageSets::Test() {
  if (test_.has_value()) return &*test_;
  ImageSet set;
  YOLOQ_ASSIGN_OR_RETURN(set.images, Read(data_, data_.test_sets(), classes_));
  const size_t most = data_.max_test_images();
  if (most > 0 && set.images.size() > most) set.images.resize(most);
  YOLOQ_ASSIGN_OR_RETURN(set.sha256, DatasetDigest(set.images, cache_folder_));
  test_ = std::move(set);
  return &*test_;
}

absl::StatusOr<const ImageSet*> ImageSets::Training() {
  if (training_.has_value()) return &*training_;
  ImageSet set;
  YOLOQ_ASSIGN_OR_RETURN(set.images, Read(data_, data_.train_sets(), classes_));
  YOLOQ_ASSIGN_OR_RETURN(set.sha256, DatasetDigest(set.images, cache_folder_));
  training_ = std::move(set);
  return &*training_;
}

absl::StatusOr<ImageSet> ImageSets::DrawCalibration(
    const QuantizationSpec& quantization) {
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* training, Training());
  std::vector<std::string> ids;
  std::unordered_map<std::string, const VocImage*> by_id;
  for (const VocImage& image : training->images) {
    ids.push_back(image.id);
    by_id[image.id] = &image;
  }
  ImageSet set;
  for (const std::string& id : DrawCalibrationIds(ids, quantization)) {
    set.images.push_back(*by_id[id]);
  }
  YOLOQ_ASSIGN_OR_RETURN(set.sha256, DatasetDigest(set.images, cache_folder_));
  return set;
}

}  // namespace yoloq
