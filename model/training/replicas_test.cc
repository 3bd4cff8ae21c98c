#include "model/training/replicas.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "model/weights.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

constexpr int kSide = 16;

// Two convolutions and a head of 4 x 4 cells.
Graph Tiny(bool batch_norm) {
  Graph graph;
  EXPECT_TRUE(ParseTextProto(absl::StrCat(R"(
            nodes {
              name: "input"
              input {}
              output { channels: 3 height: 16 width: 16 }
            }
            nodes {
              name: "first"
              inputs: 0
              convolution {
                out_channels: 8 kernel: 3 stride: 4 padding: 1 groups: 1
                activation: LEAKY batch_norm: )",
                                          batch_norm ? "true" : "false", R"(
              }
            }
            nodes {
              name: "out"
              inputs: 1
              convolution {
                out_channels: 7 kernel: 1 stride: 1 padding: 0 groups: 1
                activation: LINEAR
              }
            }
            nodes {
              name: "yolo"
              inputs: 2
              yolo_head {
                anchors { width: 6 height: 6 }
                mask: 0
                classes: 2
                scale_x_y: 1
              }
            })"),
                             "graph", &graph)
                  .ok());
  EXPECT_TRUE(InferShapes(&graph).ok());
  return graph;
}

std::unique_ptr<TrainableNetwork> Network(const Graph& graph) {
  auto network = TrainableNetwork::Create(graph, RandomWeights(graph, 1), {});
  EXPECT_TRUE(network.ok()) << network.status();
  return *std::move(network);
}

at::Tensor Pictures(int count) {
  const at::Tensor values = at::arange(count * 3 * kSide * kSide);
  return (at::sin(values * 0.37) / 2 + 0.5).view({count, 3, kSide, kSide});
}

std::vector<std::vector<TruthBox>> Truth(int count) {
  std::vector<std::vector<TruthBox>> truth(count);
  for (int i = 0; i < count; ++i) {
    const float at = (i + 0.5f) / count;
    truth[i].push_back({at, 0.4f, 0.3f, 0.4f, i % 2, false});
    if (i % 3 == 0) truth[i].push_back({0.8f, at, 0.2f, 0.2f, 0, false});
  }
  return truth;
}

std::unique_ptr<Replicas> Make(TrainableNetwork* network, int count,
                               TrainingHooks* hooks = nullptr) {
  auto replicas = Replicas::Create(network, hooks, count);
  EXPECT_TRUE(replicas.ok()) << replicas.status();
  return *std::move(replicas);
}

// Nine pictures at once or in parts.
class WholeBatchTest : public ::testing::TestWithParam<int> {
 protected:
  void ExpectSameGradients(const TrainableNetwork& one,
                           const TrainableNetwork& many) {
    EXPECT_TRUE(at::allclose(one.weight_gradients(), many.weight_gradients(),
                             1e-4, 1e-5));
    EXPECT_TRUE(
        at::allclose(one.bias_gradients(), many.bias_gradients(), 1e-4, 1e-5));
    EXPECT_GT(at::norm(one.weight_gradients()).item<double>(), 0.1);
  }

  // Twice, as what the first leaves must not count in the second.
  void Compare(TrainableNetwork* one, TrainableNetwork* many) {
    const auto whole = Make(one, 1);
    const auto parts = Make(many, GetParam());
    for (int i = 0; i < 2; ++i) {
      const BatchLoss expected =
          whole->Backward({}, LossSpec(), Pictures(9), Truth(9));
      const BatchLoss loss =
          parts->Backward({}, LossSpec(), Pictures(9), Truth(9));
      EXPECT_NEAR(loss.total, expected.total, 1e-4 * expected.total);
      EXPECT_NEAR(loss.box, expected.box, 1e-4 * expected.total);
      EXPECT_NEAR(loss.objectness, expected.objectness, 1e-4 * expected.total);
      EXPECT_NEAR(loss.classes, expected.classes, 1e-4 * expected.total);
      ExpectSameGradients(*one, *many);
    }
  }
};

TEST_P(WholeBatchTest, WithoutBatchNormGradientsAreThoseOfTheBatch) {
  const auto one = Network(Tiny(false));
  const auto many = Network(Tiny(false));
  Compare(one.get(), many.get());
}

