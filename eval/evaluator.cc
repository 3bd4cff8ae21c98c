#include "eval/evaluator.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "eval/detections.h"
#include "eval/postprocess.h"
#include "tools/base/file.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

absl::StatusOr<int> InputSide(const Engine& engine) {
  const Graph& graph = engine.graph();
  const Shape shape = graph.nodes().empty() ? Shape() : graph.nodes(0).output();
  if (shape.channels() != 3 || shape.height() < 1 ||
      shape.height() != shape.width()) {
    return absl::InvalidArgumentError(
        absl::StrCat("network ", graph.name(), ": its input of ",
                     shape.channels(), " x ", shape.height(), " x ",
                     shape.width(), " is not a square picture of 3 channels"));
  }
  return shape.height();
}

// One stretch of the image list, and its detections once they are there.
struct Stretch {
  absl::Span<const VocImage> images;
  std::string path;  // of its shard; empty: none is kept
  std::optional<DetectionShard> shard;
};

absl::StatusOr<std::vector<Stretch>> ReadStretches(
    absl::Span<const VocImage> images, const std::string& folder) {
  std::vector<Stretch> stretches;
  if (!folder.empty()) YOLOQ_RETURN_IF_ERROR(MakeFolders(folder));
  for (size_t begin = 0; begin < images.size(); begin += kImagesPerShard) {
    Stretch stretch;
    stretch.images = images.subspan(begin, kImagesPerShard);
    if (!folder.empty()) {
      stretch.path = JoinPath(
          folder, absl::StrFormat("detections-%05d.binpb", stretches.size()));
    }
    if (PathExists(stretch.path)) {
      std::vector<std::string> ids;
      for (const VocImage& image : stretch.images) ids.push_back(image.id);
      YOLOQ_ASSIGN_OR_RETURN(stretch.shard,
                             ReadDetectionShard(stretch.path, ids));
    }
    stretches.push_back(std::move(stretch));
  }
  return stretches;
}

std::vector<std::string> PathsToLoad(const std::vector<Stretch>& stretches) {
  std::vector<std::string> paths;
  for (const Stretch& stretch : stretches) {
    if (stretch.shard.has_value()) continue;
    for (const VocImage& image : stretch.images)
      paths.push_back(image.jpeg_path);
  }
  return paths;
}

// Hands out the images of a stretch, in order, to the engines' threads.
class Turns {
 public:
  Turns(absl::Span<const VocImage> images, DatasetLoader* loader)
      : images_(images), loader_(loader) {}

  struct Turn {
    size_t index;
    NetworkInput input;
  };

  // The next image; nothing when all are taken or an error was reported.
  std::optional<Turn> Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!status_.ok() || next_ == images_.size()) return std::nullopt;
    absl::StatusOr<NetworkInput> input = loader_->Next();
    if (!input.ok()) {
      status_ = input.status();
      return std::nullopt;
    }
    return Turn{next_++, *std::move(input)};
  }

  void Report(const absl::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    status_.Update(status);
  }

  const absl::Status& status() const { return status_; }

 private:
  const absl::Span<const VocImage> images_;
  DatasetLoader* const loader_;
  std::mutex mutex_;
  size_t next_ = 0;
  absl::Status status_;
};

absl::Status DetectInTurns(Engine* engine, absl::Span<const VocImage> images,
                           const EvaluationSpec& spec, Turns* turns,
                           Progress* progress, DetectionShard* shard) {
  std::vector<HeadOutput> heads;
  while (const std::optional<Turns::Turn> turn = turns->Take()) {
    const VocImage& image = images[turn->index];
    YOLOQ_RETURN_IF_ERROR(
        Annotate(engine->Run(turn->input.rgb, &heads), image.id));
    YOLOQ_ASSIGN_OR_RETURN(
        const std::vector<Detection> detections,
        Postprocess(engine->graph(), heads, turn->input.placement, spec));
    *shard->mutable_images(static_cast<int>(turn->index)) =
        ToProto(image.id, detections);
    progress->Advance(1);
  }
  return absl::OkStatus();
}

absl::StatusOr<DetectionShard> DetectInStretch(
    absl::Span<Engine* const> engines, absl::Span<const VocImage> images,
    const EvaluationSpec& spec, DatasetLoader* loader, Progress* progress) {
  const Clock::time_point start = Clock::now();
  DetectionShard shard;
  for (size_t i = 0; i < images.size(); ++i) shard.add_images();
  Turns turns(images, loader);
  const auto work = [&](Engine* engine) {
    turns.Report(DetectInTurns(engine, images, spec, &turns, progress, &shard));
  };
  std::vector<std::thread> others;
  for (Engine* const engine : engines.subspan(1)) {
    others.emplace_back(work, engine);
  }
  work(engines.front());
  for (std::thread& other : others) other.join();
  YOLOQ_RETURN_IF_ERROR(turns.status());
  shard.set_seconds(SecondsSince(start));
  return shard;
}

DetectionRun Collect(const std::vector<Stretch>& stretches) {
  DetectionRun run;
  std::vector<ImageDetections> all;
  double seconds = 0;
  for (const Stretch& stretch : stretches) {
    seconds += stretch.shard->seconds();
    for (const ImageDetections& image : stretch.shard->images()) {
      run.detections.push_back(FromProto(image));
      all.push_back(image);
    }
  }
  run.sha256 = DetectionsSha256(all);
  if (!all.empty()) {
    run.seconds_per_image = seconds / static_cast<double>(all.size());
  }
  return run;
}

}  // namespace

absl::StatusOr<DetectionRun> DetectInImages(absl::Span<Engine* const> engines,
                                            absl::Span<const VocImage> images,
                                            const PreprocessSpec& preprocess,
                                            const EvaluationSpec& evaluation,
                                            const DetectOptions& options) {
  YOLOQ_ASSIGN_OR_RETURN(const int side, InputSide(*engines.front()));
  YOLOQ_ASSIGN_OR_RETURN(std::vector<Stretch> stretches,
                         ReadStretches(images, options.shard_folder));
  std::vector<std::string> paths = PathsToLoad(stretches);
  Progress progress(options.label, images.size(), "images");
  progress.Skip(images.size() - paths.size());
  DatasetLoader loader(std::move(paths), side, preprocess.resize(),
                       options.loader);
  for (Stretch& stretch : stretches) {
    if (stretch.shard.has_value()) continue;
    YOLOQ_ASSIGN_OR_RETURN(stretch.shard,
                           DetectInStretch(engines, stretch.images, evaluation,
                                           &loader, &progress));
    if (!stretch.path.empty()) {
      YOLOQ_RETURN_IF_ERROR(WriteDetectionShard(stretch.path, *stretch.shard));
    }
  }
  return Collect(stretches);
}

}  // namespace yoloq
