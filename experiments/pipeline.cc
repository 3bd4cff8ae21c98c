#include "experiments/pipeline.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "eval/detections.h"
#include "eval/evaluator.h"
#include "eval/image.h"
#include "eval/preprocess.h"
#include "experiments/calibrate.h"
#include "experiments/device_check.h"
#include "experiments/device_results.h"
#include "experiments/engines.h"
#include "experiments/estimate.h"
#include "experiments/host_latency.h"
#include "experiments/native_options.h"
#include "hw/measurement.pb.h"
#include "hw/pi3_board.h"
#include "hw/pi3_model.h"
#include "model/graph.h"
#include "quant/cross_layer_equalization.h"
#include "quant/deployable.h"
#include "quant/improve_weights.h"
#include "quant/node_precision.h"
#include "quant/quantizer.h"
#include "quant/scheme.h"
#include "reports/provenance.h"
#include "tools/base/binary_proto.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/parallel.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Raised whenever the code of a stage comes to other outputs for equal inputs.
constexpr int kCalibrateVersion = 2;
constexpr int kExportVersion = 2;
constexpr int kEvaluateVersion = 1;
constexpr int kMeasureVersion = 1;
constexpr int kModelLatencyVersion = 1;
constexpr int kDeviceCheckVersion = 1;

constexpr char kNative[] = "native";
constexpr char kCalibrationFile[] = "calibration.binpb";
constexpr char kModelFile[] = "model.yoloq";
constexpr char kSizeFile[] = "model_size.textproto";
constexpr char kDetectionsFile[] = "detections.binpb";
constexpr char kLatencyFile[] = "latency.textproto";
constexpr char kMeasurementFile[] = "measurement.binpb";
constexpr char kModelledLatencyFile[] = "modelled_latency.textproto";
constexpr char kDeviceCheckFile[] = "device_check.textproto";

// Engines of one thread each, one a core.
absl::StatusOr<std::vector<std::unique_ptr<Engine>>> EnginePerCore(
    const Deployable& model, const std::string& engine,
    const NativeEngineSpec& native, bool fake_quantized) {
  std::vector<std::unique_ptr<Engine>> engines;
  for (int i = 0; i < CoreCount(); ++i) {
    YOLOQ_ASSIGN_OR_RETURN(
        std::unique_ptr<Engine> made,
        fake_quantized ? MakeFakeQuantizedEngine(model, /*threads=*/1)
                       : MakeEngine(engine, native, &model, /*threads=*/1));
    engines.push_back(std::move(made));
  }
  return engines;
}

// Options of the engine where it has some that are set.
void AddEngineOptions(const std::string& engine, const ProfileSpec& profile,
                      StageInputs* inputs) {
  if (engine == kNative && profile.has_native()) {
    inputs->Add("native", profile.native());
  }
}

absl::Status Detect(const Deployable& model, const std::string& engine,
                    bool fake_quantized, const ProfileSpec& profile,
                    absl::Span<const VocImage> images,
                    const std::string& folder) {
  YOLOQ_ASSIGN_OR_RETURN(
      const auto engines,
      EnginePerCore(model, engine, profile.native(), fake_quantized));
  std::vector<Engine*> pointers;
  for (const auto& each : engines) pointers.push_back(each.get());
  DetectOptions options;
  options.label = fake_quantized ? "simulate" : "evaluate";
  options.shard_folder = folder;
  YOLOQ_RETURN_IF_ERROR(AnnounceEvaluation(
      options.label, pointers, static_cast<int64_t>(images.size())));
  YOLOQ_ASSIGN_OR_RETURN(const DetectionRun run,
                         DetectInImages(pointers, images, profile.preprocess(),
                                        profile.evaluation(), options));
  DetectionShard all;
  for (size_t i = 0; i < images.size(); ++i) {
    *all.add_images() = ToProto(images[i].id, run.detections[i]);
  }
  all.set_seconds(run.seconds_per_image * static_cast<double>(images.size()));
  return WriteDetectionShard(JoinPath(folder, kDetectionsFile), all);
}

