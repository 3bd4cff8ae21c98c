#include "model/darknet_weights.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "model/darknet_cfg.h"
#include "model/darknet_cfg_testdata.h"
#include "model/graph.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two convolutions: 2 filters of 3 x 1 x 1 with batch norm (8 + 6 values), then
// 1 of 2 x 3 x 3 without (1 + 18).
constexpr char kCfg[] = R"(
[net]
width=8
height=8
[convolutional]
batch_normalize=1
filters=2
size=1
activation=leaky
[maxpool]
size=2
stride=1
[convolutional]
filters=1
size=3
pad=1
activation=linear
)";
constexpr int kFirstValues = 14;
constexpr int kValues = kFirstValues + 19;

Graph TinyGraph() {
  absl::StatusOr<Graph> graph = ParseDarknetCfg(kCfg, "tiny.cfg");
  EXPECT_TRUE(graph.ok()) << graph.status();
  return *std::move(graph);
}

void Append(const void* data, size_t size, std::string* bytes) {
  bytes->append(static_cast<const char*>(data), size);
}

// A file of version `minor` whose values count from 1.
std::string FileBytes(int minor, int values) {
  std::string bytes;
  const int32_t version[] = {0, minor, 5};
  Append(version, 12, &bytes);
  const uint64_t seen = 32000;
  Append(&seen, minor >= 2 ? 8 : 4, &bytes);
  for (int i = 1; i <= values; ++i) {
    const float value = static_cast<float>(i);
    Append(&value, 4, &bytes);
  }
  return bytes;
}

Weights Zeros(const Graph& graph) {
  Weights weights = RandomWeights(graph, 1);
  for (ConvolutionWeights& node : weights.nodes) {
    std::fill(node.weights.begin(), node.weights.end(), 0.0f);
  }
  return weights;
}

TEST(ParseDarknetWeightsTest, ReadsTheValuesInOrder) {
  for (const int minor : {1, 2}) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        const DarknetWeights read,
        ParseDarknetWeights(FileBytes(minor, kValues), "a", TinyGraph()));
    EXPECT_EQ(read.header.major, 0);
    EXPECT_EQ(read.header.minor, minor);
    EXPECT_EQ(read.header.revision, 5);
    EXPECT_EQ(read.header.images_seen, 32000);
    EXPECT_EQ(read.convolutions, 2);
    const ConvolutionWeights& first = read.weights.nodes[1];
    EXPECT_THAT(first.bias, ElementsAre(1, 2));
    EXPECT_THAT(first.gamma, ElementsAre(3, 4));
    EXPECT_THAT(first.mean, ElementsAre(5, 6));
    EXPECT_THAT(first.variance, ElementsAre(7, 8));
    EXPECT_THAT(first.weights, ElementsAre(9, 10, 11, 12, 13, 14));
    const ConvolutionWeights& second = read.weights.nodes[3];
    EXPECT_THAT(second.bias, ElementsAre(15));
    EXPECT_THAT(second.weights, ::testing::SizeIs(18));
    EXPECT_EQ(second.weights[0], 16);
    EXPECT_EQ(second.weights[17], 33);
  }
}

TEST(ParseDarknetWeightsTest, RefusesTruncatedFiles) {
  const Graph graph = TinyGraph();
  const std::string bytes = FileBytes(2, kValues);
  EXPECT_EQ(bytes.size(), 152);
  EXPECT_THAT(
      ParseDarknetWeights(bytes.substr(0, 151), "a.weights", graph),
      StatusIs(absl::StatusCode::kDataLoss,
               AllOf(HasSubstr("a.weights: 151 bytes, but the network asks for "
                               "152: the file ends inside node 'conv_2' "
                               "(darknet layer 2), after 1 of 2"))));
  EXPECT_THAT(ParseDarknetWeights(bytes.substr(0, 40), "a", graph),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("inside node 'conv_0' (darknet layer 0), "
                                 "after 0 of 2")));
  EXPECT_THAT(ParseDarknetWeights(FileBytes(2, kFirstValues), "a", graph),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("76 bytes, but the network asks for 152: the "
                                 "file ends before node 'conv_2'")));
  for (const size_t size : {0, 11, 12, 19}) {
    EXPECT_THAT(ParseDarknetWeights(bytes.substr(0, size), "a", graph),
                StatusIs(absl::StatusCode::kDataLoss,
                         HasSubstr("too few for the header")))
        << size;
  }
}

