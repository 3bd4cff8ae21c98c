#include "quant/improve_weights.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "quant/ada_round.h"
#include "quant/fake_quantize.h"
#include "quant/integer_semantics.h"
#include "quant/quantizer.h"
#include "quant/scheme.h"
#include "tools/base/parallel.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr at::MemoryFormat kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr int kImagesPerBatch = 4;
constexpr int kAdaRoundSamples = 4096;

// LibTorch's intra-op threads, all cores while in scope.
class AllThreads {
 public:
  AllThreads() : before_(at::get_num_threads()) {
    at::set_num_threads(CoreCount());
  }
  ~AllThreads() { at::set_num_threads(before_); }

 private:
  const int before_;
};

at::Tensor ToTensor(const std::vector<float>& values,
                    std::vector<int64_t> sizes) {
  return at::from_blob(const_cast<float*>(values.data()), sizes, at::kFloat)
      .clone();
}

std::vector<float> ToVector(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  const float* values = dense.data_ptr<float>();
  return std::vector<float>(values, values + dense.numel());
}

void Activate(Activation activation, at::Tensor& tensor) {
  if (activation == RELU) at::relu_(tensor);
  if (activation == LEAKY) at::leaky_relu_(tensor, kLeakySlope);
}

at::Tensor MaxPool(const at::Tensor& input, const MaxPoolOp& op) {
  const int before = op.padding_total() / 2;
  const int after = op.padding_total() - before;
  const at::Tensor padded =
      at::constant_pad_nd(input, {before, after, before, after},
                          -std::numeric_limits<float>::infinity());
  return at::max_pool2d(padded, {op.size(), op.size()},
                        {op.stride(), op.stride()});
}

at::Tensor Convolve(const ConvolutionOp& op, const at::Tensor& input,
                    const at::Tensor& weights, const at::Tensor& bias) {
  return at::conv2d(input, weights, bias, {op.stride(), op.stride()},
                    {op.padding(), op.padding()}, {1, 1}, op.groups())
      .contiguous(kChannelsLast);
}

// All but convolutions and the input.
at::Tensor Combine(const Node& node, const std::vector<at::Tensor>& inputs) {
  switch (node.op_case()) {
    case Node::kAdd: {
      at::Tensor sum = at::add(inputs[0], inputs[1]);
      Activate(node.add().activation(), sum);
      return sum;
    }
    case Node::kConcat:
      return at::cat(inputs, 1);
    case Node::kSlice:
      return at::narrow(inputs[0], 1, node.slice().begin(),
                        node.slice().count())
          .clone(kChannelsLast);
    case Node::kUpsample:
      return at::upsample_nearest2d(
          inputs[0], {node.output().height(), node.output().width()});
    case Node::kMaxPool:
      return MaxPool(inputs[0], node.max_pool());
    default:
      return inputs[0];
  }
}

// A tensor of the graph for all images, in batches.
using Batches = std::vector<at::Tensor>;

// Draws output positions of a convolution and gathers what it reads there.
class Sampler {
 public:
  Sampler(const Node& node, const Shape& input, int64_t images)
      : op_(node.convolution()),
        input_(input),
        output_(node.output()),
        window_(op_.kernel() * op_.kernel()),
        in_per_group_(input.channels() / op_.groups()) {
    const int positions = output_.height() * output_.width();
    const int per_image = static_cast<int>(
        std::min<int64_t>(positions, (kAdaRoundSamples + images - 1) / images));
    std::mt19937 random(1);
    std::vector<int> all(positions);
    std::iota(all.begin(), all.end(), 0);
    for (int image = 0; image < images; ++image) {
      for (int i = 0; i < per_image; ++i) {
        std::swap(all[i], all[i + random() % (positions - i)]);
        places_.push_back({image, all[i]});
      }
    }
    for (size_t i = places_.size(); i > 1; --i) {
      std::swap(places_[i - 1], places_[random() % i]);
    }
  }

  // (groups, samples, in / groups * kernel^2)
  at::Tensor Inputs(const Batches& from) const {
    const int64_t samples = places_.size();
    const int64_t per_sample = in_per_group_ * window_;
    at::Tensor result = at::zeros({op_.groups(), samples, per_sample});
    float* const to = result.data_ptr<float>();
    for (int64_t s = 0; s < samples; ++s) {
      const float* picture = Values(from, input_, places_[s].image);
      const int top =
          places_[s].position / output_.width() * op_.stride() - op_.padding();
      const int left =
          places_[s].position % output_.width() * op_.stride() - op_.padding();
      for (int w = 0; w < window_; ++w) {
        const int y = top + w / op_.kernel(), x = left + w % op_.kernel();
        if (y < 0 || y >= input_.height() || x < 0 || x >= input_.width()) {
          continue;
        }
        const float* pixel =
            picture + (int64_t{y} * input_.width() + x) * input_.channels();
        for (int c = 0; c < input_.channels(); ++c) {
          const int64_t group = c / in_per_group_;
          to[(group * samples + s) * per_sample + c % in_per_group_ * window_ +
             w] = pixel[c];
        }
      }
    }
    return result;
  }

