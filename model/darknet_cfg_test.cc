#include "model/darknet_cfg.h"

#include <map>

#include "google/protobuf/util/message_differencer.h"
#include "model/darknet_cfg_testdata.h"
#include "model/darknet_cfg_writer.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Backbone, neck, head.
std::vector<int> ConvolutionsOfParts(const Graph& graph) {
  std::vector<int> counts(3);
  for (const Node& node : graph.nodes()) {
    EXPECT_NE(node.part(), PART_UNSPECIFIED) << node.name();
    if (node.has_convolution()) ++counts[node.part() - BACKBONE];
  }
  return counts;
}

const Node* Named(const Graph& graph, absl::string_view name) {
  for (const Node& node : graph.nodes()) {
    if (node.name() == name) return &node;
  }
  return nullptr;
}

std::vector<int> Dimensions(const Graph& graph, absl::string_view name) {
  const Node* node = Named(graph, name);
  if (node == nullptr) return {};
  return {node->output().channels(), node->output().height(),
          node->output().width()};
}

// The differences between two graphs as text, "" when they are equal.
std::string Differences(const Graph& a, const Graph& b) {
  google::protobuf::util::MessageDifferencer differencer;
  std::string report;
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(a, b);
  return report;
}

void SetIgnoreThreshold(float value, Graph* graph) {
  for (Node& node : *graph->mutable_nodes()) {
    if (node.has_yolo_head()) {
      node.mutable_yolo_head()->set_ignore_threshold(value);
    }
  }
}

TEST(OfficialCfgTest, Yolov3IsTheBuildersGraph) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Graph imported,
      ParseDarknetCfg(OfficialYolov3Cfg(80), "cfg/yolov3.cfg"));
  Yolov3Options options;
  options.classes = 80;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph built, BuildYolov3(options));
  EXPECT_EQ(Differences(built, imported), "");
  EXPECT_THAT(ConvolutionsOfParts(imported), ElementsAre(52, 17, 6));
}

TEST(OfficialCfgTest, Yolov3VocIsTheBuildersGraph) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      Graph imported,
      ParseDarknetCfg(OfficialYolov3Cfg(20), "cfg/yolov3-voc.cfg"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(Graph built, BuildYolov3({}));
  built.set_name("yolov3-voc");
  SetIgnoreThreshold(0.5f, &built);
  EXPECT_EQ(Differences(built, imported), "");
  EXPECT_EQ(*ClassCount(imported), 20);
}

// Shapes as darknet prints them, and the published count of 8,858,734
// parameters with 80 classes.
TEST(OfficialCfgTest, Yolov3Tiny) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Graph graph,
      ParseDarknetCfg(OfficialYolov3TinyCfg(), "yolov3-tiny.cfg"));
  EXPECT_THAT(Dimensions(graph, "pool_1"), ElementsAre(16, 208, 208));
  EXPECT_THAT(Dimensions(graph, "conv_8"), ElementsAre(256, 26, 26));
  EXPECT_THAT(Dimensions(graph, "pool_11"), ElementsAre(512, 13, 13));
  EXPECT_THAT(Dimensions(graph, "yolo_16"), ElementsAre(255, 13, 13));
  EXPECT_THAT(Dimensions(graph, "concat_20"), ElementsAre(384, 26, 26));
  EXPECT_THAT(Dimensions(graph, "yolo_23"), ElementsAre(255, 26, 26));
  EXPECT_THAT(ConvolutionsOfParts(graph), ElementsAre(7, 2, 4));
  EXPECT_EQ(Named(graph, "conv_12")->part(), BACKBONE);
  EXPECT_EQ(Named(graph, "conv_13")->part(), NECK);
  EXPECT_EQ(Named(graph, "conv_14")->part(), HEAD);
  int64_t parameters = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    parameters += ParameterCount(graph, i);
  }
  EXPECT_EQ(parameters, 8'852'366);
}

TEST(OfficialCfgTest, Darknet53WithoutItsClassifier) {
  const std::string text = OfficialDarknet53Cfg();
  EXPECT_THAT(ParseDarknetCfg(text, "darknet53.cfg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("darknet53.cfg:"),
                             HasSubstr("[avgpool] this kind of layer is not "
                                       "supported"),
                             HasSubstr("ask for the first 75 layers"))));
  DarknetCfgOptions options;
  options.layers = 75;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph,
                             ParseDarknetCfg(text, "darknet53.cfg", options));
  EXPECT_THAT(ConvolutionsOfParts(graph), ElementsAre(52, 0, 0));
  EXPECT_THAT(Dimensions(graph, "add_74"), ElementsAre(1024, 8, 8));
}