TEST_P(WholeBatchTest, WithFrozenBatchNormGradientsAreThoseOfTheBatch) {
  const auto one = Network(Tiny(true));
  const auto many = Network(Tiny(true));
  for (TrainableNetwork* network : {one.get(), many.get()}) {
    network->statistics().add_(0.3);
    network->set_training(false);
  }
  const at::Tensor before = many->statistics().clone();
  Compare(one.get(), many.get());
  EXPECT_TRUE(at::equal(many->statistics(), before));
}

TEST_P(WholeBatchTest, SameArgumentsSameBits) {
  const auto one = Network(Tiny(true));
  const auto two = Network(Tiny(true));
  for (TrainableNetwork* network : {one.get(), two.get()}) {
    const auto replicas = Make(network, GetParam());
    for (int i = 0; i < 3; ++i) {
      replicas->Backward({}, LossSpec(), Pictures(9), Truth(9));
    }
  }
  EXPECT_TRUE(at::equal(one->weight_gradients(), two->weight_gradients()));
  EXPECT_TRUE(at::equal(one->bias_gradients(), two->bias_gradients()));
  EXPECT_TRUE(at::equal(one->statistics(), two->statistics()));
}

// The last: more replicas than pictures.
INSTANTIATE_TEST_SUITE_P(Counts, WholeBatchTest,
                         ::testing::Values(2, 3, 4, 12));

TEST(ReplicasTest, BatchNormSeesEachPartAlone) {
  // Five pictures: three and two.
  const auto network = Network(Tiny(true));
  const auto first = Network(Tiny(true));
  const auto second = Network(Tiny(true));
  const at::Tensor pictures = Pictures(5);
  const auto truth = Truth(5);
  Make(network.get(), 2)->Backward({}, LossSpec(), pictures, truth);
  Make(first.get(), 1)
      ->Backward({}, LossSpec(), pictures.narrow(0, 0, 3),
                 {truth.begin(), truth.begin() + 3});
  Make(second.get(), 1)
      ->Backward({}, LossSpec(), pictures.narrow(0, 3, 2),
                 {truth.begin() + 3, truth.end()});
  EXPECT_TRUE(
      at::allclose(network->statistics(),
                   first->statistics() * 0.6 + second->statistics() * 0.4));
  EXPECT_FALSE(at::allclose(first->statistics(), second->statistics()));
  EXPECT_TRUE(at::allclose(
      network->weight_gradients(),
      first->weight_gradients() * 0.6 + second->weight_gradients() * 0.4, 1e-4,
      1e-6));
}

TEST(ReplicasTest, AllSeeChangesOfTheParameters) {
  const auto network = Network(Tiny(true));
  const auto replicas = Make(network.get(), 2);
  replicas->Backward({}, LossSpec(), Pictures(4), Truth(4));
  const auto changed = Network(Tiny(true));
  for (TrainableNetwork* each : {network.get(), changed.get()}) {
    each->weights().mul_(0.5);
    each->biases().add_(0.1);
    each->statistics().fill_(0.2);
  }
  replicas->Backward({}, LossSpec(), Pictures(4), Truth(4));
  Make(changed.get(), 2)->Backward({}, LossSpec(), Pictures(4), Truth(4));
  EXPECT_TRUE(
      at::equal(network->weight_gradients(), changed->weight_gradients()));
  EXPECT_TRUE(at::equal(network->statistics(), changed->statistics()));
}

// Scales the first convolution's output by a trained number and keeps its
// largest value.
class ScaleHooks : public TrainingHooks {
 public:
  void BeginStep(const TrainingPosition& position) override {
    share = position.share;
  }
  at::Tensor Activation(int node, bool before_activation,
                        const at::Tensor& values) override {
    if (node != 1 || before_activation) return values;
    threads = at::get_num_threads();
    const at::Tensor output = values * scale;
    largest = at::maximum(largest, at::amax(output.detach()).view({1}));
    return output;
  }
  std::vector<at::Tensor> Parameters() override { return {scale}; }
  std::vector<at::Tensor> State() override { return {largest}; }
  std::unique_ptr<TrainingHooks> Replica() const override {
    auto replica = std::make_unique<ScaleHooks>();
    made.push_back(replica.get());
    return replica;
  }
  void MergeState(absl::Span<TrainingHooks* const> others) override {
    for (TrainingHooks* other : others) {
      largest = at::maximum(largest, other->State()[0]);
    }
  }

  double share = 0;
  int threads = 0;
  at::Tensor scale = at::full({1}, 1.5).set_requires_grad(true);
  at::Tensor largest = at::zeros({1});
  mutable std::vector<ScaleHooks*> made;
};

