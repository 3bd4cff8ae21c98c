#include "hw/bench_accuracy.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "eval/detections.h"
#include "hw/head_digest.h"
#include "hw/ppm.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr absl::string_view kExtension = ".ppm";

// The part of a path up to the last slash, "" without one.
std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

absl::Status ReadList(const std::string& path,
                      std::vector<ListedPicture>* pictures) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const size_t before = pictures->size();
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    absl::string_view id = line;
    if (!absl::ConsumeSuffix(&id, kExtension)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": '", line.substr(0, 80),
                       "' is no .ppm file; a list has the path of one a line"));
    }
    pictures->push_back({std::string(id), JoinPath(FolderOf(path), line)});
  }
  if (pictures->size() == before) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": names no picture; a list has the path of one "
                     ".ppm file a line"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ListedPicture>> ListPictures(
    const std::vector<std::string>& names) {
  std::vector<ListedPicture> pictures;
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, kExtension)) {
      YOLOQ_RETURN_IF_ERROR(ReadList(name, &pictures));
      continue;
    }
    const std::string file = name.substr(FolderOf(name).size());
    pictures.push_back(
        {std::string(absl::StripSuffix(file, kExtension)), name});
  }
  return pictures;
}

absl::StatusOr<AccuracyMeasurement> MeasureAccuracy(
    const ModelIdentity& model, const std::string& engine, int threads,
    const EngineMaker& make_engine, const DetectorOptions& options,
    const std::vector<ListedPicture>& pictures) {
  YOLOQ_ASSIGN_OR_RETURN(const Deployable deployable,
                         Deployable::Open(model.path()));
  YOLOQ_ASSIGN_OR_RETURN(
      const std::unique_ptr<Engine> runner,
      make_engine(&deployable, threads, /*time_nodes=*/false));
  YOLOQ_ASSIGN_OR_RETURN(Detector detector,
                         Detector::Create(runner.get(), options));
  AccuracyMeasurement result;
  *result.mutable_model() = model;
  result.set_engine(engine);
  result.set_threads(threads);
  std::vector<ImageDetections> all;
  Sha256 all_heads;
  Progress progress("detect", static_cast<int64_t>(pictures.size()), "images");
  for (const ListedPicture& listed : pictures) {
    YOLOQ_ASSIGN_OR_RETURN(const Picture picture, ReadPpm(listed.path));
    YOLOQ_RETURN_IF_ERROR(Annotate(detector.Run(picture), listed.path));
    ImageDigests* image = result.add_images();
    all.push_back(ToProto(listed.id, detector.detections()));
    *image->mutable_detections() = all.back();
    image->set_detections_sha256(
        DetectionsSha256(absl::MakeConstSpan(&all.back(), 1)));
    image->set_heads_sha256(HeadsSha256(detector.heads()));
    all_heads.Update(image->heads_sha256());
    progress.Advance(1);
  }
  result.set_detections_sha256(DetectionsSha256(all));
  result.set_heads_sha256(all_heads.Finish());
  return result;
}

}  // namespace yoloq