// What decides which detections an evaluation keeps: not how they are scored.
EvaluationSpec DetectionFields(const EvaluationSpec& from) {
  EvaluationSpec spec;
  spec.set_score_threshold(from.score_threshold());
  spec.set_nms_iou_threshold(from.nms_iou_threshold());
  spec.set_max_detections_per_class(from.max_detections_per_class());
  return spec;
}

absl::StatusOr<ModelSizeResult> SizeOfFile(const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(const Deployable written, Deployable::Open(path));
  ModelSizeResult size;
  YOLOQ_ASSIGN_OR_RETURN(const int64_t file_bytes, FileSizeBytes(path));
  size.set_file_bytes(file_bytes);
  size.set_weight_bytes(written.weight_bytes());
  YOLOQ_ASSIGN_OR_RETURN(const std::string sha256, FileSha256Hex(path));
  size.set_file_sha256(sha256);
  return size;
}

}  // namespace

std::string PrecisionText(const PartPrecisions& precisions) {
  return absl::StrCat("backbone ", Precision_Name(precisions.backbone),
                      ", neck ", Precision_Name(precisions.neck), ", head ",
                      Precision_Name(precisions.head));
}

Pipeline::Pipeline(const ProfileSpec& profile, ImageSets* sets,
                   Network* network, StageCache* cache, DeviceBench* bench)
    : profile_(profile),
      sets_(sets),
      network_(network),
      cache_(cache),
      bench_(bench),
      quantization_(*ResolveScheme(profile.quantization())) {}

absl::StatusOr<const ImageSet*> Pipeline::CalibrationSet() {
  if (!calibration_set_.has_value()) {
    YOLOQ_ASSIGN_OR_RETURN(calibration_set_,
                           sets_->DrawCalibration(quantization_));
  }
  return &*calibration_set_;
}

absl::StatusOr<StageEntry> Pipeline::Calibrate() {
  StageInputs inputs("calibrate", kCalibrateVersion);
  inputs.Add("network", network_->key());
  inputs.Add("observer", quantization_.activation_observer());
  inputs.Add("equalized",
             quantization_.cross_layer_equalization() ? "yes" : "no");
  inputs.Add("leaky", QuantizationSpec::LeakyMode_Name(quantization_.leaky()));
  if (sets_ == nullptr) {
    inputs.Add("pictures",
               absl::StrCat("noise, seed ", quantization_.calibration_seed(),
                            ", ", quantization_.calibration_images()));
  } else {
    YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, CalibrationSet());
    inputs.Add("pictures", set->sha256);
    inputs.Add("preprocess", profile_.preprocess());
  }
  return cache_->Get(inputs, [this](const std::string& folder) {
    return WriteCalibration(folder);
  });
}

absl::StatusOr<Weights> Pipeline::QuantizableWeights() {
  YOLOQ_ASSIGN_OR_RETURN(const Weights* weights, network_->LoadWeights());
  Weights folded = FoldBatchNorm(network_->graph(), *weights);
  if (!quantization_.cross_layer_equalization()) return folded;
  return EqualizeCrossLayer(WithoutBatchNorm(network_->graph()),
                            std::move(folded));
}

absl::StatusOr<std::vector<uint8_t>> Pipeline::CalibrationInput(int64_t index) {
  if (sets_ == nullptr) {
    return NoisePicture(network_->graph(), quantization_.calibration_seed(),
                        index);
  }
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, CalibrationSet());
  YOLOQ_ASSIGN_OR_RETURN(const Picture picture,
                         ReadJpeg(set->images[index].jpeg_path));
  return MakeNetworkInput(picture, network_->input_size(),
                          profile_.preprocess().resize())
      .rgb;
}

absl::Status Pipeline::WriteCalibration(const std::string& folder) {
  YOLOQ_ASSIGN_OR_RETURN(const Weights weights, QuantizableWeights());
  const Graph graph = WithoutBatchNorm(network_->graph());
  Calibration calibration;
  if (sets_ == nullptr) {
    YOLOQ_ASSIGN_OR_RETURN(calibration,
                           CalibrateOnNoise(graph, weights, quantization_));
  } else {
    YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, CalibrationSet());
    YOLOQ_ASSIGN_OR_RETURN(
        calibration,
        CalibrateOnImages(graph, weights, quantization_,
                          profile_.preprocess().resize(), set->images, folder));
  }
  return WriteBinaryProto(JoinPath(folder, kCalibrationFile), calibration);
}

