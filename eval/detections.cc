#include "eval/detections.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/base/binary_proto.h"
#include "tools/base/digest.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Appends four bytes, the lowest first.
void AppendUint32(uint32_t value, std::string* bytes) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes->push_back(static_cast<char>(value >> shift));
  }
}

void AppendFloat(float value, std::string* bytes) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  AppendUint32(bits, bytes);
}

std::string ShardSha256(const DetectionShard& shard) {
  return DetectionsSha256(absl::MakeConstSpan(std::vector<ImageDetections>(
      shard.images().begin(), shard.images().end())));
}

}  // namespace

ImageDetections ToProto(const std::string& image_id,
                        const std::vector<Detection>& detections) {
  ImageDetections image;
  image.set_image_id(image_id);
  for (const Detection& detection : detections) {
    DetectedObject* object = image.add_objects();
    object->set_class_index(detection.class_index);
    object->set_score(detection.score);
    object->set_left(detection.box.left);
    object->set_top(detection.box.top);
    object->set_right(detection.box.right);
    object->set_bottom(detection.box.bottom);
  }
  return image;
}

std::vector<Detection> FromProto(const ImageDetections& image) {
  std::vector<Detection> detections;
  detections.reserve(image.objects_size());
  for (const DetectedObject& object : image.objects()) {
    detections.push_back(
        {{object.left(), object.top(), object.right(), object.bottom()},
         object.class_index(),
         object.score()});
  }
  return detections;
}

std::string DetectionsSha256(absl::Span<const ImageDetections> images) {
  Sha256 digest;
  for (const ImageDetections& image : images) {
    std::string bytes;
    AppendUint32(image.image_id().size(), &bytes);
    bytes += image.image_id();
    AppendUint32(image.objects_size(), &bytes);
    for (const DetectedObject& object : image.objects()) {
      AppendUint32(object.class_index(), &bytes);
      for (const float value : {object.score(), object.left(), object.top(),
                                object.right(), object.bottom()}) {
        AppendFloat(value, &bytes);
      }
    }
    digest.Update(bytes);
  }
  return digest.Finish();
}

absl::Status WriteDetectionShard(const std::string& path,
                                 DetectionShard shard) {
  shard.set_sha256(ShardSha256(shard));
  return WriteBinaryProto(path, shard);
}

absl::StatusOr<DetectionShard> ReadDetectionShard(
    const std::string& path, absl::Span<const std::string> image_ids) {
  const auto damaged = [&](absl::string_view what) {
    return absl::DataLossError(
        absl::StrCat(path, ": ", what, "; delete the file and run again"));
  };
  DetectionShard shard;
  const absl::Status read = ReadBinaryProto(path, &shard);
  if (absl::IsDataLoss(read)) return damaged("is no shard of detections");
  YOLOQ_RETURN_IF_ERROR(read);
  if (shard.sha256() != ShardSha256(shard)) {
    return damaged("its digest does not fit its content");
  }
  if (!std::equal(image_ids.begin(), image_ids.end(), shard.images().begin(),
                  shard.images().end(),
                  [](const std::string& id, const ImageDetections& image) {
                    return id == image.image_id();
                  })) {
    return damaged("holds other images than the list asks for");
  }
  return shard;
}

}  // namespace yoloq
