#include "experiments/calibrate.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "eval/dataset_loader.h"
#include "experiments/estimate.h"
#include "model/graph.h"
#include "model/torch_executor.h"
#include "quant/calibration.h"
#include "tools/base/file.h"
#include "tools/base/parallel.h"
#include "tools/base/progress.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

std::vector<std::string> NoiseIds(int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back(absl::StrCat("noise/", i));
  return ids;
}

// Where the pictures come from, in order; called by one thread at a time.
using NextInput = std::function<absl::StatusOr<std::vector<uint8_t>>()>;

// An executor of one thread that shows the calibrator one image after another.
struct Worker {
  int64_t image = 0;  // number of the one at hand
  std::unique_ptr<TorchExecutor> executor;
};

// A core an image: LibTorch's own threads would wait for each other at every
// layer, and spin against the loader's. The calibrator keeps the images in
// order.
class Workers {
 public:
  static absl::StatusOr<std::unique_ptr<Workers>> Create(
      const Graph& graph, const Weights& weights, Calibrator* calibrator) {
    auto result = std::make_unique<Workers>();
    result->calibrator_ = calibrator;
    result->workers_.resize(CoreCount());
    for (Worker& worker : result->workers_) {
      TorchExecutorOptions options;
      options.threads = 1;
      options.hook_before_activation = calibrator->wants_before_activation();
      options.hook = [calibrator, &worker](int node, bool before_activation,
                                           float* values, int64_t count) {
        calibrator->Observe(worker.image, node, before_activation, values,
                            count);
      };
      YOLOQ_ASSIGN_OR_RETURN(
          worker.executor,
          TorchExecutor::Create(graph, weights, std::move(options)));
    }
    return result;
  }

  // Observes the images [calibrator's images_done, `end`).
  absl::Status Observe(int64_t end, absl::Span<const std::string> ids,
                       const NextInput& next, Progress* progress) {
    next_image_ = calibrator_->images_done();
    std::vector<std::thread> others;
    for (size_t i = 1; i < workers_.size(); ++i) {
      others.emplace_back(
          [&, i] { Work(&workers_[i], end, ids, next, progress); });
    }
    Work(&workers_[0], end, ids, next, progress);
    for (std::thread& other : others) other.join();
    YOLOQ_RETURN_IF_ERROR(status_);
    while (calibrator_->images_done() < end) {
      YOLOQ_RETURN_IF_ERROR(
          calibrator_->FinishImage(ids[calibrator_->images_done()]));
    }
    return absl::OkStatus();
  }

 private:
  void Work(Worker* worker, int64_t end, absl::Span<const std::string> ids,
            const NextInput& next, Progress* progress) {
    std::vector<HeadOutput> heads;
    while (true) {
      absl::StatusOr<std::vector<uint8_t>> input = Take(worker, end, next);
      if (!input.ok()) return Fail(input.status());
      if (input->empty()) return;
      const absl::Status status = worker->executor->Run(*input, &heads);
      if (!status.ok()) return Fail(Annotate(status, ids[worker->image]));
      progress->Advance(1);
    }
  }

  // The next image's input; nothing after the last, or after a failure.
  absl::StatusOr<std::vector<uint8_t>> Take(Worker* worker, int64_t end,
                                            const NextInput& next) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!status_.ok() || next_image_ == end) return std::vector<uint8_t>();
    worker->image = next_image_++;
    return next();
  }

  void Fail(const absl::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    status_.Update(status);
    calibrator_->Stop();
  }

  Calibrator* calibrator_ = nullptr;
  std::vector<Worker> workers_;
  std::mutex mutex_;
  int64_t next_image_ = 0;
  absl::Status status_;
};

