// The whole chain on real data: a slim YOLOv3 that learns eight photographs by
// heart finds all their objects.
#include <vector>

#include "eval/average_precision.h"
#include "eval/evaluator.h"
#include "eval/voc.h"
#include "model/graph.h"
#include "model/torch_executor.h"
#include "model/training/trainer.h"
#include "model/yolov3.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

// YOLOv3 at an eighth of its width, its anchors scaled to the input's size.
Graph SlimYolov3(int side) {
  Yolov3Options options;
  options.width = 0.125;
  options.input_size = side;
  Graph graph = *BuildYolov3(options);
  const float scale = side / 416.0f;
  for (const int head : YoloHeads(graph)) {
    for (YoloHeadOp::Anchor& anchor :
         *graph.mutable_nodes(head)->mutable_yolo_head()->mutable_anchors()) {
      anchor.set_width(anchor.width() * scale);
      anchor.set_height(anchor.height() * scale);
    }
  }
  return graph;
}

TEST(OverfitTest, EightRealImagesAreLearntByHeart) {
  YOLOQ_SKIP_WITHOUT_SHARED_DATA();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      std::vector<VocImage> images,
      ReadVocSets(JoinPath(SharedDataFolder(), "voc/VOCdevkit"),
                  {"VOC2007/trainval"}, VocClassNames()));
  images.resize(8);
  TrainingSpec spec;
  YOLOQ_ASSERT_OK(ParseTextProto(R"pb(
                                   epochs: 80
                                   batch_size: 8
                                   seed: 1
                                   learning_rate: 3e-3
                                   schedule: COSINE
                                   final_fraction: 0.05
                                   warmup_steps: 10
                                   gradient_clip_norm: 20
                                   initial_objectness: 0.01
                                   initial_output_scale: 0.1
                                   initial_residual_gamma: 0.2
                                   device: CPU
                                   threads: 1
                                 )pb",
                                 "spec", &spec));
  PreprocessSpec preprocess;
  preprocess.set_resize(PreprocessSpec::STRETCH);
  const Graph graph = SlimYolov3(160);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const TrainingOutcome outcome,
      Train(graph, RandomWeights(graph, 1), spec, images, preprocess));

  EvaluationSpec evaluation;
  evaluation.set_score_threshold(0.01);
  evaluation.set_nms_iou_threshold(0.45);
  YOLOQ_ASSERT_OK_AND_ASSIGN(auto engine,
                             TorchExecutor::Create(graph, outcome.weights, {}));
  Engine* const engines[] = {engine.get()};
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const DetectionRun run,
      DetectInImages(engines, images, preprocess, evaluation));
  std::vector<std::vector<GroundTruthObject>> truth;
  int64_t objects = 0;
  for (const VocImage& image : images) {
    truth.push_back(image.annotation.objects);
  }
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Matches matches,
      MatchDetections(truth, run.detections, VocClassNames().size(),
                      /*iou_threshold=*/0.5));
  const MeanAveragePrecision map = ComputeMeanAveragePrecision(matches);
  for (const AveragePrecision& of_class : map.classes) {
    objects += of_class.objects;
  }
  EXPECT_GE(objects, 8);
  EXPECT_GT(map.area, 0.95);
}

}  // namespace
}  // namespace yoloq