TEST(ParseDarknetWeightsTest, RefusesOversizedFiles) {
  EXPECT_THAT(
      ParseDarknetWeights(FileBytes(2, kValues + 1), "a", TinyGraph()),
      StatusIs(absl::StatusCode::kDataLoss,
               HasSubstr("156 bytes, but the network asks for 152: 4 bytes "
                         "follow after the last of 2 convolutions")));
}

TEST(ParseDarknetWeightsTest, RefusesWhatIsNoWeightsFile) {
  std::string bytes = FileBytes(2, kValues);
  bytes[3] = '\xff';
  EXPECT_THAT(ParseDarknetWeights(bytes, "a", TinyGraph()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("a: no darknet .weights file")));
}

TEST(ParseDarknetWeightsTest, RefusesValuesThatCannotBe) {
  std::string bytes = FileBytes(2, kValues);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(&bytes[20 + 4 * 10], &nan, 4);
  EXPECT_THAT(
      ParseDarknetWeights(bytes, "a", TinyGraph()),
      StatusIs(absl::StatusCode::kDataLoss,
               HasSubstr("a: node 'conv_0': weights[2] is not finite")));
  bytes = FileBytes(2, kValues);
  const float negative = -1;
  std::memcpy(&bytes[20 + 4 * 6], &negative, 4);
  EXPECT_THAT(ParseDarknetWeights(bytes, "a", TinyGraph()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("'conv_0': variance[0] is negative")));
}

TEST(ParsePartialDarknetWeightsTest, KeepsTheRest) {
  const Graph graph = TinyGraph();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      DarknetWeights read,
      ParsePartialDarknetWeights(FileBytes(1, kFirstValues), "a", graph,
                                 Zeros(graph)));
  EXPECT_EQ(read.convolutions, 1);
  EXPECT_EQ(read.weights.nodes[1].weights[0], 9);
  EXPECT_THAT(read.weights.nodes[3].weights, Each(0));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      read, ParsePartialDarknetWeights(FileBytes(2, kValues), "a", graph,
                                       Zeros(graph)));
  EXPECT_EQ(read.convolutions, 2);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      read,
      ParsePartialDarknetWeights(FileBytes(2, 0), "a", graph, Zeros(graph)));
  EXPECT_EQ(read.convolutions, 0);
}

TEST(ParsePartialDarknetWeightsTest, RefusesHalfALayer) {
  const Graph graph = TinyGraph();
  EXPECT_THAT(ParsePartialDarknetWeights(FileBytes(2, kFirstValues + 3), "a",
                                         graph, Zeros(graph)),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("the file ends inside node 'conv_2'")));
  EXPECT_THAT(ParsePartialDarknetWeights(FileBytes(2, kValues + 3), "a", graph,
                                         Zeros(graph)),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("12 bytes follow after the last")));
  EXPECT_THAT(ParsePartialDarknetWeights(FileBytes(2, kValues), "a", graph, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the initial weights: weights for 0 nodes")));
}

TEST(WriteDarknetWeightsTest, GivesTheSameBytes) {
  const Graph graph = TinyGraph();
  const std::string path = JoinPath(TestFolder(), "a.weights");
  for (const int minor : {1, 2}) {
    const std::string bytes = FileBytes(minor, kValues);
    YOLOQ_ASSERT_OK_AND_ASSIGN(const DarknetWeights read,
                               ParseDarknetWeights(bytes, "a", graph));
    YOLOQ_ASSERT_OK(WriteDarknetWeights(path, graph, read));
    YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string written, ReadFile(path));
    EXPECT_EQ(written, bytes);
  }
}