// Says what `images` images will take, by rounds on noise with observers of
// their own.
absl::Status Announce(const Graph& graph, const Weights& weights,
                      const QuantizationSpec& spec, int64_t images) {
  Calibrator calibrator(graph, spec);
  std::unique_ptr<Workers> workers;
  const std::vector<std::string> ids = NoiseIds(2 * CoreCount());
  const NextInput next = [&]() -> absl::StatusOr<std::vector<uint8_t>> {
    return NoisePicture(graph, /*seed=*/0, /*index=*/0);
  };
  return AnnounceInference("calibrate", graph, images, CoreCount(), [&]() {
    if (workers == nullptr) {
      YOLOQ_ASSIGN_OR_RETURN(workers,
                             Workers::Create(graph, weights, &calibrator));
    }
    Progress progress("calibrate, a trial", CoreCount(), "pictures");
    return workers->Observe(calibrator.images_done() + CoreCount(), ids, next,
                            &progress);
  });
}

}  // namespace

absl::StatusOr<Calibration> CalibrateOnImages(const Graph& graph,
                                              const Weights& weights,
                                              const QuantizationSpec& spec,
                                              PreprocessSpec::Resize resize,
                                              absl::Span<const VocImage> images,
                                              const std::string& folder) {
  Calibrator calibrator(graph, spec);
  std::vector<std::string> ids;
  for (const VocImage& image : images) ids.push_back(image.id);
  const std::string checkpoint = JoinPath(folder, "checkpoint.binpb");
  if (PathExists(checkpoint)) {
    Calibration partial;
    YOLOQ_RETURN_IF_ERROR(ReadBinaryProto(checkpoint, &partial));
    YOLOQ_RETURN_IF_ERROR(
        Annotate(calibrator.Resume(partial, ids), checkpoint));
  }
  YOLOQ_RETURN_IF_ERROR(
      Announce(graph, weights, spec,
               static_cast<int64_t>(images.size()) - calibrator.images_done()));
  YOLOQ_ASSIGN_OR_RETURN(const auto workers,
                         Workers::Create(graph, weights, &calibrator));
  std::vector<std::string> paths;
  for (const VocImage& image : images.subspan(calibrator.images_done())) {
    paths.push_back(image.jpeg_path);
  }
  DatasetLoader loader(std::move(paths), graph.nodes(0).output().width(),
                       resize);
  const NextInput next = [&]() -> absl::StatusOr<std::vector<uint8_t>> {
    YOLOQ_ASSIGN_OR_RETURN(NetworkInput input, loader.Next());
    return std::move(input.rgb);
  };
  const int64_t count = static_cast<int64_t>(images.size());
  Progress progress("calibrate", count, "images");
  progress.Skip(calibrator.images_done());
  while (calibrator.images_done() < count) {
    const int64_t end = std::min<int64_t>(
        count, calibrator.images_done() + kImagesPerCheckpoint);
    YOLOQ_RETURN_IF_ERROR(workers->Observe(end, ids, next, &progress));
    if (end < count) {
      YOLOQ_RETURN_IF_ERROR(WriteBinaryProto(checkpoint, calibrator.Result()));
    }
  }
  return calibrator.Result();
}

std::vector<uint8_t> NoisePicture(const Graph& graph, uint64_t seed,
                                  int64_t index) {
  std::mt19937_64 random(seed * 1000003 + static_cast<uint64_t>(index));
  std::vector<uint8_t> rgb(ElementCount(graph.nodes(0).output()));
  for (uint8_t& value : rgb) value = static_cast<uint8_t>(random() >> 56);
  return rgb;
}

absl::StatusOr<Calibration> CalibrateOnNoise(const Graph& graph,
                                             const Weights& weights,
                                             const QuantizationSpec& spec) {
  Calibrator calibrator(graph, spec);
  YOLOQ_ASSIGN_OR_RETURN(const auto workers,
                         Workers::Create(graph, weights, &calibrator));
  int64_t index = 0;
  const NextInput next = [&]() -> absl::StatusOr<std::vector<uint8_t>> {
    return NoisePicture(graph, spec.calibration_seed(), index++);
  };
  const std::vector<std::string> ids = NoiseIds(spec.calibration_images());
  Progress progress("calibrate", spec.calibration_images(), "pictures");
  YOLOQ_RETURN_IF_ERROR(
      workers->Observe(spec.calibration_images(), ids, next, &progress));
  return calibrator.Result();
}

}  // namespace yoloq