  // (samples, out)
  at::Tensor Outputs(const Batches& from) const {
    const int64_t channels = output_.channels();
    at::Tensor result =
        at::empty({static_cast<int64_t>(places_.size()), channels});
    float* to = result.data_ptr<float>();
    for (const Place& place : places_) {
      const float* pixel =
          Values(from, output_, place.image) + place.position * channels;
      to = std::copy(pixel, pixel + channels, to);
    }
    return result;
  }

 private:
  struct Place {
    int image;
    int position;
  };

  static const float* Values(const Batches& from, const Shape& shape,
                             int image) {
    return from[image / kImagesPerBatch].data_ptr<float>() +
           image % kImagesPerBatch * ElementCount(shape);
  }

  const ConvolutionOp& op_;
  const Shape& input_;
  const Shape& output_;
  const int window_;
  const int in_per_group_;
  std::vector<Place> places_;
};

class Reconstruction {
 public:
  Reconstruction(const Graph& graph, const Deployable& model, Weights weights)
      : graph_(graph),
        model_(model),
        spec_(model.model().quantization()),
        fake_(MakeFakeQuantization(model)),
        weights_(std::move(weights)),
        floats_(graph.nodes_size()),
        quantized_(graph.nodes_size()) {}

  absl::StatusOr<Weights> Run(const ImageSource& images) {
    const std::vector<std::vector<int>> consumers = Consumers(graph_);
    Progress progress(spec_.ada_round() ? "ada_round" : "bias",
                      graph_.nodes_size(), "nodes");
    images_ = std::min<int64_t>(images.count, spec_.reconstruction_images());
    YOLOQ_RETURN_IF_ERROR(LoadImages(images));
    for (int i = 1; i < graph_.nodes_size(); ++i) {
      progress.Advance(1);
      const Node& node = graph_.nodes(i);
      if (node.has_convolution()) {
        RunConvolution(i);
      } else {
        floats_[i] = RunCombine(node, floats_);
        quantized_[i] = RunCombine(node, quantized_);
      }
      Simulate(i, /*before_activation=*/false);
      for (const int input : node.inputs()) {
        if (consumers[input].back() != i) continue;
        floats_[input].clear();
        quantized_[input].clear();
      }
    }
    return std::move(weights_);
  }

 private:
  absl::Status LoadImages(const ImageSource& images) {
    const Shape& shape = graph_.nodes(0).output();
    const int64_t size = ElementCount(shape);
    for (int64_t begin = 0; begin < images_; begin += kImagesPerBatch) {
      const int64_t count = std::min<int64_t>(kImagesPerBatch, images_ - begin);
      at::Tensor batch = at::empty(
          {count, shape.channels(), shape.height(), shape.width()},
          at::TensorOptions().dtype(at::kFloat).memory_format(kChannelsLast));
      float* to = batch.data_ptr<float>();
      for (int64_t i = begin; i < begin + count; ++i) {
        YOLOQ_ASSIGN_OR_RETURN(const std::vector<uint8_t> rgb, images.rgb(i));
        if (static_cast<int64_t>(rgb.size()) != size) {
          return absl::InvalidArgumentError(absl::StrCat(
              "calibration image ", i, ": the network's input has ", size,
              " bytes, not ", rgb.size()));
        }
        for (const uint8_t byte : rgb) *to++ = byte * kInputScale;
      }
      floats_[0].push_back(batch);
    }
    quantized_[0] = floats_[0];
    return absl::OkStatus();
  }

  static Batches RunCombine(const Node& node,
                            const std::vector<Batches>& values) {
    Batches result;
    for (size_t b = 0; b < values[node.inputs(0)].size(); ++b) {
      std::vector<at::Tensor> inputs;
      for (const int input : node.inputs()) inputs.push_back(values[input][b]);
      result.push_back(Combine(node, inputs));
    }
    return result;
  }

  Batches Convolved(int index, const std::vector<Batches>& values,
                    const at::Tensor& weights, const at::Tensor& bias) const {
    const Node& node = graph_.nodes(index);
    Batches result;
    for (const at::Tensor& input : values[node.inputs(0)]) {
      result.push_back(Convolve(node.convolution(), input, weights, bias));
    }
    return result;
  }

