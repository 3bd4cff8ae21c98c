#include "experiments/calibrate.h"

#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "eval/dataset_loader.h"
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

int Cores() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// The executor with the calibrator at its hook.
struct Observed {
  ThreadPool pool{Cores()};
  std::unique_ptr<Calibrator> calibrator;
  std::unique_ptr<TorchExecutor> executor;
  std::vector<HeadOutput> heads;

  static absl::StatusOr<std::unique_ptr<Observed>> Create(
      const Graph& graph, const Weights& weights,
      const QuantizationSpec& spec) {
    auto observed = std::make_unique<Observed>();
    observed->calibrator =
        std::make_unique<Calibrator>(graph, spec, &observed->pool);
    Calibrator* const calibrator = observed->calibrator.get();
    TorchExecutorOptions options;
    options.threads = Cores();
    options.hook_before_activation = calibrator->wants_before_activation();
    options.hook = [calibrator](int node, bool before_activation, float* values,
                                int64_t count) {
      calibrator->Observe(node, before_activation, values, count);
    };
    YOLOQ_ASSIGN_OR_RETURN(
        observed->executor,
        TorchExecutor::Create(graph, weights, std::move(options)));
    return observed;
  }

  absl::Status See(absl::Span<const uint8_t> rgb, const std::string& id) {
    YOLOQ_RETURN_IF_ERROR(Annotate(executor->Run(rgb, &heads), id));
    return calibrator->FinishImage(id);
  }
};

}  // namespace

absl::StatusOr<Calibration> CalibrateOnImages(const Graph& graph,
                                              const Weights& weights,
                                              const QuantizationSpec& spec,
                                              PreprocessSpec::Resize resize,
                                              absl::Span<const VocImage> images,
                                              const std::string& folder) {
  YOLOQ_ASSIGN_OR_RETURN(const auto observed,
                         Observed::Create(graph, weights, spec));
  Calibrator& calibrator = *observed->calibrator;
  std::vector<std::string> ids;
  for (const VocImage& image : images) ids.push_back(image.id);

  const std::string checkpoint = JoinPath(folder, "checkpoint.binpb");
  if (PathExists(checkpoint)) {
    Calibration partial;
    YOLOQ_RETURN_IF_ERROR(ReadBinaryProto(checkpoint, &partial));
    YOLOQ_RETURN_IF_ERROR(
        Annotate(calibrator.Resume(partial, ids), checkpoint));
  }
  std::vector<std::string> paths;
  for (const VocImage& image : images.subspan(calibrator.images_done())) {
    paths.push_back(image.jpeg_path);
  }
  Progress progress("calibrate", images.size(), "images");
  progress.Skip(calibrator.images_done());
  DatasetLoader loader(std::move(paths), graph.nodes(0).output().width(),
                       resize);
  while (calibrator.images_done() < static_cast<int64_t>(images.size())) {
    YOLOQ_ASSIGN_OR_RETURN(const NetworkInput input, loader.Next());
    YOLOQ_RETURN_IF_ERROR(
        observed->See(input.rgb, ids[calibrator.images_done()]));
    progress.Advance(1);
    if (calibrator.images_done() % kImagesPerCheckpoint == 0) {
      YOLOQ_RETURN_IF_ERROR(WriteBinaryProto(checkpoint, calibrator.Result()));
    }
  }
  return calibrator.Result();
}

absl::StatusOr<Calibration> CalibrateOnNoise(const Graph& graph,
                                             const Weights& weights,
                                             const QuantizationSpec& spec) {
  YOLOQ_ASSIGN_OR_RETURN(const auto observed,
                         Observed::Create(graph, weights, spec));
  std::mt19937_64 random(spec.calibration_seed());
  Progress progress("calibrate", spec.calibration_images(), "pictures");
  std::vector<uint8_t> rgb(ElementCount(graph.nodes(0).output()));
  for (int i = 0; i < spec.calibration_images(); ++i) {
    for (uint8_t& value : rgb) value = static_cast<uint8_t>(random() >> 56);
    YOLOQ_RETURN_IF_ERROR(observed->See(rgb, absl::StrCat("noise/", i)));
    progress.Advance(1);
  }
  return observed->calibrator->Result();
}

}  // namespace yoloq