absl::StatusOr<Calibration> Pipeline::ReadCalibration() {
  YOLOQ_ASSIGN_OR_RETURN(const StageEntry entry, Calibrate());
  Calibration calibration;
  YOLOQ_RETURN_IF_ERROR(
      ReadBinaryProto(JoinPath(entry.folder, kCalibrationFile), &calibration));
  return calibration;
}

absl::StatusOr<std::vector<std::string>> Pipeline::CalibrationIds() {
  YOLOQ_ASSIGN_OR_RETURN(const Calibration calibration, ReadCalibration());
  return std::vector<std::string>(calibration.image_ids().begin(),
                                  calibration.image_ids().end());
}

absl::StatusOr<ExportedModel> Pipeline::Export(
    const PartPrecisions& precisions) {
  ExportedModel model;
  StageInputs inputs("export", kExportVersion);
  inputs.Add("network", network_->key());
  inputs.Add("precisions", PrecisionText(precisions));
  if (precisions.any_int8()) {
    YOLOQ_ASSIGN_OR_RETURN(model.calibration, Calibrate());
    inputs.Add("calibration", model.calibration->record.key());
    inputs.Add("quantization", quantization_);
  }
  YOLOQ_RETURN_IF_ERROR(FinishExport(
      inputs, precisions,
      [&](const std::vector<Precision>& precision, DeployableWriter* writer) {
        return QuantizeCalibrated(precision, writer);
      },
      &model));
  return model;
}

absl::StatusOr<ExportedModel> Pipeline::ExportTrained(
    const PartPrecisions& precisions, const TrainedModel& trained) {
  ExportedModel model;
  StageInputs inputs("export", kExportVersion);
  inputs.Add("trained", trained.stage.record.key());
  inputs.Add("precisions", PrecisionText(precisions));
  inputs.Add("quantization", quantization_);
  YOLOQ_RETURN_IF_ERROR(FinishExport(
      inputs, precisions,
      [&](const std::vector<Precision>& precision, DeployableWriter* writer) {
        return Quantize(FoldBatchNorm(network_->graph(), trained.weights),
                        &trained.learned, precision, writer);
      },
      &model));
  return model;
}

absl::Status Pipeline::FinishExport(
    const StageInputs& inputs, const PartPrecisions& precisions,
    const std::function<absl::StatusOr<DeployableModel>(
        const std::vector<Precision>&, DeployableWriter*)>& quantize,
    ExportedModel* model) {
  const std::vector<Precision> precision = PrecisionByPart(
      network_->graph(), precisions.backbone, precisions.neck, precisions.head);
  YOLOQ_ASSIGN_OR_RETURN(
      model->stage,
      cache_->Get(inputs, [&](const std::string& folder) -> absl::Status {
        std::fprintf(stderr, "export     %s\n",
                     PrecisionText(precisions).c_str());
        const std::string path = JoinPath(folder, kModelFile);
        {
          DeployableWriter writer;
          YOLOQ_ASSIGN_OR_RETURN(const DeployableModel made,
                                 quantize(precision, &writer));
          YOLOQ_RETURN_IF_ERROR(writer.Write(made, path));
        }
        YOLOQ_ASSIGN_OR_RETURN(const ModelSizeResult size, SizeOfFile(path));
        return WriteTextProto(JoinPath(folder, kSizeFile), size);
      }));
  model->path = JoinPath(model->stage.folder, kModelFile);
  YOLOQ_RETURN_IF_ERROR(
      ReadTextProto(JoinPath(model->stage.folder, kSizeFile), &model->size));
  *model->size.mutable_model() = network_->Measured();
  return absl::OkStatus();
}