TEST(RealCfgTest, NanoVoc) {
  YOLOQ_SKIP_WITHOUT_SHARED_DATA();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Graph graph,
      ReadDarknetCfg(SharedDataFolder() +
                     "/weights/nano-voc/MobileNetV2-YOLOv3-Nano-voc.cfg"));
  std::map<Node::OpCase, int> kinds;
  for (const Node& node : graph.nodes()) ++kinds[node.op_case()];
  EXPECT_EQ(kinds[Node::kConvolution], 59);
  EXPECT_EQ(kinds[Node::kAdd], 10);
  EXPECT_EQ(kinds[Node::kMaxPool], 3);
  EXPECT_EQ(kinds[Node::kUpsample], 1);
  EXPECT_EQ(kinds[Node::kConcat], 2);
  EXPECT_EQ(kinds[Node::kYoloHead], 2);
  EXPECT_THAT(ConvolutionsOfParts(graph), ElementsAre(48, 7, 4));
  // Shape of the pyramid's concatenation, by hand from the .cfg: 4 * 80.
  EXPECT_THAT(Dimensions(graph, "concat_63"), ElementsAre(320, 10, 10));
  EXPECT_EQ(graph.nodes(YoloHeads(graph)[0]).yolo_head().scale_x_y(), 1.1f);
  EXPECT_EQ(graph.nodes(YoloHeads(graph)[1]).yolo_head().scale_x_y(), 1.05f);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string written,
                             FormatDarknetCfg(graph));
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const Graph again,
      ParseDarknetCfg(written, "MobileNetV2-YOLOv3-Nano-voc.cfg"));
  EXPECT_EQ(Differences(graph, again), "");
}

// One of everything that the official files above lack.
constexpr char kFeatures[] = R"(
; a comment
[network]
width = 32
height	=	64
[conv]
filters=8
size=3
stride=2
padding=1       # an explicit padding
activation=relu
[convolutional]
filters=8
size=3
groups=8
pad=1
batch_normalize=1
activation=linear
[shortcut]
from=0
activation=leaky
[route]
layers=-1
groups=2
group_id=1
[route]
layers=2,1
groups=4
group_id=3
[route]
layers=-1,-2
[maxpool]
size=5
stride=1
[maxpool]
size=3
stride=2
padding=1
[upsample]
stride=4
[convolutional]
filters=12
size=1
activation=linear
[yolo]
anchors=1.5,2, 3,4
classes=1
scale_x_y=1.05
)";

TEST(ParseDarknetCfgTest, UnderstandsEveryFeature) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph,
                             ParseDarknetCfg(kFeatures, "f.cfg"));
  EXPECT_EQ(graph.name(), "f");
  EXPECT_THAT(Dimensions(graph, "input"), ElementsAre(3, 64, 32));
  EXPECT_THAT(Dimensions(graph, "conv_0"), ElementsAre(8, 32, 16));
  EXPECT_EQ(Named(graph, "conv_0")->convolution().activation(), RELU);
  EXPECT_EQ(Named(graph, "conv_1")->convolution().groups(), 8);
  EXPECT_TRUE(Named(graph, "conv_1")->convolution().batch_norm());
  EXPECT_EQ(Named(graph, "add_2")->add().activation(), LEAKY);
  EXPECT_THAT(Named(graph, "add_2")->inputs(), ElementsAre(2, 1));
  EXPECT_EQ(Named(graph, "slice_3")->slice().begin(), 4);
  EXPECT_EQ(Named(graph, "slice_3")->slice().count(), 4);
  EXPECT_EQ(Named(graph, "slice_4_0")->slice().begin(), 6);
  EXPECT_EQ(Named(graph, "slice_4_1")->slice().count(), 2);
  EXPECT_EQ(Named(graph, "slice_4_1")->inputs(0), 2);
  EXPECT_THAT(Dimensions(graph, "concat_4"), ElementsAre(4, 32, 16));
  EXPECT_THAT(Dimensions(graph, "concat_5"), ElementsAre(8, 32, 16));
  // Darknet's padding is size - 1 unless the file says otherwise.
  EXPECT_EQ(Named(graph, "pool_6")->max_pool().padding_total(), 4);
  EXPECT_THAT(Dimensions(graph, "pool_6"), ElementsAre(8, 32, 16));
  EXPECT_THAT(Dimensions(graph, "pool_7"), ElementsAre(8, 16, 8));
  EXPECT_THAT(Dimensions(graph, "upsample_8"), ElementsAre(8, 64, 32));
  EXPECT_EQ(Named(graph, "conv_9")->convolution().padding(), 0);
  const YoloHeadOp& head = Named(graph, "yolo_10")->yolo_head();
  EXPECT_THAT(head.mask(), ElementsAre(0, 1));
  EXPECT_EQ(head.anchors(0).width(), 1.5f);
  EXPECT_EQ(head.scale_x_y(), 1.05f);
  EXPECT_EQ(head.ignore_threshold(), 0.5f);
}

