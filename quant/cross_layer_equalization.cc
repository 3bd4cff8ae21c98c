#include "quant/cross_layer_equalization.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "model/graph.h"

namespace yoloq {
namespace {

constexpr int kMaxRounds = 100;
constexpr float kConverged = 1e-3f;

// Two convolutions with a channel-wise path between them.
struct Pair {
  int first;
  int second;
  float largest_bias;  // of the first, before anything is changed
};

// The convolution that alone reads the output of the one at `index`, or -1.
int OnlyReader(const Graph& graph,
               const std::vector<std::vector<int>>& consumers, int index) {
  while (consumers[index].size() == 1) {
    index = consumers[index].front();
    const Node& node = graph.nodes(index);
    if (node.has_convolution()) return index;
    if (!node.has_max_pool() && !node.has_upsample()) return -1;
  }
  return -1;
}

std::vector<Pair> FindPairs(const Graph& graph, const Weights& weights) {
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  std::vector<Pair> pairs;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (!graph.nodes(i).has_convolution()) continue;
    const int reader = OnlyReader(graph, consumers, i);
    if (reader < 0) continue;
    float largest_bias = 0;
    for (const float b : weights.nodes[i].bias) {
      largest_bias = std::max(largest_bias, std::fabs(b));
    }
    pairs.push_back({i, reader, largest_bias});
  }
  return pairs;
}

// The weights of a convolution by the channels that they make or read.
class ChannelWeights {
 public:
  ChannelWeights(const ConvolutionOp& op, ConvolutionWeights* weights)
      : weights_(weights),
        outputs_(op.out_channels()),
        per_output_(weights->weights.size() / outputs_),
        window_(op.kernel() * op.kernel()),
        in_per_group_(per_output_ / window_),
        out_per_group_(outputs_ / op.groups()) {}

  template <typename Function>
  void ForOutput(int channel, Function function) const {
    float* row = weights_->weights.data() + channel * per_output_;
    std::for_each(row, row + per_output_, function);
  }

  template <typename Function>
  void ForInput(int channel, Function function) const {
    const int group = channel / in_per_group_;
    const int begin = group * out_per_group_;
    for (int out = begin; out < begin + out_per_group_; ++out) {
      float* window = weights_->weights.data() + out * per_output_ +
                      channel % in_per_group_ * window_;
      std::for_each(window, window + window_, function);
    }
  }

  float& bias(int channel) const { return weights_->bias[channel]; }

 private:
  ConvolutionWeights* weights_;
  int64_t outputs_;
  int64_t per_output_;
  int64_t window_;
  int64_t in_per_group_;
  int64_t out_per_group_;
};

// Returns the largest |log s|.
float Equalize(const Graph& graph, const Pair& pair, Weights* weights) {
  const ConvolutionOp& op = graph.nodes(pair.first).convolution();
  const ChannelWeights first(op, &weights->nodes[pair.first]);
  const ChannelWeights second(graph.nodes(pair.second).convolution(),
                              &weights->nodes[pair.second]);
  float largest_move = 0;
  for (int c = 0; c < op.out_channels(); ++c) {
    float made = 0, read = 0;
    first.ForOutput(c, [&](float w) { made = std::max(made, std::fabs(w)); });
    second.ForInput(c, [&](float w) { read = std::max(read, std::fabs(w)); });
    if (made == 0 || read == 0) continue;
    float s = std::sqrt(made) / std::sqrt(read);
    if (s < 1 && first.bias(c) != 0) {
      const float least = std::fabs(first.bias(c)) / pair.largest_bias;
      s = std::max(s, std::min(least, 1.0f));
    }
    const float inverse = 1 / s;
    if (!std::isnormal(s) || !std::isnormal(inverse)) continue;
    first.ForOutput(c, [&](float& w) { w *= inverse; });
    first.bias(c) *= inverse;
    second.ForInput(c, [&](float& w) { w *= s; });
    largest_move = std::max(largest_move, std::fabs(std::log(s)));
  }
  return largest_move;
}

}  // namespace

Weights EqualizeCrossLayer(const Graph& graph, Weights weights) {
  const std::vector<Pair> pairs = FindPairs(graph, weights);
  for (int round = 0; round < kMaxRounds; ++round) {
    float largest_move = 0;
    for (const Pair& pair : pairs) {
      largest_move = std::max(largest_move, Equalize(graph, pair, &weights));
    }
    if (largest_move < kConverged) break;
  }
  return weights;
}

}  // namespace yoloq