absl::StatusOr<Weights> Pipeline::ExportableWeights(
    const Calibration* calibration, const std::vector<Precision>& precision) {
  if (calibration == nullptr) {
    YOLOQ_ASSIGN_OR_RETURN(const Weights* weights, network_->LoadWeights());
    return FoldBatchNorm(network_->graph(), *weights);
  }
  YOLOQ_ASSIGN_OR_RETURN(Weights weights, QuantizableWeights());
  ImageSource source;
  source.count = calibration->image_ids_size();
  source.rgb = [this](int64_t index) { return CalibrationInput(index); };
  return ImproveWeights(WithoutBatchNorm(network_->graph()), std::move(weights),
                        *calibration, quantization_, precision, source);
}

absl::StatusOr<DeployableModel> Pipeline::Quantize(
    const Weights& weights, const Calibration* calibration,
    const std::vector<Precision>& precision, DeployableWriter* writer) {
  return QuantizeModel(
      WithoutBatchNorm(network_->graph()), weights, calibration,
      calibration == nullptr ? QuantizationSpec() : quantization_, precision,
      network_->class_names(), writer);
}

absl::StatusOr<DeployableModel> Pipeline::QuantizeCalibrated(
    const std::vector<Precision>& precision, DeployableWriter* writer) {
  absl::optional<Calibration> calibration;
  if (std::find(precision.begin(), precision.end(), INT8) != precision.end()) {
    YOLOQ_ASSIGN_OR_RETURN(calibration, ReadCalibration());
  }
  const Calibration* used = calibration.has_value() ? &*calibration : nullptr;
  YOLOQ_ASSIGN_OR_RETURN(const Weights weights,
                         ExportableWeights(used, precision));
  return Quantize(weights, used, precision, writer);
}

absl::StatusOr<EvaluatedModel> Pipeline::Evaluate(const ExportedModel& model,
                                                  const std::string& engine) {
  return RunEvaluation(model, engine, /*fake_quantized=*/false);
}

absl::StatusOr<EvaluatedModel> Pipeline::EvaluateFakeQuantized(
    const ExportedModel& model) {
  return RunEvaluation(model, "torch, fake quantization",
                       /*fake_quantized=*/true);
}

absl::StatusOr<StageInputs> Pipeline::EvaluationInputs(
    const std::string& stage, const std::string& engine) {
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, sets_->Test());
  StageInputs inputs(stage, kEvaluateVersion);
  inputs.Add("engine", absl::StrCat(engine, " ", EngineVersion(engine)));
  AddEngineOptions(engine, profile_, &inputs);
  inputs.Add("images", set->sha256);
  inputs.Add("preprocess", profile_.preprocess());
  inputs.Add("evaluation", DetectionFields(profile_.evaluation()));
  return inputs;
}

absl::StatusOr<EvaluatedModel> Pipeline::ReadEvaluation(
    const StageEntry& stage, const std::string& engine) {
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, sets_->Test());
  std::vector<std::string> ids;
  for (const VocImage& image : set->images) ids.push_back(image.id);
  YOLOQ_ASSIGN_OR_RETURN(
      const DetectionShard all,
      ReadDetectionShard(JoinPath(stage.folder, kDetectionsFile), ids));
  EvaluatedModel result;
  result.stage = stage;
  result.engine = engine;
  for (const ImageDetections& image : all.images()) {
    result.detections.push_back(FromProto(image));
  }
  result.sha256 = all.sha256();
  result.seconds_per_image = all.seconds() / static_cast<double>(ids.size());
  return result;
}

absl::StatusOr<EvaluatedModel> Pipeline::RunEvaluation(
    const ExportedModel& model, const std::string& engine,
    bool fake_quantized) {
  YOLOQ_ASSIGN_OR_RETURN(
      StageInputs inputs,
      EvaluationInputs(fake_quantized ? "simulate" : "evaluate", engine));
  inputs.Add("model", model.size.file_sha256());
  YOLOQ_ASSIGN_OR_RETURN(
      const StageEntry stage,
      cache_->Get(inputs, [&](const std::string& folder) -> absl::Status {
        YOLOQ_ASSIGN_OR_RETURN(const Deployable deployable,
                               Deployable::Open(model.path));
        YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, sets_->Test());
        return Detect(deployable, engine, fake_quantized, profile_, set->images,
                      folder);
      }));
  return ReadEvaluation(stage, engine);
}

