#include "quant/random_deployable.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "google/protobuf/text_format.h"
#include "model/graph.h"
#include "quant/deployable.h"
#include "quant/integer_semantics.h"

namespace yoloq {
namespace {

constexpr absl::string_view kSmallGraph = R"pb(
  name: "small"
  nodes {
    name: "input"
    part: BACKBONE
    source_layer: -1
    output { channels: 3 height: 16 width: 12 }
    input {}
  }
  nodes {
    name: "conv1"
    part: BACKBONE
    inputs: 0
    convolution {
      out_channels: 8
      kernel: 3
      stride: 1
      padding: 1
      groups: 1
      activation: LEAKY
    }
  }
  nodes {
    name: "conv2"
    part: BACKBONE
    inputs: 1
    convolution {
      out_channels: 12
      kernel: 3
      stride: 2
      padding: 1
      groups: 1
      activation: RELU
    }
  }
  nodes {
    name: "conv3"
    part: BACKBONE
    inputs: 2
    convolution {
      out_channels: 12
      kernel: 1
      stride: 1
      groups: 1
      activation: LEAKY
    }
  }
  nodes {
    name: "grouped"
    part: BACKBONE
    inputs: 3
    convolution { out_channels: 12 kernel: 3 stride: 1 padding: 1 groups: 4 }
  }
  nodes {
    name: "add"
    part: BACKBONE
    inputs: 2
    inputs: 4
    add {}
  }
  nodes {
    name: "pool"
    part: BACKBONE
    inputs: 5
    max_pool { size: 3 stride: 1 padding_total: 2 }
  }
  nodes {
    name: "half"
    part: BACKBONE
    inputs: 6
    max_pool { size: 2 stride: 2 }
  }
  nodes {
    name: "neck"
    part: NECK
    inputs: 7
    convolution {
      out_channels: 8
      kernel: 1
      stride: 1
      groups: 1
      activation: LEAKY
    }
  }
  nodes {
    name: "upsample"
    part: NECK
    inputs: 8
    upsample { factor: 2 }
  }
  nodes {
    name: "slice"
    part: NECK
    inputs: 6
    slice { begin: 4 count: 6 }
  }
  nodes {
    name: "concat"
    part: NECK
    inputs: 9
    inputs: 10
    concat {}
  }
  nodes {
    name: "add_leaky"
    part: NECK
    inputs: 11
    inputs: 11
    add { activation: LEAKY }
  }
  nodes {
    name: "head1"
    part: HEAD
    inputs: 12
    convolution {
      out_channels: 16
      kernel: 3
      stride: 1
      padding: 1
      groups: 1
      activation: LEAKY
    }
  }
  nodes {
    name: "raw1"
    part: HEAD
    inputs: 13
    convolution { out_channels: 14 kernel: 1 stride: 1 groups: 1 }
  }
  nodes {
    name: "yolo1"
    part: HEAD
    inputs: 14
    yolo_head {
      anchors { width: 3 height: 4 }
      anchors { width: 8 height: 6 }
      mask: 0
      mask: 1
      classes: 2
      scale_x_y: 1
    }
  }
  nodes {
    name: "raw2"
    part: HEAD
    inputs: 8
    convolution { out_channels: 7 kernel: 1 stride: 1 groups: 1 }
  }
  nodes {
    name: "yolo2"
    part: HEAD
    inputs: 16
    yolo_head {
      anchors { width: 3 height: 4 }
      anchors { width: 8 height: 6 }
      mask: 1
      classes: 2
      scale_x_y: 1.05
    }
  }
)pb";

class Generator {
 public:
  Generator(const Graph& graph, const std::vector<Precision>& precision,
            const QuantizationSpec& spec, uint64_t seed, WeightSpread spread)
      : graph_(graph), precision_(precision), spread_(spread), random_(seed) {
    *model_.mutable_graph() = graph;
    *model_.mutable_quantization() = spec;
    model_.add_class_names("first");
    model_.add_class_names("second");
  }

  std::string Make() {
    const std::vector<std::vector<int>> consumers = Consumers(graph_);
    for (int i = 0; i < graph_.nodes_size(); ++i) {
      NodeExecution* execution = model_.add_nodes();
      execution->set_precision(precision_[i]);
      bool eight_bit = precision_[i] == INT8;
      for (const int reader : consumers[i]) {
        eight_bit |= precision_[reader] == INT8;
      }
      if (eight_bit) *execution->mutable_output() = Output(i);
      if (!graph_.nodes(i).has_convolution()) continue;
      if (precision_[i] == INT8) {
        Int8Convolution(i, execution);
      } else {
        FloatConvolution(i, execution);
      }
    }
    return writer_.Serialize(model_);
  }

 private:
  float Uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(random_() >> 40) / (1 << 24);
  }

  int8_t Weight() {
    if (spread_ == WeightSpread::kUniform) {
      return static_cast<int8_t>(random_() % 255 - 127);
    }
    // The sum of eight uniform bytes has a deviation of 209.
    const uint64_t bits = random_();
    int sum = -8 * 255 / 2;
    for (int i = 0; i < 8; ++i) sum += static_cast<int>(bits >> (8 * i) & 255);
    const float w = static_cast<float>(sum) * (127 / (4 * 209.0f));
    return static_cast<int8_t>(std::min(std::max(w, -127.0f), 127.0f));
  }

