#include "experiments/device_check.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "eval/image.h"
#include "experiments/device_results.h"
#include "experiments/engines.h"
#include "hw/bench_accuracy.h"
#include "hw/ppm.h"
#include "tools/base/binary_proto.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// The pictures as files that a device can read, in `folder`.
absl::StatusOr<std::vector<BenchPicture>> WritePictures(
    absl::Span<const VocImage> images, const std::string& folder) {
  std::vector<BenchPicture> pictures;
  for (const VocImage& image : images.subspan(0, kDeviceCheckImages)) {
    YOLOQ_ASSIGN_OR_RETURN(const Picture picture, ReadJpeg(image.jpeg_path));
    const std::string id = absl::StrReplaceAll(image.id, {{"/", "_"}});
    const std::string path = JoinPath(folder, absl::StrCat(id, ".ppm"));
    YOLOQ_RETURN_IF_ERROR(WriteFileAtomically(path, EncodePpm(picture)));
    pictures.push_back({id, path});
  }
  return pictures;
}

DetectorOptions DetectorOptionsOf(const ProfileSpec& profile) {
  DetectorOptions options;
  options.resize = profile.preprocess().resize();
  options.evaluation = profile.evaluation();
  return options;
}

absl::StatusOr<MeasurementResult> MeasureOnHost(
    const std::string& model_path, const std::string& engine,
    const ProfileSpec& profile, const std::vector<BenchPicture>& pictures) {
  std::vector<ListedPicture> listed;
  for (const BenchPicture& picture : pictures) {
    listed.push_back({picture.id, picture.local_path});
  }
  const EngineMaker make_engine = [&](const Deployable* model, int threads,
                                      bool) {
    return MakeEngine(engine, profile.native(), model, threads);
  };
  ModelIdentity model;
  model.set_path(model_path);
  MeasurementResult result;
  YOLOQ_ASSIGN_OR_RETURN(
      *result.add_accuracies(),
      MeasureAccuracy(model, engine, /*threads=*/1, make_engine,
                      DetectorOptionsOf(profile), listed));
  return result;
}

}  // namespace

absl::StatusOr<DeviceCheck> RunDeviceCheck(DeviceBench* bench,
                                           const std::string& model_path,
                                           const std::string& engine,
                                           const ProfileSpec& profile,
                                           absl::Span<const VocImage> images,
                                           bool all_int8,
                                           const std::string& folder) {
  const std::string pictures_folder = JoinPath(folder, "pictures");
  YOLOQ_RETURN_IF_ERROR(MakeFolders(pictures_folder));
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<BenchPicture> pictures,
                         WritePictures(images, pictures_folder));
  YOLOQ_ASSIGN_OR_RETURN(const MeasurementResult on_host,
                         MeasureOnHost(model_path, engine, profile, pictures));
  YOLOQ_RETURN_IF_ERROR(
      WriteBinaryProto(JoinPath(folder, "host.binpb"), on_host));
  const std::string device_path = JoinPath(folder, "device.binpb");
  YOLOQ_RETURN_IF_ERROR(bench->MeasureAccuracy(model_path, engine, profile,
                                               pictures, device_path));
  MeasurementResult on_device;
  YOLOQ_RETURN_IF_ERROR(ReadBinaryProto(device_path, &on_device));
  // They can be made again from the images; the measurements cannot.
  std::error_code ignored;
  std::filesystem::remove_all(pictures_folder, ignored);
  return CompareWithHost(bench->spec(), on_device, on_host, all_int8);
}

}  // namespace yoloq
