// What an engine detects on a list of pictures, as digests that the host's own
// evaluation is compared with.
#ifndef YOLOQ_HW_BENCH_ACCURACY_H_
#define YOLOQ_HW_BENCH_ACCURACY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hw/bench_engine.h"
#include "hw/detector.h"
#include "hw/measurement.pb.h"

namespace yoloq {

struct ListedPicture {
  std::string id;    // "VOC2007/000001"
  std::string path;  // of the PPM file
};

// What --images names: PPM files (id: the file's name without .ppm), and lists
// with the path of one PPM file a line, relative to the list's folder (id: that
// line without .ppm). Empty lines are skipped. InvalidArgument names the list
// and line where it is no .ppm, and a list without any.
absl::StatusOr<std::vector<ListedPicture>> ListPictures(
    const std::vector<std::string>& names);

absl::StatusOr<AccuracyMeasurement> MeasureAccuracy(
    const ModelIdentity& model, const std::string& engine, int threads,
    const EngineMaker& make_engine, const DetectorOptions& options,
    const std::vector<ListedPicture>& pictures);

}  // namespace yoloq

#endif  // YOLOQ_HW_BENCH_ACCURACY_H_
