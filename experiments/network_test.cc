#include "experiments/network.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/darknet_cfg_writer.h"
#include "model/darknet_weights.h"
#include "model/yolov3.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

ModelSpec SlimSpec() {
  ModelSpec spec;
  spec.set_width(0.1);
  spec.set_input_size(64);
  spec.set_weight_seed(3);
  return spec;
}

TEST(NetworkTest, KeyDependsOnGraphAndWeights) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Network a, Network::Open(SlimSpec()));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Network same, Network::Open(SlimSpec()));
  ModelSpec other = SlimSpec();
  other.set_weight_seed(4);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Network seed, Network::Open(other));
  other = SlimSpec();
  other.set_input_size(96);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Network size, Network::Open(other));
  EXPECT_EQ(a.key(), same.key());
  EXPECT_NE(a.key(), seed.key());
  EXPECT_NE(a.key(), size.key());
}

class ImportedNetworkTest : public ::testing::Test {
 protected:
  // The slim network in darknet's files.
  void SetUp() override {
    const std::string folder = TestFolder();
    spec_.set_cfg(JoinPath(folder, "slim.cfg"));
    spec_.set_weights(JoinPath(folder, "slim.weights"));
    Yolov3Options options;
    options.width = 0.1;
    options.input_size = 64;
    const Graph graph = *BuildYolov3(options);
    YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string cfg, FormatDarknetCfg(graph));
    YOLOQ_ASSERT_OK(WriteFileAtomically(spec_.cfg(), cfg));
    DarknetWeights weights;
    weights.weights = RandomWeights(graph, 3);
    weights.convolutions = 75;
    YOLOQ_ASSERT_OK(WriteDarknetWeights(spec_.weights(), graph, weights));
  }

  ModelSpec spec_;
};

TEST_F(ImportedNetworkTest, HasTheWeightsOfTheFiles) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(Network imported, Network::Open(spec_));
  YOLOQ_ASSERT_OK_AND_ASSIGN(Network built, Network::Open(SlimSpec()));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Weights* a, imported.LoadWeights());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Weights* b, built.LoadWeights());
  EXPECT_EQ(a->nodes[1].weights, b->nodes[1].weights);
  EXPECT_EQ(imported.Measured().parameters(), built.Measured().parameters());
}

TEST_F(ImportedNetworkTest, AnotherDigestIsDataLoss) {
  spec_.set_weights_sha256(Sha256Hex("other"));
  EXPECT_THAT(Network::Open(spec_).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("slim.weights")));
}

TEST_F(ImportedNetworkTest, WrongClassNamesSayHowManyAreNeeded) {
  spec_.set_names(JoinPath(TestFolder(), "two.names"));
  YOLOQ_ASSERT_OK(WriteFileAtomically(spec_.names(), "cat\ndog\n"));
  EXPECT_THAT(Network::Open(spec_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has 20 classes, but there are 2")));
}

TEST_F(ImportedNetworkTest, MissingFilesAreNotFound) {
  spec_.set_weights("/nonexistent/a.weights");
  EXPECT_THAT(Network::Open(spec_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("a.weights")));
}

}  // namespace
}  // namespace yoloq