TEST(WriteDarknetWeightsTest, RefusesWhatDoesNotFit) {
  const Graph graph = TinyGraph();
  const std::string path = JoinPath(TestFolder(), "a.weights");
  DarknetWeights weights;
  weights.weights = Zeros(graph);
  weights.convolutions = 3;
  EXPECT_THAT(WriteDarknetWeights(path, graph, weights),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the first 3 convolutions cannot be written, "
                                 "there are 2")));
  weights.convolutions = 2;
  weights.weights.nodes[3].bias.clear();
  EXPECT_THAT(WriteDarknetWeights(path, graph, weights),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node 'conv_2': bias has 0 values")));
  EXPECT_FALSE(PathExists(path));
}

// The official darknet53.conv.74 has the 52 convolutions of layers 0 to 73 in
// 162,482,580 bytes.
TEST(OfficialFilesTest, Darknet53Conv74FillsTheBackbone) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Graph yolov3, ParseDarknetCfg(OfficialYolov3Cfg(20), "yolov3.cfg"));
  DarknetCfgOptions options;
  options.layers = 74;
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Graph backbone,
      ParseDarknetCfg(OfficialDarknet53Cfg(), "darknet53.cfg", options));
  DarknetWeights trained;
  trained.header = {0, 2, 0, 1234};
  trained.convolutions = 52;
  trained.weights = RandomWeights(backbone, 5);
  const std::string path = JoinPath(TestFolder(), "darknet53.conv.74");
  YOLOQ_ASSERT_OK(WriteDarknetWeights(path, backbone, trained));
  EXPECT_EQ(*FileSizeBytes(path), 162482580);

  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const DarknetWeights read,
      ReadPartialDarknetWeights(path, yolov3, RandomWeights(yolov3, 6)));
  EXPECT_EQ(read.convolutions, 52);
  EXPECT_EQ(read.header.images_seen, 1234);
  int filled = 0;
  for (int i = 0; i < yolov3.nodes_size(); ++i) {
    const Node& node = yolov3.nodes(i);
    if (!node.has_convolution() || node.part() != BACKBONE) continue;
    EXPECT_EQ(read.weights.nodes[i].weights, trained.weights.nodes[i].weights);
    ++filled;
  }
  EXPECT_EQ(filled, 52);
  EXPECT_THAT(ReadDarknetWeights(path, yolov3),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("darknet53.conv.74: 162482580 bytes"),
                             HasSubstr("ends before node 'conv_75' (darknet "
                                       "layer 75), after 52 of 75"))));
}

// The sizes of the official files yolov3.weights and yolov3-tiny.weights.
TEST(OfficialFilesTest, SizesAreThoseOfTheNetworks) {
  const struct {
    std::string cfg;
    const char* bytes;
  } cases[] = {{OfficialYolov3Cfg(80), "the network asks for 248007048"},
               {OfficialYolov3TinyCfg(), "the network asks for 35434956"}};
  const std::string header = FileBytes(2, 0);
  for (const auto& each : cases) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph,
                               ParseDarknetCfg(each.cfg, "a.cfg"));
    EXPECT_THAT(ParseDarknetWeights(header, "a", graph),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(each.bytes)));
  }
}

TEST(RealWeightsTest, NanoVocComesBackByteForByte) {
  YOLOQ_SKIP_WITHOUT_SHARED_DATA();
  const std::string stem = JoinPath(
      SharedDataFolder(), "weights/nano-voc/MobileNetV2-YOLOv3-Nano-voc");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, ReadDarknetCfg(stem + ".cfg"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DarknetWeights read,
                             ReadDarknetWeights(stem + ".weights", graph));
  EXPECT_EQ(read.header.minor, 2);
  EXPECT_EQ(read.header.revision, 5);
  EXPECT_EQ(read.convolutions, 59);
  int64_t parameters = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    parameters += ParameterCount(graph, i);
  }
  EXPECT_NEAR(parameters, 0.77e6, 0.02e6);
  const std::string path = JoinPath(TestFolder(), "again.weights");
  YOLOQ_ASSERT_OK(WriteDarknetWeights(path, graph, read));
  EXPECT_EQ(*FileSha256Hex(path), *FileSha256Hex(stem + ".weights"));
}

}  // namespace
}  // namespace yoloq
