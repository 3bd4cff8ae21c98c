// The benchmark program (hw/bench) on a device: brings it and the models there,
// runs it, and fetches what it measured.
#ifndef YOLOQ_EXPERIMENTS_DEVICE_BENCH_H_
#define YOLOQ_EXPERIMENTS_DEVICE_BENCH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "hw/devices/device.pb.h"
#include "hw/remote/device.h"

namespace yoloq {

// A picture to run on a device.
struct BenchPicture {
  std::string id;          // letters, digits, '_', '-' and '/'
  std::string local_path;  // of a binary PPM file
};

class DeviceBench {
 public:
  // `spec`: as LoadDeviceSpec gives it. Finds the program beside this one
  // (NotFound) and reads its digest; the device is connected to when it is
  // first needed.
  static absl::StatusOr<std::unique_ptr<DeviceBench>> Create(
      const DeviceSpec& spec);

  const DeviceSpec& spec() const { return spec_; }

  // What decides a measurement besides the model and the profile: the device's
  // spec and the program's files.
  std::string Identity() const;

  // Times the model by the profile's rules, on the emulated board in one run
  // only; the MeasurementResult goes to the file `result_path`. Errors of the
  // device, and of the program with what it said.
  absl::Status MeasureLatency(const std::string& model_path,
                              const std::string& engine,
                              const ProfileSpec& profile,
                              const std::string& result_path);

  // Likewise, the detections and digests of the pictures.
  absl::Status MeasureAccuracy(const std::string& model_path,
                               const std::string& engine,
                               const ProfileSpec& profile,
                               const std::vector<BenchPicture>& pictures,
                               const std::string& result_path);

 private:
  explicit DeviceBench(const DeviceSpec& spec) : spec_(spec) {}

  absl::Status FindProgram();
  absl::StatusOr<Device*> Connected();
  // Pushes the model and returns its path on the device.
  absl::StatusOr<std::string> PushModel(const std::string& model_path);
  absl::Status Run(std::vector<std::string> flags,
                   const std::string& result_path);

  const DeviceSpec spec_;
  std::vector<LocalFile> program_;  // its files, the binary first
  std::string program_digests_;     // "path sha256\n" of each
  std::unique_ptr<Device> device_;
};

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_DEVICE_BENCH_H_
