#include "model/weights.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "tools/base/parallel.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kLevels = 65536;

// Natural logarithm of x in (0, 1] from IEEE operations alone: libm's log may
// differ in the last bit from platform to platform.
double PortableLog(double x) {
  int exponent;
  const double mantissa = std::frexp(x, &exponent);
  const double s = (mantissa - 1) / (mantissa + 1);
  double power = s;
  double sum = 0;
  for (int k = 1; k < 60; k += 2) {
    sum += power / k;
    power *= s * s;
  }
  return 2 * sum + exponent * 0.69314718055994530942;
}

template <int n>
double Polynomial(const double (&coefficients)[n], double x) {
  double y = coefficients[0];
  for (int i = 1; i < n; ++i) y = y * x + coefficients[i];
  return y;
}

// Quantile of the standard normal distribution, p in (0, 1): Wichura (1988),
// algorithm AS 241, PPND7 (about seven digits).
double NormalQuantile(double p) {
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q *
           Polynomial({59.109374720, 159.29113202, 50.434271938, 3.3871327179},
                      r) /
           Polynomial({67.187563600, 78.757757664, 17.895169469, 1.0}, r);
  }
  const double r = std::sqrt(-PortableLog(q < 0 ? p : 1 - p));
  const double tail =
      r <= 5 ? Polynomial(
                   {0.17023821103, 1.3067284816, 2.7568153900, 1.4234372777},
                   r - 1.6) /
                   Polynomial({0.12021132975, 0.73700164250, 1.0}, r - 1.6)
             : Polynomial(
                   {0.017337203997, 0.42868294337, 3.0812263860, 6.6579051150},
                   r - 5) /
                   Polynomial({0.012258202635, 0.24197894225, 1.0}, r - 5);
  return q < 0 ? -tail : tail;
}

// Quantiles at the middle of 65,536 equal steps of probability.
const std::vector<float>& NormalLevels() {
  static const auto* const levels = [] {
    auto* values = new std::vector<float>(kLevels);
    for (int i = 0; i < kLevels / 2; ++i) {
      const float z = static_cast<float>(NormalQuantile((i + 0.5) / kLevels));
      (*values)[i] = z;
      (*values)[kLevels - 1 - i] = -z;
    }
    return values;
  }();
  return *levels;
}

// SplitMix64's finalizer (Steele et al. 2014): neighbouring nodes and seeds get
// unrelated generators.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void FillNormal(uint64_t seed, float deviation, std::vector<float>* values) {
  const std::vector<float>& levels = NormalLevels();
  std::mt19937_64 random(seed);
  // Four levels of 16 bits a draw.
  uint64_t bits = 0;
  for (size_t i = 0; i < values->size(); ++i) {
    if (i % 4 == 0) bits = random();
    (*values)[i] = deviation * levels[bits & 0xffff];
    bits >>= 16;
  }
}

// Gain that keeps the second moment through the activation (He et al. 2015).
double Gain(Activation activation) {
  constexpr double kSlope = 0.1;
  switch (activation) {
    case RELU:
      return std::sqrt(2.0);
    case LEAKY:
      return std::sqrt(2.0 / (1 + kSlope * kSlope));
    default:
      return 1;
  }
}

// Factor of each node's weights: below 1 where the node ends a residual branch,
// the later of an addition's two inputs.
std::vector<double> BranchScales(const Graph& graph) {
  std::vector<double> scales(graph.nodes_size(), 1);
  int additions = 0;
  for (const Node& node : graph.nodes()) additions += node.has_add();
  for (const Node& node : graph.nodes()) {
    if (node.has_add()) {
      scales[std::max(node.inputs(0), node.inputs(1))] =
          1 / std::sqrt(static_cast<double>(additions));
    }
  }
  return scales;
}

ConvolutionWeights RandomConvolution(const Graph& graph, int index,
                                     double scale, uint64_t seed) {
  const ConvolutionOp& op = graph.nodes(index).convolution();
  const int64_t count = WeightCount(graph, index);
  const double fan_in = static_cast<double>(count) / op.out_channels();
  ConvolutionWeights result;
  result.weights.resize(count);
  FillNormal(
      seed,
      static_cast<float>(scale * Gain(op.activation()) / std::sqrt(fan_in)),
      &result.weights);
  result.bias.assign(op.out_channels(), 0);
  if (op.batch_norm()) {
    result.gamma.assign(op.out_channels(), 1);
    result.mean.assign(op.out_channels(), 0);
    result.variance.assign(op.out_channels(), 1);
  }
  return result;
}