TEST(ParseDarknetCfgTest, TakesPartsByLayer) {
  DarknetCfgOptions options;
  options.parts = {{0, 8, NECK}, {2, 3, BACKBONE}};
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph,
                             ParseDarknetCfg(kFeatures, "f.cfg", options));
  EXPECT_EQ(Named(graph, "conv_0")->part(), NECK);
  EXPECT_EQ(Named(graph, "add_2")->part(), BACKBONE);
  EXPECT_EQ(Named(graph, "slice_3")->part(), BACKBONE);
  EXPECT_EQ(Named(graph, "slice_4_0")->part(), NECK);
  EXPECT_EQ(Named(graph, "conv_9")->part(), HEAD);
  options.parts = {{3, 11, NECK}};
  EXPECT_THAT(ParseDarknetCfg(kFeatures, "f.cfg", options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("f.cfg: parts: 3 to 11 is no range of layers; "
                                 "the network has layers 0 to 10")));
  options.parts = {{3, 4, PART_UNSPECIFIED}};
  EXPECT_THAT(ParseDarknetCfg(kFeatures, "f.cfg", options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("layers 3 to 4 need a part")));
}

TEST(ParseDarknetCfgTest, CutsAtALayer) {
  DarknetCfgOptions options;
  options.layers = 3;
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph,
                             ParseDarknetCfg(kFeatures, "f.cfg", options));
  EXPECT_EQ(graph.nodes_size(), 4);
  options.layers = 12;
  EXPECT_THAT(ParseDarknetCfg(kFeatures, "f.cfg", options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the first 12 layers were asked for, but "
                                 "there are 11")));
}

