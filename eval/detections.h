// Detections to and from their proto, their digest, and shards of them in
// files.
#ifndef YOLOQ_EVAL_DETECTIONS_H_
#define YOLOQ_EVAL_DETECTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/detection.h"
#include "eval/detections.pb.h"

namespace yoloq {

ImageDetections ToProto(const std::string& image_id,
                        const std::vector<Detection>& detections);

std::vector<Detection> FromProto(const ImageDetections& image);

// SHA-256, in hexadecimal, over everything but timing: equal for two runs only
// if every image has the same detections, bit for bit, in the same order. The
// same on every platform.
std::string DetectionsSha256(absl::Span<const ImageDetections> images);

// Fills in the shard's digest and writes it atomically.
absl::Status WriteDetectionShard(const std::string& path, DetectionShard shard);

// DataLoss when the file is no shard, its digest does not fit, or its images
// are not `image_ids`; other errors as ReadFile (tools/base/file.h).
absl::StatusOr<DetectionShard> ReadDetectionShard(
    const std::string& path, absl::Span<const std::string> image_ids);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_DETECTIONS_H_