absl::StatusOr<EvaluatedModel> Pipeline::EvaluateNodes(
    const std::vector<Precision>& precision, const std::string& description,
    const std::string& engine) {
  YOLOQ_ASSIGN_OR_RETURN(StageInputs inputs,
                         EvaluationInputs("evaluate", engine));
  YOLOQ_ASSIGN_OR_RETURN(const StageEntry calibration, Calibrate());
  inputs.Add("network", network_->key());
  inputs.Add("calibration", calibration.record.key());
  inputs.Add("quantization", quantization_);
  inputs.Add("precisions", description);
  YOLOQ_ASSIGN_OR_RETURN(
      const StageEntry stage,
      cache_->Get(inputs, [&](const std::string& folder) -> absl::Status {
        DeployableWriter writer;
        YOLOQ_ASSIGN_OR_RETURN(const DeployableModel model,
                               QuantizeCalibrated(precision, &writer));
        const AlignedBytes bytes(writer.Serialize(model));
        YOLOQ_ASSIGN_OR_RETURN(
            const Deployable deployable,
            Deployable::FromBytes(bytes.view(), description));
        YOLOQ_ASSIGN_OR_RETURN(const ImageSet* set, sets_->Test());
        return Detect(deployable, engine, /*fake_quantized=*/false, profile_,
                      set->images, folder);
      }));
  return ReadEvaluation(stage, engine);
}

absl::StatusOr<LatencyResult> Pipeline::Measure(const ExportedModel& model,
                                                const std::string& engine,
                                                StageRecord* record) {
  StageInputs inputs("measure", kMeasureVersion);
  inputs.Add("model", model.size.file_sha256());
  inputs.Add("latency", profile_.latency());
  AddEngineOptions(engine, profile_, &inputs);
  YOLOQ_ASSIGN_OR_RETURN(LatencyResult result,
                         bench_ == nullptr
                             ? MeasureOnHost(model, engine, inputs, record)
                             : MeasureOnDevice(model, engine, inputs, record));
  *result.mutable_model() = network_->Measured();
  return result;
}

absl::StatusOr<LatencyResult> Pipeline::MeasureOnHost(
    const ExportedModel& model, const std::string& engine, StageInputs inputs,
    StageRecord* record) {
  Provenance host;
  FillHost(absl::Now(), &host);
  inputs.Add("engine", absl::StrCat(engine, " ", EngineVersion(engine)));
  inputs.Add("host", absl::StrCat(host.host_name(), ", ", host.cpu_model(),
                                  ", ", host.cpu_count()));
  YOLOQ_ASSIGN_OR_RETURN(
      const StageEntry entry,
      cache_->Get(inputs, [&](const std::string& folder) -> absl::Status {
        YOLOQ_ASSIGN_OR_RETURN(const Deployable deployable,
                               Deployable::Open(model.path));
        YOLOQ_ASSIGN_OR_RETURN(
            const LatencyResult measured,
            MeasureHostLatency(deployable, engine, profile_.native(),
                               profile_.latency()));
        return WriteTextProto(JoinPath(folder, kLatencyFile), measured);
      }));
  *record = entry.record;
  LatencyResult result;
  YOLOQ_RETURN_IF_ERROR(
      ReadTextProto(JoinPath(entry.folder, kLatencyFile), &result));
  return result;
}

absl::StatusOr<LatencyResult> Pipeline::MeasureOnDevice(
    const ExportedModel& model, const std::string& engine, StageInputs inputs,
    StageRecord* record) {
  inputs.Add("engine", engine);
  inputs.Add("device", bench_->Identity());
  inputs.Add("evaluation", DetectionFields(profile_.evaluation()));
  inputs.Add("preprocess", profile_.preprocess());
  YOLOQ_ASSIGN_OR_RETURN(const StageEntry entry,
                         cache_->Get(inputs, [&](const std::string& folder) {
                           return bench_->MeasureLatency(
                               model.path, engine, profile_,
                               JoinPath(folder, kMeasurementFile));
                         }));
  *record = entry.record;
  MeasurementResult measurement;
  YOLOQ_RETURN_IF_ERROR(
      ReadBinaryProto(JoinPath(entry.folder, kMeasurementFile), &measurement));
  return LatencyFromDevice(bench_->spec(), profile_.latency(), measurement);
}