absl::Status CheckValues(absl::string_view field,
                         const std::vector<float>& values, int64_t expected) {
  if (static_cast<int64_t>(values.size()) != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " has ", values.size(), " values, the graph asks ",
                     "for ", expected));
  }
  // Counted without a branch, which vectorises; searched only when there is
  // one.
  int64_t bad = 0;
  for (const float value : values) bad += !(std::abs(value) <= 3.4028235e38f);
  if (bad == 0) return absl::OkStatus();
  const auto at = std::find_if(values.begin(), values.end(), [](float value) {
    return !std::isfinite(value);
  });
  return absl::InvalidArgumentError(
      absl::StrCat(field, "[", at - values.begin(), "] is not finite (", bad,
                   " of ", values.size(), " values)"));
}

absl::Status CheckConvolution(const Graph& graph, int index,
                              const ConvolutionWeights& weights) {
  const ConvolutionOp& op = graph.nodes(index).convolution();
  const int64_t normalized = op.batch_norm() ? op.out_channels() : 0;
  YOLOQ_RETURN_IF_ERROR(
      CheckValues("weights", weights.weights, WeightCount(graph, index)));
  YOLOQ_RETURN_IF_ERROR(CheckValues("bias", weights.bias, op.out_channels()));
  YOLOQ_RETURN_IF_ERROR(CheckValues("gamma", weights.gamma, normalized));
  YOLOQ_RETURN_IF_ERROR(CheckValues("mean", weights.mean, normalized));
  YOLOQ_RETURN_IF_ERROR(CheckValues("variance", weights.variance, normalized));
  for (size_t i = 0; i < weights.variance.size(); ++i) {
    if (weights.variance[i] < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("variance[", i, "] is negative: ", weights.variance[i]));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckNone(const ConvolutionWeights& weights) {
  if (weights.weights.empty() && weights.bias.empty() &&
      weights.gamma.empty() && weights.mean.empty() &&
      weights.variance.empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("only convolutions have weights");
}

void Fold(ConvolutionWeights* weights) {
  const size_t channels = weights->bias.size();
  const size_t per_channel = weights->weights.size() / channels;
  for (size_t c = 0; c < channels; ++c) {
    const double factor = weights->gamma[c] /
                          std::sqrt(static_cast<double>(weights->variance[c]) +
                                    static_cast<double>(kBatchNormEpsilon));
    for (size_t i = c * per_channel; i < (c + 1) * per_channel; ++i) {
      weights->weights[i] = static_cast<float>(weights->weights[i] * factor);
    }
    weights->bias[c] =
        static_cast<float>(weights->bias[c] - weights->mean[c] * factor);
  }
  weights->gamma.clear();
  weights->mean.clear();
  weights->variance.clear();
}

// body(i) for every node, on all processors.
template <typename Body>
void ForEachNode(const Graph& graph, const Body& body) {
  WorkerPool pool(CoreCount());
  pool.ParallelFor(graph.nodes_size(), body);
}

}  // namespace

Weights RandomWeights(const Graph& graph, uint64_t seed) {
  const std::vector<double> scales = BranchScales(graph);
  Weights result;
  result.nodes.resize(graph.nodes_size());
  ForEachNode(graph, [&](int64_t i) {
    if (!graph.nodes(i).has_convolution()) return;
    result.nodes[i] =
        RandomConvolution(graph, i, scales[i], Mix(Mix(seed) ^ Mix(~i)));
  });
  return result;
}

absl::Status CheckWeights(const Graph& graph, const Weights& weights) {
  if (static_cast<int>(weights.nodes.size()) != graph.nodes_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("weights for ", weights.nodes.size(),
                     " nodes, but the graph has ", graph.nodes_size()));
  }
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    YOLOQ_RETURN_IF_ERROR(Annotate(
        node.has_convolution() ? CheckConvolution(graph, i, weights.nodes[i])
                               : CheckNone(weights.nodes[i]),
        absl::StrCat("node '", node.name(), "'")));
  }
  return absl::OkStatus();
}

Weights FoldBatchNorm(const Graph& graph, Weights weights) {
  ForEachNode(graph, [&](int64_t i) {
    if (graph.nodes(i).convolution().batch_norm()) Fold(&weights.nodes[i]);
  });
  return weights;
}

}  // namespace yoloq
