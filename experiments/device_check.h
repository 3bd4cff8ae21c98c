// Runs some pictures on a device and on the host, and compares.
#ifndef YOLOQ_EXPERIMENTS_DEVICE_CHECK_H_
#define YOLOQ_EXPERIMENTS_DEVICE_CHECK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/voc.h"
#include "experiments/device_bench.h"
#include "experiments/spec.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

// Up to so many images are run on the device.
inline constexpr int kDeviceCheckImages = 8;

// The first kDeviceCheckImages of `images` through the model at `model_path`,
// on the device and on the host by the same engine. `folder` receives what both
// measured. Errors of the images, the engine and the device.
absl::StatusOr<DeviceCheck> RunDeviceCheck(DeviceBench* bench,
                                           const std::string& model_path,
                                           const std::string& engine,
                                           const ProfileSpec& profile,
                                           absl::Span<const VocImage> images,
                                           bool all_int8,
                                           const std::string& folder);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_DEVICE_CHECK_H_
