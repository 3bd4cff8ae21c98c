#include "eval/evaluator.h"

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "absl/strings/str_cat.h"
#include "eval/detections.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

// Detects one object, in the middle, with a score that says how bright the
// picture is. Fails from a given call on.
class BrightnessEngine : public Engine {
 public:
  BrightnessEngine() {
    Shape* input = graph_.add_nodes()->mutable_output();
    input->set_channels(3);
    input->set_height(32);
    input->set_width(32);
    Node* head = graph_.add_nodes();
    head->mutable_output()->set_channels(6);
    head->mutable_output()->set_height(1);
    head->mutable_output()->set_width(1);
    YoloHeadOp* op = head->mutable_yolo_head();
    op->set_classes(1);
    op->set_scale_x_y(1);
    op->add_mask(0);
    op->add_anchors()->set_width(16);
    op->mutable_anchors(0)->set_height(16);
  }

  absl::string_view name() const override { return "brightness"; }
  const Graph& graph() const override { return graph_; }
  Graph* mutable_graph() { return &graph_; }

  absl::Status Run(absl::Span<const uint8_t> rgb,
                   std::vector<HeadOutput>* heads) override {
    if (++runs_ > fail_after_) return absl::InternalError("engine fault");
    const float brightness = rgb[0] / 255.0f;
    heads->assign(1, {1, 1, 1, 6, {0, 0, 0, 0, 100, 8 * brightness - 4}});
    return absl::OkStatus();
  }

  int runs() const { return runs_; }
  void FailAfter(int runs) { fail_after_ = runs; }

 private:
  Graph graph_;
  int runs_ = 0;
  int fail_after_ = 1 << 30;
};

class DetectInImagesTest : public ::testing::Test {
 protected:
  // More than two shards; the images are few files of rising brightness.
  void SetUp() override {
    folder_ = TestFolder();
    options_.shard_folder = JoinPath(folder_, "shards");
    for (int i = 0; i < 8; ++i) {
      ASSERT_TRUE(cv::imwrite(
          Jpeg(i), cv::Mat(50, 100, CV_8UC3, cv::Scalar::all(30 * i))));
    }
    for (int i = 0; i < 2 * kImagesPerShard + 8; ++i) {
      VocImage image;
      image.id = absl::StrCat("VOC2007/", i);
      image.jpeg_path = Jpeg(i % 8);
      images_.push_back(image);
    }
    preprocess_.set_resize(PreprocessSpec::STRETCH);
    spec_.set_score_threshold(0.001);
    spec_.set_nms_iou_threshold(0.45);
  }
  std::string Jpeg(int i) const {
    return JoinPath(folder_, absl::StrCat(i, ".jpg"));
  }
  absl::StatusOr<DetectionRun> Detect(BrightnessEngine* engine) const {
    return DetectInImages({engine}, images_, preprocess_, spec_, options_);
  }

  std::string folder_;
  std::vector<VocImage> images_;
  PreprocessSpec preprocess_;
  EvaluationSpec spec_;
  DetectOptions options_;
};

TEST_F(DetectInImagesTest, KeepsTheOrderOfTheImages) {
  BrightnessEngine engine;
  options_.shard_folder = "";
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DetectionRun run, Detect(&engine));
  ASSERT_EQ(run.detections.size(), images_.size());
  for (size_t i = 0; i < run.detections.size(); ++i) {
    ASSERT_EQ(run.detections[i].size(), 1);
    const float logit = 8 * (30 * (i % 8) / 255.0f) - 4;
    EXPECT_NEAR(run.detections[i][0].score, 1 / (1 + std::exp(-logit)), 0.02);
    EXPECT_FLOAT_EQ(run.detections[i][0].box.left, 25);
    EXPECT_FLOAT_EQ(run.detections[i][0].box.right, 75);
    EXPECT_FLOAT_EQ(run.detections[i][0].box.bottom, 37.5);
  }
  EXPECT_GT(run.seconds_per_image, 0);
  std::vector<ImageDetections> protos;
  for (size_t i = 0; i < images_.size(); ++i) {
    protos.push_back(ToProto(images_[i].id, run.detections[i]));
  }
  EXPECT_EQ(run.sha256, DetectionsSha256(protos));
}

TEST_F(DetectInImagesTest, SeveralEnginesDetectTheSame) {
  BrightnessEngine one, two, three;
  options_.shard_folder = "";
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DetectionRun expected, Detect(&one));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const DetectionRun run,
      DetectInImages({&two, &three}, images_, preprocess_, spec_, options_));
  EXPECT_EQ(run.sha256, expected.sha256);
  EXPECT_EQ(two.runs() + three.runs(), static_cast<int>(images_.size()));
}

TEST_F(DetectInImagesTest, GoesOnWhereItWasInterrupted) {
  BrightnessEngine whole;
  DetectOptions with_shards = options_;
  options_.shard_folder = "";
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DetectionRun expected, Detect(&whole));
  options_ = with_shards;

  BrightnessEngine interrupted;
  interrupted.FailAfter(kImagesPerShard + 10);
  EXPECT_THAT(Detect(&interrupted),
              StatusIs(StatusCode::kInternal,
                       HasSubstr(absl::StrCat("VOC2007/", kImagesPerShard + 10,
                                              ": engine fault"))));
  BrightnessEngine resumed;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DetectionRun run, Detect(&resumed));
  EXPECT_EQ(resumed.runs(), images_.size() - kImagesPerShard);
  EXPECT_EQ(run.sha256, expected.sha256);
  BrightnessEngine finished;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DetectionRun again, Detect(&finished));
  EXPECT_EQ(finished.runs(), 0);
  EXPECT_EQ(again.sha256, expected.sha256);
  EXPECT_EQ(again.seconds_per_image, run.seconds_per_image);
}

TEST_F(DetectInImagesTest, RefusesShardsOfAnotherList) {
  BrightnessEngine engine;
  YOLOQ_ASSERT_OK(Detect(&engine));
  std::swap(images_[0], images_[1]);
  EXPECT_THAT(Detect(&engine),
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr("detections-00000.binpb: holds other")));
}

TEST_F(DetectInImagesTest, NamesAnImageThatDoesNotDecode) {
  YOLOQ_ASSERT_OK(WriteFileAtomically(Jpeg(3), "no JPEG"));
  BrightnessEngine engine;
  EXPECT_THAT(Detect(&engine),
              StatusIs(StatusCode::kDataLoss, HasSubstr(Jpeg(3))));
}

TEST_F(DetectInImagesTest, RefusesANetworkThatIsNotSquare) {
  BrightnessEngine engine;
  engine.mutable_graph()->mutable_nodes(0)->mutable_output()->set_width(64);
  EXPECT_THAT(Detect(&engine), StatusIs(StatusCode::kInvalidArgument,
                                        HasSubstr("input of 3 x 32 x 64")));
}

}  // namespace
}  // namespace yoloq