TEST(ReplicasTest, HooksAreOfTheWholeBatch) {
  ScaleHooks whole, parts;
  const auto one = Network(Tiny(false));
  const auto many = Network(Tiny(false));
  const auto single = Make(one.get(), 1, &whole);
  const auto replicas = Make(many.get(), 2, &parts);
  for (int step = 0; step < 3; ++step) {
    single->Backward({}, LossSpec(), Pictures(5), Truth(5));
    replicas->Backward({}, LossSpec(), Pictures(5), Truth(5));
    const double expected = whole.scale.grad().item<double>();
    EXPECT_NEAR(parts.scale.grad().item<double>(), expected,
                1e-4 * std::abs(expected));
    EXPECT_FLOAT_EQ(parts.largest.item<float>(), whole.largest.item<float>());
    // Replicas begin from what the first one's have become.
    const c10::NoGradGuard no_grad;
    for (ScaleHooks* hooks : {&whole, &parts}) hooks->scale.detach().mul_(0.8);
  }
  ASSERT_EQ(parts.made.size(), 1);
  EXPECT_EQ(whole.share, 1);
  EXPECT_EQ(parts.share, 0.6);
  EXPECT_EQ(parts.made[0]->share, 0.4);
}

TEST(ReplicasTest, OperatorsUseTheNumberOfThreadsThatIsSet) {
  const int before = at::get_num_threads();
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    ScaleHooks hooks;
    const auto network = Network(Tiny(true));
    Make(network.get(), 2, &hooks)
        ->Backward({}, LossSpec(), Pictures(2), Truth(2));
    EXPECT_EQ(hooks.threads, threads);
    EXPECT_EQ(hooks.made[0]->threads, threads);
  }
  at::set_num_threads(before);
}

// The picture that begins with 1 is not finite.
class PoisonHooks : public TrainingHooks {
 public:
  explicit PoisonHooks(bool throws) : throws_(throws) {}

  at::Tensor Convolution(TrainableNetwork& network, int node,
                         const at::Tensor& input) override {
    const at::Tensor values = TrainingHooks::Convolution(network, node, input);
    if (node != 1) return values;
    const at::Tensor bad = input.select(3, 0).select(2, 0).select(1, 0) == 1;
    if (throws_ && bad.any().item<bool>()) throw std::runtime_error("bad");
    const at::Tensor nan = at::full({1}, std::nan(""));
    return values + at::where(bad, nan, at::zeros({1})).view({-1, 1, 1, 1});
  }
  std::unique_ptr<TrainingHooks> Replica() const override {
    return std::make_unique<PoisonHooks>(throws_);
  }

 private:
  const bool throws_;
};

TEST(ReplicasTest, FindsTheBadOutputOfAnyReplica) {
  const auto network = Network(Tiny(true));
  PoisonHooks hooks(/*throws=*/false);
  const auto replicas = Make(network.get(), 3, &hooks);
  const at::Tensor pictures = Pictures(6) * 0.9;
  pictures[5].fill_(1);
  const BatchLoss loss = replicas->Backward({}, LossSpec(), pictures, Truth(6));
  EXPECT_FALSE(std::isfinite(loss.total));
  EXPECT_EQ(replicas->FirstBadOutput(pictures),
            "the output of node 'first' is not finite");
}

TEST(ReplicasTest, AnExceptionOfAThreadReachesTheCaller) {
  const auto network = Network(Tiny(true));
  PoisonHooks hooks(/*throws=*/true);
  const auto replicas = Make(network.get(), 3, &hooks);
  at::Tensor pictures = Pictures(6) * 0.9;
  pictures[5].fill_(1);
  EXPECT_THROW(replicas->Backward({}, LossSpec(), pictures, Truth(6)),
               std::runtime_error);
  // And the threads live on.
  pictures[5].fill_(0.5);
  EXPECT_TRUE(std::isfinite(
      replicas->Backward({}, LossSpec(), pictures, Truth(6)).total));
}

TEST(ReplicasTest, HooksWithoutReplicasAreRefused) {
  const auto network = Network(Tiny(true));
  TrainingHooks hooks;
  EXPECT_THAT(Replicas::Create(network.get(), &hooks, 2).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("replicas is 2, but the hooks of this "
                                 "training have no replicas")));
  YOLOQ_ASSERT_OK(Replicas::Create(network.get(), &hooks, 1).status());
}

}  // namespace
}  // namespace yoloq