namespace {

absl::StatusOr<ModelledLatency> ModelPi3(const std::string& model_path,
                                         const NativeEngineSpec& native) {
  YOLOQ_ASSIGN_OR_RETURN(const Deployable deployable,
                         Deployable::Open(model_path));
  YOLOQ_ASSIGN_OR_RETURN(const Pi3Latency modelled,
                         ModelPi3Latency(&deployable, NativeOptionsOf(native)));
  ModelledLatency result;
  result.set_engine(kNative);
  result.set_threads(kPi3Threads);
  result.set_ms(modelled.ms);
  result.set_instructions(modelled.instructions);
  result.set_traffic_bytes(modelled.traffic_bytes);
  result.set_model_version(kPi3ModelVersion);
  result.set_factor(modelled.fit.factor);
  result.set_largest_error(modelled.fit.largest_error);
  result.set_assumptions(Pi3Assumptions());
  return result;
}

}  // namespace

absl::StatusOr<ModelledLatency> Pipeline::ModelLatency(
    const ExportedModel& model, StageRecord* record) {
  StageInputs inputs("model_latency", kModelLatencyVersion);
  inputs.Add("model", model.size.file_sha256());
  AddEngineOptions(kNative, profile_, &inputs);
  inputs.Add("board", absl::StrCat(kPi3Core, ", ", kPi3Threads, " threads"));
  inputs.Add("model of the board",
             absl::StrCat(kPi3ModelVersion, ", ", Pi3Assumptions()));
  YOLOQ_ASSIGN_OR_RETURN(
      const StageEntry entry,
      cache_->Get(inputs, [&](const std::string& folder) -> absl::Status {
        YOLOQ_ASSIGN_OR_RETURN(const ModelledLatency modelled,
                               ModelPi3(model.path, profile_.native()));
        return WriteTextProto(JoinPath(folder, kModelledLatencyFile), modelled);
      }));
  *record = entry.record;
  ModelledLatency result;
  YOLOQ_RETURN_IF_ERROR(
      ReadTextProto(JoinPath(entry.folder, kModelledLatencyFile), &result));
  *result.mutable_model() = network_->Measured();
  return result;
}

absl::StatusOr<DeviceCheck> Pipeline::CheckDevice(const ExportedModel& model,
                                                  const std::string& engine,
                                                  bool all_int8,
                                                  StageRecord* record) {
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* test, sets_->Test());
  StageInputs inputs("device_check", kDeviceCheckVersion);
  inputs.Add("model", model.size.file_sha256());
  inputs.Add("engine", absl::StrCat(engine, " ", EngineVersion(engine)));
  AddEngineOptions(engine, profile_, &inputs);
  inputs.Add("device", bench_->Identity());
  inputs.Add("images", test->sha256);
  inputs.Add("evaluation", DetectionFields(profile_.evaluation()));
  inputs.Add("preprocess", profile_.preprocess());
  YOLOQ_ASSIGN_OR_RETURN(
      const StageEntry entry,
      cache_->Get(inputs, [&](const std::string& folder) -> absl::Status {
        YOLOQ_ASSIGN_OR_RETURN(
            const DeviceCheck check,
            RunDeviceCheck(bench_, model.path, engine, profile_, test->images,
                           all_int8, folder));
        return WriteTextProto(JoinPath(folder, kDeviceCheckFile), check);
      }));
  *record = entry.record;
  DeviceCheck check;
  YOLOQ_RETURN_IF_ERROR(
      ReadTextProto(JoinPath(entry.folder, kDeviceCheckFile), &check));
  return check;
}

}  // namespace yoloq
