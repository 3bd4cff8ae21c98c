#include "quant/calibration.h"

#include <cmath>
#include <random>
#include <thread>

#include "quant/random_deployable.h"
#include "quant/scheme.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

QuantizationSpec Spec(const std::string& scheme) {
  QuantizationSpec spec;
  spec.set_scheme(scheme);
  return *ResolveScheme(spec);
}

// Feeds random values to everything that a network would offer.
void OfferImage(const Graph& graph, int64_t image, uint32_t seed,
                Calibrator* calibrator) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1 + seed);
  for (int node = 0; node < graph.nodes_size(); ++node) {
    for (const bool before : {true, false}) {
      std::vector<float> values(100);
      for (float& x : values) x = normal(random);
      calibrator->Observe(image, node, before, values.data(), values.size());
    }
  }
}

TEST(CalibratorTest, WantsWhatTheQuantizerNeeds) {
  const Graph graph = SmallGraph();
  const Calibrator fused(graph, Spec("per_channel"));
  const Calibrator two_step(graph, Spec("qnnpack"));
  EXPECT_FALSE(fused.wants_before_activation());
  EXPECT_TRUE(two_step.wants_before_activation());
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    const bool computes =
        node.has_convolution() || node.has_add() || node.has_concat();
    EXPECT_EQ(fused.Wants(i, false), computes) << node.name();
    EXPECT_FALSE(fused.Wants(i, true)) << node.name();
    EXPECT_EQ(two_step.Wants(i, true), node.convolution().activation() == LEAKY)
        << node.name();
  }
}

TEST(CalibratorTest, ResultNamesTensorsAndImages) {
  const Graph graph = SmallGraph();
  Calibrator calibrator(graph, Spec("qnnpack"));
  OfferImage(graph, 0, 1, &calibrator);
  YOLOQ_ASSERT_OK(calibrator.FinishImage("a"));
  OfferImage(graph, 1, 2, &calibrator);
  YOLOQ_ASSERT_OK(calibrator.FinishImage("b"));
  const Calibration result = calibrator.Result();
  EXPECT_THAT(result.image_ids(), ElementsAre("a", "b"));
  EXPECT_EQ(result.observer().kind(), ObserverSpec::HISTOGRAM_MSE);
  EXPECT_EQ(result.tensors(0).node(), "conv1");
  EXPECT_TRUE(result.tensors(0).before_activation());
  EXPECT_EQ(result.tensors(1).node(), "conv1");
  EXPECT_FALSE(result.tensors(1).before_activation());
  EXPECT_EQ(result.tensors(1).values(), 200);
}

TEST(CalibratorTest, ThreadsDoNotChangeTheResult) {
  constexpr int kImages = 6;
  const Graph graph = SmallGraph();
  Calibrator alone(graph, Spec("qnnpack"));
  Calibrator shared(graph, Spec("qnnpack"));
  for (int i = 0; i < kImages; ++i) OfferImage(graph, i, i, &alone);
  std::thread even([&] {
    for (int i = 0; i < kImages; i += 2) OfferImage(graph, i, i, &shared);
  });
  for (int i = 1; i < kImages; i += 2) OfferImage(graph, i, i, &shared);
  even.join();
  for (int i = 0; i < kImages; ++i) {
    YOLOQ_ASSERT_OK(alone.FinishImage("a"));
    YOLOQ_ASSERT_OK(shared.FinishImage("a"));
  }
  EXPECT_EQ(alone.Result().SerializeAsString(),
            shared.Result().SerializeAsString());
}

TEST(CalibratorTest, StopFreesThoseThatWait) {
  const Graph graph = SmallGraph();
  Calibrator calibrator(graph, Spec("per_channel"));
  std::thread waiting([&] { OfferImage(graph, 1, 1, &calibrator); });
  calibrator.Stop();
  waiting.join();
  EXPECT_EQ(calibrator.images_done(), 0);
}

TEST(CalibratorTest, TensorsObservedTwiceAreNamed) {
  const Graph graph = SmallGraph();
  Calibrator calibrator(graph, Spec("per_channel"));
  OfferImage(graph, 0, 0, &calibrator);
  const float value = 1;
  calibrator.Observe(0, 1, false, &value, 1);
  EXPECT_THAT(calibrator.FinishImage("a"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node \"conv1\": was observed twice")));
}

TEST(CalibratorTest, ResumeGoesOnAsIfNotInterrupted) {
  const Graph graph = SmallGraph();
  const std::vector<std::string> ids = {"a", "b", "c"};
  Calibrator whole(graph, Spec("qnnpack"));
  Calibration partial;
  for (int i = 0; i < 3; ++i) {
    OfferImage(graph, i, i, &whole);
    YOLOQ_ASSERT_OK(whole.FinishImage(ids[i]));
    if (i == 0) partial = whole.Result();
  }
  Calibrator resumed(graph, Spec("qnnpack"));
  YOLOQ_ASSERT_OK(resumed.Resume(partial, ids));
  for (int i = static_cast<int>(resumed.images_done()); i < 3; ++i) {
    OfferImage(graph, i, i, &resumed);
    YOLOQ_ASSERT_OK(resumed.FinishImage(ids[i]));
  }
  EXPECT_EQ(whole.Result().SerializeAsString(),
            resumed.Result().SerializeAsString());
}

TEST(CalibratorTest, ResumeRefusesWhatIsNotItsOwn) {
  const Graph graph = SmallGraph();
  const std::vector<std::string> ids = {"a", "b"};
  Calibrator calibrator(graph, Spec("qnnpack"));
  OfferImage(graph, 0, 0, &calibrator);
  YOLOQ_ASSERT_OK(calibrator.FinishImage("a"));
  const Calibration good = calibrator.Result();

  const auto expect = [&](const Calibration& partial, const char* message) {
    Calibrator fresh(graph, Spec("qnnpack"));
    EXPECT_THAT(
        fresh.Resume(partial, ids),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
    EXPECT_EQ(fresh.images_done(), 0);
  };
  Calibration bad = good;
  bad.set_image_ids(0, "b");
  expect(bad, "its images are not the first of the list");
  bad = good;
  bad.mutable_observer()->set_bins(512);
  expect(bad, "is of another observer");
  bad = good;
  bad.mutable_tensors()->RemoveLast();
  expect(bad, "tensors, the graph has");
  bad = good;
  bad.mutable_tensors(1)->set_node("other");
  expect(bad, "node \"conv1\" is expected, not node \"other\"");
  bad = good;
  bad.mutable_tensors(1)->mutable_histogram()->Clear();
  expect(bad, "partial calibration: node \"conv1\": observer state: 0 bins");
}

TEST(CalibratorTest, NonFiniteTensorsAreNamed) {
  const Graph graph = SmallGraph();
  Calibrator calibrator(graph, Spec("qnnpack"));
  OfferImage(graph, 0, 0, &calibrator);
  YOLOQ_ASSERT_OK(calibrator.FinishImage("a"));
  const float bad = std::nanf("");
  calibrator.Observe(1, 1, true, &bad, 1);
  EXPECT_THAT(calibrator.FinishImage("b"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("calibration image b: node \"conv1\" before "
                                 "its activation: holds a value")));
}

TEST(CalibratorTest, MissingTensorsAreNamed) {
  const Graph graph = SmallGraph();
  Calibrator calibrator(graph, Spec("per_channel"));
  EXPECT_THAT(calibrator.FinishImage("a"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node \"conv1\": was not observed")));
}

}  // namespace
}  // namespace yoloq