TEST(ReadDarknetCfgTest, NamesAMissingFile) {
  EXPECT_THAT(
      ReadDarknetCfg("/nowhere/a.cfg"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/a.cfg")));
}

struct BadCfg {
  const char* name;
  const char* text;     // after "[net]\nwidth=32\nheight=32\n" (lines 1 to 3)
  const char* message;  // part of the error
};

class BadCfgTest : public ::testing::TestWithParam<BadCfg> {};

TEST_P(BadCfgTest, SaysFileLineAndSection) {
  EXPECT_THAT(ParseDarknetCfg(
                  absl::StrCat("[net]\nwidth=32\nheight=32\n", GetParam().text),
                  "bad.cfg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(GetParam().message)));
}

#define CONV "[convolutional]\nfilters=8\nsize=1\nactivation=linear\n"

INSTANTIATE_TEST_SUITE_P(
    All, BadCfgTest,
    ::testing::Values(
        BadCfg{"NoLayer", "", "bad.cfg:1: [net] no layer follows"},
        BadCfg{"UnknownSection", CONV "[lstm]\n",
               "bad.cfg:8: [lstm] this kind of layer is not supported"},
        BadCfg{"SecondNet", "[net]\n", "bad.cfg:4: [net] only the first"},
        BadCfg{"NoSection", "rubbish\n",
               "bad.cfg:4: 'rubbish' is neither a [section] nor key=value"},
        BadCfg{"OpenSection", "[convolutional\n",
               "bad.cfg:4: '[convolutional' is neither"},
        BadCfg{"NoKey", "[convolutional]\n=3\n", "bad.cfg:5: '=3' is neither"},
        BadCfg{"UnknownKey", CONV "colour=3\n",
               "bad.cfg:8: [convolutional] unknown key 'colour'"},
        BadCfg{"UnsupportedValue", CONV "dilation=2\n",
               "bad.cfg:8: [convolutional] dilation: '2' is not supported, "
               "only 1"},
        BadCfg{"TwiceTheKey", CONV "size=1\n",
               "bad.cfg:8: [convolutional] 'size' is given twice"},
        BadCfg{"MissingKey", "[convolutional]\nsize=1\nactivation=relu\n",
               "bad.cfg:4: [convolutional] 'filters' is missing"},
        BadCfg{"NoWholeNumber", "[convolutional]\nfilters=8.5\nsize=1\n",
               "bad.cfg:5: [convolutional] filters: '8.5' is no whole number"},
        BadCfg{"NumberTooLarge",
               "[convolutional]\nfilters=99999999999\nsize=1\n",
               "'99999999999' is no whole number"},
        BadCfg{"NoBool", CONV "pad=2\n",
               "bad.cfg:8: [convolutional] pad: 2 must be 0 or 1"},
        BadCfg{"AbsurdFilters",
               "[convolutional]\nfilters=1000000\nsize=1\nactivation=relu\n",
               "bad.cfg:4: [convolutional] node 'conv_0': out_channels is "
               "1000000, it must be from 1 to 65536"},
        BadCfg{"MissingActivation", "[convolutional]\nfilters=8\nsize=1\n",
               "bad.cfg:4: [convolutional] 'activation' is missing"},
        BadCfg{"UnknownActivation",
               "[convolutional]\nfilters=8\nsize=1\nactivation=mish\n",
               "bad.cfg:7: [convolutional] activation: 'mish' is not "
               "supported, only linear, relu and leaky"},
        BadCfg{"ShortcutToItself", CONV "[shortcut]\nfrom=1\n",
               "bad.cfg:9: [shortcut] from: 1 names layer 1, which does not "
               "come before this one (layer 1)"},
        BadCfg{"ShortcutToLater", CONV "[shortcut]\nfrom=2\n" CONV,
               "from: 2 names layer 2, which does not come before"},
        BadCfg{"ShortcutBeforeTheFirst", CONV "[shortcut]\nfrom=-2\n",
               "bad.cfg:9: [shortcut] from: -2 reaches before layer 0"},
        BadCfg{"ShortcutOfSeveral", CONV CONV CONV "[shortcut]\nfrom=-2,-3\n",
               "[shortcut] from: 2 layers are not supported, exactly one"},
        BadCfg{"ShortcutOfDifferentShapes",
               CONV "[convolutional]\nfilters=4\nsize=1\nactivation=relu\n"
                    "[shortcut]\nfrom=-2\n",
               "bad.cfg:12: [shortcut] node 'add_2': inputs of different "
               "shapes: (4, 32, 32) and (8, 32, 32)"},
        BadCfg{"RouteCycle", CONV "[route]\nlayers=0,1\n",
               "bad.cfg:9: [route] layers: 1 names layer 1"},
        BadCfg{"RouteExtreme", CONV "[route]\nlayers=-2147483648\n",
               "layers: -2147483648 reaches before layer 0"},
        BadCfg{"RouteWithoutLayers", CONV "[route]\nlayers=\n",
               "bad.cfg:9: [route] layers: '' is no list of whole numbers"},
        BadCfg{"RouteGroup", CONV "[route]\nlayers=0\ngroups=2\ngroup_id=2\n",
               "bad.cfg:11: [route] group_id: 2 must be from 0 to groups - 1"},
        BadCfg{"RouteGroups", CONV "[route]\nlayers=0\ngroups=3\n",
               "bad.cfg:10: [route] groups: 3 does not divide the 8"},
        BadCfg{"PoolSize", CONV "[maxpool]\nsize=0\n",
               "bad.cfg:9: [maxpool] size: 0 is too small"},
        BadCfg{"UpsampleTooFar", CONV "[upsample]\nstride=200\n",
               "bad.cfg:8: [upsample] node 'upsample_1': the output (8, 6400, "
               "6400) has more than 268435456 elements"},
        BadCfg{"YoloChannels", CONV "[yolo]\nanchors=1,2\nclasses=2\n",
               "bad.cfg:8: [yolo] node 'yolo_1': the input has 8 channels, but "
               "1 anchors * (5 + 2 classes) = 7"},
        BadCfg{"YoloOddAnchors", CONV "[yolo]\nanchors=1,2,3\nclasses=3\n",
               "bad.cfg:9: [yolo] anchors: 3 numbers, but each anchor takes"},
        BadCfg{"YoloAnchors", CONV "[yolo]\nanchors=1,nan\nclasses=3\n",
               "bad.cfg:9: [yolo] anchors: '1,nan' is no list of numbers"},
        BadCfg{"YoloNum", CONV "[yolo]\nanchors=1,2\nclasses=3\nnum=2\n",
               "bad.cfg:11: [yolo] num: 2, but there are 1 anchors"},
        BadCfg{"YoloMask", CONV "[yolo]\nanchors=1,2\nclasses=3\nmask=1\n",
               "[yolo] node 'yolo_1': the mask names anchor 1"},
        BadCfg{"YoloClasses", CONV "[yolo]\nanchors=1,2\n",
               "bad.cfg:8: [yolo] 'classes' is missing"},
        BadCfg{"YoloScale",
               CONV "[yolo]\nanchors=1,2\nclasses=3\nscale_x_y=big\n",
               "bad.cfg:11: [yolo] scale_x_y: 'big' is no number"},
        BadCfg{"LayerAfterYolo", CONV "[yolo]\nanchors=1,2\nclasses=3\n" CONV,
               "bad.cfg:11: [convolutional] convolutional: layer 1 is a "
               "[yolo], whose output no layer can read"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ParseDarknetCfgTest, RefusesBadBeginnings) {
  EXPECT_THAT(ParseDarknetCfg("", "a.cfg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.cfg: no section; a network begins with")));
  EXPECT_THAT(ParseDarknetCfg("width=3\n", "a.cfg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.cfg:1: 'width=3' stands before the first "
                                 "section")));
  EXPECT_THAT(ParseDarknetCfg(CONV, "a.cfg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.cfg:1: [convolutional] the first section "
                                 "must be [net]")));
  EXPECT_THAT(ParseDarknetCfg("[net]\nheight=32\n" CONV, "a.cfg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.cfg:1: [net] 'width' is missing")));
  EXPECT_THAT(
      ParseDarknetCfg("[net]\nheight=32\nwidth=32\nchannels=1\n" CONV, "a.cfg"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("a.cfg:4: [net] channels: 1 is not supported")));
  EXPECT_THAT(ParseDarknetCfg("[net]\nheight=32\nwidth=99999\n" CONV, "a.cfg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.cfg:1: [net] node 'input': width is "
                                 "99999")));
  EXPECT_THAT(ParseDarknetCfg(std::string((1 << 20) + 1, '\n'), "a.cfg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("1048577 bytes are too many")));
}

TEST(ParseDarknetCfgTest, RefusesTooManyLayers) {
  std::string text = "[net]\nwidth=32\nheight=32\n";
  for (int i = 0; i < kMaxNodes; ++i) absl::StrAppend(&text, "[maxpool]\n");
  EXPECT_THAT(
      ParseDarknetCfg(text, "a.cfg"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("a.cfg:4099: [maxpool] more than 4096 nodes")));
}

TEST(FormatDarknetCfgTest, OfficialNetworksComeBackEqual) {
  for (const std::string& text :
       {OfficialYolov3Cfg(80), OfficialYolov3TinyCfg()}) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph,
                               ParseDarknetCfg(text, "a.cfg"));
    YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string written,
                               FormatDarknetCfg(graph));
    YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph again,
                               ParseDarknetCfg(written, "a.cfg"));
    EXPECT_EQ(Differences(graph, again), "");
  }
}

