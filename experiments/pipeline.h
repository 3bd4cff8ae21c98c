// The stages of one network, from weights to measurements; each is cached.
//
//   network + images -> Calibrate -> Export(precisions) -> Evaluate, Measure
//   TrainQuantized (qat_stage.h)  -> ExportTrained      -> Evaluate, Measure
#ifndef YOLOQ_EXPERIMENTS_PIPELINE_H_
#define YOLOQ_EXPERIMENTS_PIPELINE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "eval/detection.h"
#include "experiments/device_bench.h"
#include "experiments/image_sets.h"
#include "experiments/network.h"
#include "experiments/spec.pb.h"
#include "experiments/stage_cache.h"
#include "model/graph.pb.h"
#include "model/weights.h"
#include "quant/deployable.h"
#include "quant/quantization.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

// A finished stage and what it made.
struct ExportedModel {
  StageEntry stage;
  absl::optional<StageEntry> calibration;  // unset when all parts are FP32
  std::string path;                        // of the deployable file
  ModelSizeResult size;
};

struct EvaluatedModel {
  StageEntry stage;
  std::vector<std::vector<Detection>> detections;  // parallel to the images
  std::string sha256;
  double seconds_per_image = 0;
  std::string engine;
};

// Precision of the three parts.
struct PartPrecisions {
  Precision backbone = FP32;
  Precision neck = FP32;
  Precision head = FP32;

  bool any_int8() const {
    return backbone == INT8 || neck == INT8 || head == INT8;
  }
};

// "backbone INT8, neck FP32, head FP32".
std::string PrecisionText(const PartPrecisions& precisions);

// What quantization-aware training made.
struct TrainedModel {
  StageEntry stage;
  Weights weights;      // with batch norm
  Calibration learned;  // the quantization of every tensor
};

class Pipeline {
 public:
  // `profile` is checked; all pointers outlive the pipeline. sets: null
  // calibrates on seeded random pictures, and evaluates nothing.
  // bench: where latencies are measured; null: on this machine.
  Pipeline(const ProfileSpec& profile, ImageSets* sets, Network* network,
           StageCache* cache, DeviceBench* bench = nullptr);

  absl::StatusOr<StageEntry> Calibrate();
  // Ids of the calibration images, in order; after Calibrate.
  absl::StatusOr<std::vector<std::string>> CalibrationIds();

  absl::StatusOr<ExportedModel> Export(const PartPrecisions& precisions);
  absl::StatusOr<ExportedModel> ExportTrained(const PartPrecisions& precisions,
                                              const TrainedModel& trained);

  // Detections on the test set, by the named engine (experiments/engines.h).
  absl::StatusOr<EvaluatedModel> Evaluate(const ExportedModel& model,
                                          const std::string& engine);
  // Likewise, of the calibrated network with a precision for each node. The
  // model is kept in memory only. `description` says what `precision` is: equal
  // ones stand for equal precisions.
  absl::StatusOr<EvaluatedModel> EvaluateNodes(
      const std::vector<Precision>& precision, const std::string& description,
      const std::string& engine);
  // The same by an FP32 simulation with fake quantization.
  absl::StatusOr<EvaluatedModel> EvaluateFakeQuantized(
      const ExportedModel& model);

  absl::StatusOr<LatencyResult> Measure(const ExportedModel& model,
                                        const std::string& engine,
                                        StageRecord* record);

  // Latency of the file on a Raspberry Pi 3B+ by a model (hw/pi3_model.h):
  // nothing is run.
  absl::StatusOr<ModelledLatency> ModelLatency(const ExportedModel& model,
                                               StageRecord* record);

  // Whether the device computes what the host does, on some of the test images.
  // Needs a bench and images.
  absl::StatusOr<DeviceCheck> CheckDevice(const ExportedModel& model,
                                          const std::string& engine,
                                          bool all_int8, StageRecord* record);

  absl::StatusOr<const ImageSet*> CalibrationSet();

 private:
  absl::StatusOr<LatencyResult> MeasureOnHost(const ExportedModel& model,
                                              const std::string& engine,
                                              StageInputs inputs,
                                              StageRecord* record);
  absl::StatusOr<LatencyResult> MeasureOnDevice(const ExportedModel& model,
                                                const std::string& engine,
                                                StageInputs inputs,
                                                StageRecord* record);
  absl::StatusOr<EvaluatedModel> RunEvaluation(const ExportedModel& model,
                                               const std::string& engine,
                                               bool fake_quantized);
  // What besides the model decides its detections.
  absl::StatusOr<StageInputs> EvaluationInputs(const std::string& stage,
                                               const std::string& engine);
  absl::StatusOr<EvaluatedModel> ReadEvaluation(const StageEntry& stage,
                                                const std::string& engine);
  // Without batch norm and, where the spec asks for it, equalized: what is
  // calibrated, and exported in INT8.
  absl::StatusOr<Weights> QuantizableWeights();
  // The calibration images as the network takes them.
  absl::StatusOr<std::vector<uint8_t>> CalibrationInput(int64_t index);
  absl::StatusOr<Calibration> ReadCalibration();
  // Null calibration: everything is FP32.
  absl::StatusOr<Weights> ExportableWeights(
      const Calibration* calibration, const std::vector<Precision>& precision);
  absl::Status WriteCalibration(const std::string& folder);
  absl::StatusOr<DeployableModel> Quantize(
      const Weights& weights, const Calibration* calibration,
      const std::vector<Precision>& precision, DeployableWriter* writer);
  absl::StatusOr<DeployableModel> QuantizeCalibrated(
      const std::vector<Precision>& precision, DeployableWriter* writer);
  // Finds or makes the export: `quantize` adds the model to the writer.
  absl::Status FinishExport(
      const StageInputs& inputs, const PartPrecisions& precisions,
      const std::function<absl::StatusOr<DeployableModel>(
          const std::vector<Precision>&, DeployableWriter*)>& quantize,
      ExportedModel* model);

  const ProfileSpec profile_;
  ImageSets* const sets_;
  Network* const network_;
  StageCache* const cache_;
  DeviceBench* const bench_;
  QuantizationSpec quantization_;  // resolved
  absl::optional<ImageSet> calibration_set_;
};

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_PIPELINE_H_