  void RunConvolution(int index) {
    const Node& node = graph_.nodes(index);
    const ConvolutionOp& op = node.convolution();
    const Shape& input = graph_.nodes(node.inputs(0)).output();
    const std::vector<int64_t> sizes = {op.out_channels(),
                                        input.channels() / op.groups(),
                                        op.kernel(), op.kernel()};
    ConvolutionWeights& own = weights_.nodes[index];
    at::Tensor weights = ToTensor(own.weights, sizes);
    at::Tensor bias = ToTensor(own.bias, {op.out_channels()});
    floats_[index] = Convolved(index, floats_, weights, bias);
    const bool int8 = model_.execution(index).precision() == INT8;
    if (int8) {
      if (spec_.ada_round()) {
        weights = Rounded(index, weights, bias);
        own.weights = ToVector(weights);
      } else {
        weights = ToTensor(fake_.weights.nodes[index].weights, sizes);
      }
    }
    quantized_[index] = Convolved(index, quantized_, weights, bias);
    if (int8 && spec_.bias_correction()) {
      const at::Tensor error = MeanError(index);
      own.bias = ToVector(bias + error);
      for (at::Tensor& values : quantized_[index]) {
        values.add_(error.view({1, -1, 1, 1}));
      }
    }
    Simulate(index, /*before_activation=*/true);
    for (at::Tensor& values : floats_[index]) Activate(op.activation(), values);
    for (at::Tensor& values : quantized_[index]) {
      Activate(op.activation(), values);
    }
  }

  at::Tensor Rounded(int index, const at::Tensor& weights,
                     const at::Tensor& bias) const {
    const Node& node = graph_.nodes(index);
    const Sampler sampler(node, graph_.nodes(node.inputs(0)).output(), images_);
    const absl::Span<const float> scales = model_.WeightScales(index);
    AdaRoundProblem problem;
    problem.inputs = sampler.Inputs(quantized_[node.inputs(0)]);
    problem.targets = sampler.Outputs(floats_[index]);
    problem.weights = weights.view({weights.size(0), -1});
    problem.bias = bias;
    problem.scales = ToTensor(std::vector<float>(scales.begin(), scales.end()),
                              {static_cast<int64_t>(scales.size())});
    problem.activation = node.convolution().activation();
    const AdaRoundResult result = AdaRound(problem, spec_.ada_round_steps());
    return (result.integers * problem.scales.view({-1, 1})).view_as(weights);
  }

  // Of a convolution's output, FP32 minus quantized, channel by channel.
  at::Tensor MeanError(int index) const {
    at::Tensor sum;
    for (size_t b = 0; b < floats_[index].size(); ++b) {
      const at::Tensor difference =
          at::sum(floats_[index][b] - quantized_[index][b], {2, 3}, false,
                  at::kDouble)
              .sum(0);
      sum = b == 0 ? difference : sum + difference;
    }
    const Shape& shape = graph_.nodes(index).output();
    return (sum / static_cast<double>(images_ * shape.height() * shape.width()))
        .to(at::kFloat);
  }

  void Simulate(int index, bool before_activation) {
    for (at::Tensor& values : quantized_[index]) {
      values = values.contiguous(kChannelsLast);
      fake_.Apply(index, before_activation, values.data_ptr<float>(),
                  values.numel());
    }
  }

  const Graph& graph_;
  const Deployable& model_;
  const QuantizationSpec& spec_;
  const FakeQuantization fake_;
  Weights weights_;
  int64_t images_ = 0;
  // Parallel to the nodes.
  std::vector<Batches> floats_;
  std::vector<Batches> quantized_;
};

}  // namespace

absl::StatusOr<Weights> ImproveWeights(const Graph& graph, Weights weights,
                                       const Calibration& calibration,
                                       const QuantizationSpec& spec,
                                       const std::vector<Precision>& precision,
                                       const ImageSource& images) {
  if (!spec.ada_round() && !spec.bias_correction()) return weights;
  YOLOQ_ASSIGN_OR_RETURN(const QuantizationSpec resolved, ResolveScheme(spec));
  if (images.count <= 0) {
    return absl::InvalidArgumentError(
        "AdaRound and bias correction need at least one calibration image");
  }
  DeployableWriter writer;
  YOLOQ_ASSIGN_OR_RETURN(const DeployableModel quantized,
                         QuantizeModel(graph, weights, &calibration, resolved,
                                       precision, {}, &writer));
  const AlignedBytes bytes(writer.Serialize(quantized));
  YOLOQ_ASSIGN_OR_RETURN(const Deployable model,
                         Deployable::FromBytes(bytes.view(), "quantized"));
  try {
    const AllThreads threads;
    const c10::InferenceMode guard;
    return Reconstruction(graph, model, std::move(weights)).Run(images);
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("LibTorch, improving weights: ", error.what()));
  }
}

}  // namespace yoloq
