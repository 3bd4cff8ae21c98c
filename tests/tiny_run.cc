#include "tests/tiny_run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "eval/synthetic_voc.h"
#include "experiments/spec_files.h"
#include "google/protobuf/text_format.h"
#include "model/darknet_cfg_writer.h"
#include "model/darknet_weights.h"
#include "model/weights.h"
#include "model/yolov3.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr char kProfile[] = R"pb(
  name: "tiny"
  description: "slim YOLOv3 on synthetic pictures"
  data { train_sets: "VOC2007/train" test_sets: "VOC2007/test" }
  preprocess { resize: STRETCH }
  evaluation {
    score_threshold: 0.2
    nms_iou_threshold: 0.45
    max_detections_per_class: 20
    match_iou_threshold: 0.5
    bootstrap_resamples: 20
    bootstrap_seed: 1
    table_protocol: AREA
  }
  quantization {
    scheme: "per_channel"
    activation_observer { kind: HISTOGRAM_MSE }
    calibration_seed: 1
  }
  latency { device: "host" threads: 1 min_runs: 2 }
)pb";

constexpr char kNoiseProfile[] = R"pb(
  name: "noise"
  description: "slim YOLOv3 with random weights, no pictures"
  model { weight_seed: 5 width: 0.1 input_size: 64 }
  data { noise_only: true }
  preprocess { resize: STRETCH }
  evaluation {
    score_threshold: 0.2
    nms_iou_threshold: 0.45
    match_iou_threshold: 0.5
    bootstrap_resamples: 20
    table_protocol: AREA
  }
  quantization {
    activation_observer { kind: HISTOGRAM_MSE }
    calibration_images: 2
    calibration_seed: 1
  }
  latency { device: "host" threads: 1 min_runs: 2 }
)pb";

absl::Status WriteNetwork(const ModelSpec& spec) {
  Yolov3Options options;
  options.width = 0.1;
  options.input_size = 64;
  YOLOQ_ASSIGN_OR_RETURN(const Graph graph, BuildYolov3(options));
  YOLOQ_ASSIGN_OR_RETURN(const std::string cfg, FormatDarknetCfg(graph));
  YOLOQ_RETURN_IF_ERROR(WriteFileAtomically(spec.cfg(), cfg));
  DarknetWeights weights;
  weights.weights = RandomWeights(graph, /*seed=*/3);
  weights.convolutions = 75;
  return WriteDarknetWeights(spec.weights(), graph, weights);
}

}  // namespace

absl::StatusOr<ProfileSpec> MakeTinyProfile(const std::string& folder,
                                            int train_images, int test_images) {
  ProfileSpec profile;
  YOLOQ_RETURN_IF_ERROR(ParseTextProto(kProfile, "kProfile", &profile));
  profile.mutable_model()->set_cfg(JoinPath(folder, "slim.cfg"));
  profile.mutable_model()->set_weights(JoinPath(folder, "slim.weights"));
  profile.mutable_data()->set_voc_root(JoinPath(folder, "voc"));
  profile.mutable_quantization()->set_calibration_images(train_images);
  YOLOQ_RETURN_IF_ERROR(WriteNetwork(profile.model()));
  SyntheticVocOptions options;
  options.scene.min_side = 64;
  options.scene.max_side = 96;
  options.train_images = train_images;
  options.val_images = 0;
  options.test_images = test_images;
  YOLOQ_RETURN_IF_ERROR(WriteSyntheticVoc(profile.data().voc_root(), options));
  return profile;
}

ProfileSpec NoiseProfile(const std::string& scheme) {
  ProfileSpec profile;
  google::protobuf::TextFormat::ParseFromString(kNoiseProfile, &profile);
  profile.mutable_quantization()->set_scheme(scheme);
  return profile;
}

RunnerOptions OptionsFor(const std::string& cache_folder,
                         const std::string& engine) {
  RunnerOptions options;
  options.cache_folder = cache_folder;
  options.engine = engine;
  return options;
}

absl::StatusOr<RunResults> RunByName(
    const std::vector<std::string>& experiments, const ProfileSpec& profile,
    const RunnerOptions& options) {
  std::vector<ExperimentSpec> specs;
  for (const std::string& name : experiments) {
    YOLOQ_ASSIGN_OR_RETURN(ExperimentSpec spec, LoadExperiment(name));
    specs.push_back(std::move(spec));
  }
  return RunExperiments(specs, profile, options);
}

RunResult Row(const RunResults& results, absl::string_view experiment) {
  for (const RunResult& result : results.results()) {
    if (result.experiment().name() == experiment) return result;
  }
  return RunResult();
}

std::string StageKey(const RunResult& result, absl::string_view stage) {
  for (const StageRecord& record : result.stages()) {
    if (record.name() == stage) return record.key();
  }
  return "";
}

std::string ModelPath(const RunResult& result,
                      const std::string& cache_folder) {
  return JoinPath(cache_folder,
                  absl::StrCat("stages/export/", StageKey(result, "export"),
                               "/model.yoloq"));
}

}  // namespace yoloq