  TensorQuantization Random(float scale, int low, int high) {
    TensorQuantization result;
    result.set_scale(scale * Uniform(0.7f, 1.4f));
    result.set_zero_point(low + static_cast<int>(random_() % (high - low + 1)));
    return result;
  }

  TensorQuantization Output(int index) {
    const Node& node = graph_.nodes(index);
    if (node.has_input()) {
      TensorQuantization result;
      result.set_scale(kInputScale);
      result.set_zero_point(kInputZeroPoint);
      return result;
    }
    const bool moves_bytes = node.has_upsample() || node.has_max_pool() ||
                             node.has_slice() || node.has_yolo_head();
    if (moves_bytes && precision_[index] == INT8) {
      return model_.nodes(node.inputs(0)).output();
    }
    // A shared scale: the last input's, so that its bytes are copied as they
    // are and the others' are not.
    if (node.has_concat() &&
        model_.quantization().concat() == QuantizationSpec::SHARED_SCALE &&
        model_.nodes(*node.inputs().rbegin()).has_output()) {
      return model_.nodes(*node.inputs().rbegin()).output();
    }
    return Random(0.02f, 20, 160);
  }

  void FloatConvolution(int index, NodeExecution* execution) {
    const ConvolutionOp& op = graph_.nodes(index).convolution();
    std::vector<float> weights(WeightCount(graph_, index));
    const float bound = 1.7f / std::sqrt(static_cast<float>(weights.size()) /
                                         op.out_channels());
    for (float& w : weights) w = Uniform(-bound, bound);
    std::vector<float> bias(op.out_channels());
    for (float& b : bias) b = Uniform(-0.3f, 0.3f);
    *execution->mutable_weights() =
        writer_.Append(weights.data(), weights.size() * 4);
    *execution->mutable_bias() = writer_.Append(bias.data(), bias.size() * 4);
  }

  void Int8Convolution(int index, NodeExecution* execution) {
    const Node& node = graph_.nodes(index);
    const ConvolutionOp& op = node.convolution();
    std::vector<int8_t> weights(WeightCount(graph_, index));
    for (int8_t& w : weights) w = Weight();
    const float root =
        std::sqrt(static_cast<float>(weights.size()) / op.out_channels());
    std::vector<int32_t> bias(op.out_channels());
    for (int32_t& b : bias) {
      b = static_cast<int32_t>(Uniform(-4000, 4000) * root);
    }
    // 73 is the deviation of a uniform byte: the products add up to about
    // 73 * 73 * root, to be spread over some 60 steps of the output.
    const float s_x = model_.nodes(node.inputs(0)).output().scale();
    float s_y = execution->output().scale();
    const bool two_step =
        op.activation() == LEAKY &&
        model_.quantization().leaky() == QuantizationSpec::TWO_STEP;
    if (two_step) {
      *execution->mutable_before_activation() = Random(s_y, 60, 200);
      s_y = execution->before_activation().scale();
    }
    const bool per_channel =
        model_.quantization().weights() == QuantizationSpec::PER_CHANNEL;
    std::vector<float> scales(per_channel ? op.out_channels() : 1);
    for (float& s : scales) {
      s = s_y * 60 / (s_x * 73 * 73 * root) * Uniform(0.5f, 1.5f);
    }
    *execution->mutable_weights() =
        writer_.Append(weights.data(), weights.size());
    *execution->mutable_bias() = writer_.Append(bias.data(), bias.size() * 4);
    *execution->mutable_weight_scales() =
        writer_.Append(scales.data(), scales.size() * 4);
  }

  const Graph& graph_;
  const std::vector<Precision>& precision_;
  const WeightSpread spread_;
  std::mt19937_64 random_;
  DeployableModel model_;
  DeployableWriter writer_;
};

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "test graph: %s\n", message.c_str());
  std::abort();
}

}  // namespace

Graph GraphFromText(absl::string_view text) {
  Graph graph;
  if (!google::protobuf::TextFormat::ParseFromString(std::string(text),
                                                     &graph)) {
    Fail("cannot be parsed");
  }
  const absl::Status status = InferShapes(&graph);
  if (!status.ok()) Fail(status.ToString());
  return graph;
}

Graph SmallGraph() { return GraphFromText(kSmallGraph); }

std::string RandomDeployable(const Graph& graph,
                             const std::vector<Precision>& precision,
                             const QuantizationSpec& spec, uint64_t seed,
                             WeightSpread spread) {
  return Generator(graph, precision, spec, seed, spread).Make();
}

std::vector<uint8_t> RandomPicture(const Graph& graph, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint8_t> picture(ElementCount(graph.nodes(0).output()));
  for (uint8_t& byte : picture) byte = static_cast<uint8_t>(random() >> 56);
  return picture;
}

}  // namespace yoloq
