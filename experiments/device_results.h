// From what hw/bench measured on a device to the values of a result.
#ifndef YOLOQ_EXPERIMENTS_DEVICE_RESULTS_H_
#define YOLOQ_EXPERIMENTS_DEVICE_RESULTS_H_

#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "hw/devices/device.pb.h"
#include "hw/measurement.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

// The first latency of `measurement`: times of inference alone, without
// pre-processing, decoding and NMS, which are told apart. INVALID too where the
// device is not what its spec says, or is emulated without the spec saying so.
// DataLoss when there is no latency in it.
absl::StatusOr<LatencyResult> LatencyFromDevice(
    const DeviceSpec& device, const LatencySpec& rules,
    const MeasurementResult& measurement);

// Compares the first accuracies of both; they hold the same images in the same
// order (DataLoss). `all_int8`: heads must be equal.
absl::StatusOr<DeviceCheck> CompareWithHost(const DeviceSpec& device,
                                            const MeasurementResult& on_device,
                                            const MeasurementResult& on_host,
                                            bool all_int8);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_DEVICE_RESULTS_H_