// Slices get layers of their own, so that numbers differ; all else must agree.
TEST(FormatDarknetCfgTest, EveryFeatureComesBack) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(Graph graph, ParseDarknetCfg(kFeatures, "a.cfg"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string written,
                             FormatDarknetCfg(graph));
  YOLOQ_ASSERT_OK_AND_ASSIGN(Graph again, ParseDarknetCfg(written, "a.cfg"));
  for (Graph* each : {&graph, &again}) {
    for (Node& node : *each->mutable_nodes()) {
      node.clear_name();
      node.clear_source_layer();
    }
  }
  EXPECT_EQ(Differences(graph, again), "") << written;
}

TEST(FormatDarknetCfgTest, RefusesWhatACfgCannotSay) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph good,
                             ParseDarknetCfg(kFeatures, "a.cfg"));
  const auto index_of = [&](absl::string_view name) {
    int i = 0;
    while (good.nodes(i).name() != name) ++i;
    return i;
  };
  Graph graph = good;
  graph.mutable_nodes(index_of("slice_3"))->mutable_slice()->set_count(3);
  EXPECT_THAT(FormatDarknetCfg(graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node 'slice_3': a .cfg cannot say channels 4 "
                                 "to 6 of 8")));
  graph = good;
  graph.mutable_nodes(index_of("concat_5"))->mutable_inputs()->RemoveLast();
  EXPECT_THAT(FormatDarknetCfg(graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'concat_5': a .cfg cannot say a")));
  graph = good;
  graph.mutable_nodes(index_of("conv_9"))->set_inputs(0, 0);
  EXPECT_THAT(FormatDarknetCfg(graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'conv_9': only the first layer")));
}

}  // namespace
}  // namespace yoloq
