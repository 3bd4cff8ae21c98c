#include "quant/qat.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/training/trainable_network.h"
#include "model/weights.h"
#include "quant/activation_range.h"
#include "quant/integer_semantics.h"
#include "quant/quantized_tensors.h"
#include "quant/scheme.h"
#include "quant/straight_through.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kDefaultEpochs = 10;
constexpr double kDefaultLearningRate = 1e-4;
constexpr double kDefaultAveraging = 0.01;
constexpr int kLevels = 255;
constexpr int kMaxWeight = 127;
constexpr int kMaxBias = 1 << 30;
// Of the tensor's largest weight: what a channel's largest is held above while
// batch norm is not frozen.
constexpr double kLeastRelativeWeight = 1.0 / 64;
constexpr float kLeastScale = std::numeric_limits<float>::epsilon();

absl::Status CheckRange(bool good, const char* field, double value,
                        const char* expected) {
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", value, " is not ", expected));
}

// Largest magnitude of each channel of a weight, (out).
at::Tensor ChannelMagnitudes(const at::Tensor& weight) {
  return at::amax(at::abs(weight.detach()), {1, 2, 3});
}

at::Tensor PerChannel(const at::Tensor& values) {
  return values.view({-1, 1, 1, 1});
}

// gamma / sqrt(variance), held away from 0 as the class's comment says.
at::Tensor HeldFactor(const at::Tensor& weight, const at::Tensor& factor) {
  at::Tensor least;
  {
    const c10::NoGradGuard no_grad;
    const at::Tensor magnitudes = ChannelMagnitudes(weight);
    const at::Tensor largest = at::amax(magnitudes * at::abs(factor));
    least = at::nan_to_num(largest * kLeastRelativeWeight / magnitudes, 1, 1);
    least.masked_fill_(least == 0, 1);
  }
  const at::Tensor magnitude = at::maximum(at::abs(factor), least);
  return at::where(factor < 0, -magnitude, magnitude);
}

// LSQ's scaling of the gradient of a step size, which balances it against the
// gradients of the values.
double LearnedGradientFactor(int64_t count, int levels) {
  return 1 / std::sqrt(static_cast<double>(count) * levels);
}

}  // namespace

absl::StatusOr<QatSpec> ResolveQatSpec(QatSpec spec) {
  YOLOQ_RETURN_IF_ERROR(CheckRange(spec.epochs() >= 0, "epochs", spec.epochs(),
                                   "positive; 0 means 10"));
  YOLOQ_RETURN_IF_ERROR(CheckRange(
      spec.learning_rate() >= 0 && std::isfinite(spec.learning_rate()),
      "learning_rate", spec.learning_rate(), "positive; 0 means 1e-4"));
  YOLOQ_RETURN_IF_ERROR(CheckRange(
      spec.averaging_constant() >= 0 && spec.averaging_constant() <= 1,
      "averaging_constant", spec.averaging_constant(),
      "in (0, 1]; 0 means 0.01"));
  YOLOQ_RETURN_IF_ERROR(CheckRange(
      spec.batch_norm_freeze_epoch() >= 0, "batch_norm_freeze_epoch",
      spec.batch_norm_freeze_epoch(), "positive; 0 means 2/5 of the epochs"));
  YOLOQ_RETURN_IF_ERROR(CheckRange(
      spec.observer_freeze_epoch() >= 0, "observer_freeze_epoch",
      spec.observer_freeze_epoch(), "positive; 0 means 3/5 of the epochs"));
  if (spec.epochs() == 0) spec.set_epochs(kDefaultEpochs);
  if (spec.learning_rate() == 0) spec.set_learning_rate(kDefaultLearningRate);
  if (spec.averaging_constant() == 0) {
    spec.set_averaging_constant(kDefaultAveraging);
  }
  if (spec.batch_norm_freeze_epoch() == 0) {
    spec.set_batch_norm_freeze_epoch(std::max(1, spec.epochs() * 2 / 5));
  }
  if (spec.observer_freeze_epoch() == 0) {
    spec.set_observer_freeze_epoch(std::max(1, spec.epochs() * 3 / 5));
  }
  if (spec.learned_scales() &&
      spec.observer_freeze_epoch() < spec.batch_norm_freeze_epoch()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "observer_freeze_epoch: ", spec.observer_freeze_epoch(),
        " comes before batch_norm_freeze_epoch, ",
        spec.batch_norm_freeze_epoch(),
        "; learned scales need the weights as they are folded for good"));
  }
  return spec;
}

TrainingSpec QatTrainingSpec(TrainingSpec baseline, const QatSpec& spec) {
  baseline.set_epochs(spec.epochs());
  baseline.set_learning_rate(spec.learning_rate());
  baseline.clear_initial_objectness();
  baseline.clear_initial_output_scale();
  baseline.clear_initial_residual_gamma();
  baseline.set_ema_decay(0);
  return baseline;
}

absl::StatusOr<std::unique_ptr<QatHooks>> QatHooks::Create(
    const Graph& graph, const QuantizationSpec& quantization,
    const QatSpec& spec, const std::vector<Precision>& precision) {
  YOLOQ_ASSIGN_OR_RETURN(const QuantizationSpec resolved,
                         ResolveScheme(quantization));
  YOLOQ_ASSIGN_OR_RETURN(const QatSpec resolved_spec, ResolveQatSpec(spec));
  if (static_cast<int>(precision.size()) != graph.nodes_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("precision: ", precision.size(),
                     " entries, the graph has ", graph.nodes_size(), " nodes"));
  }
  return std::unique_ptr<QatHooks>(
      new QatHooks(graph, resolved, resolved_spec, precision));
}

QatHooks::QatHooks(const Graph& graph, const QuantizationSpec& quantization,
                   const QatSpec& spec, std::vector<Precision> precision)
    : graph_(graph),
      quantization_(quantization),
      spec_(spec),
      precision_(std::move(precision)),
      outputs_(graph.nodes_size()),
      before_activations_(graph.nodes_size()),
      weight_parameters_(graph.nodes_size(), -1) {
  AddOutputs(quantization_.concat() == QuantizationSpec::SHARED_SCALE);
  if (quantization_.leaky() == QuantizationSpec::TWO_STEP) {
    AddBeforeActivations();
  }
  state_ = at::zeros({tensors_, kColumns});
  weights_started_ = at::zeros({graph_.nodes_size()});
  if (spec_.learned_scales()) AddParameters();
}

void QatHooks::AddOutputs(bool share_concat) {
  const std::vector<bool> eight_bit = EightBitOutputs(graph_, precision_);
  const std::vector<int> roots =
      QuantizationRoots(graph_, share_concat, precision_);
  std::vector<int> set_of_root(graph_.nodes_size(), -1);
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    if (!eight_bit[i] || graph_.nodes(roots[i]).has_input()) continue;
    int& set = set_of_root[roots[i]];
    if (set >= 0) continue;
    set = static_cast<int>(sets_.size());
    sets_.emplace_back();
  }
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    Site& site = outputs_[i];
    site.set = set_of_root[roots[i]];
    if (site.set < 0) continue;
    if (MovesValues(graph_.nodes(i))) continue;
    site.quantized = precision_[i] == INT8;
    site.tensor = tensors_++;
    sets_[site.set].tensors.push_back(site.tensor);
  }
}

void QatHooks::AddBeforeActivations() {
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    const Node& node = graph_.nodes(i);
    if (precision_[i] != INT8 || !node.has_convolution() ||
        node.convolution().activation() != LEAKY) {
      continue;
    }
    Site& site = before_activations_[i];
    site.tensor = tensors_++;
    site.quantized = true;
    site.set = static_cast<int>(sets_.size());
    sets_.emplace_back();
    sets_.back().tensors.push_back(site.tensor);
  }
}

void QatHooks::AddParameters() {
  int count = 0;
  for (Set& set : sets_) set.parameter = count++;
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    const Node& node = graph_.nodes(i);
    if (precision_[i] != INT8 || !node.has_convolution()) continue;
    weight_parameters_[i] = count;
    count += quantization_.weights() == QuantizationSpec::PER_TENSOR
                 ? 1
                 : node.convolution().out_channels();
  }
  log_scales_ = at::zeros({count});
  log_scales_.set_requires_grad(true);
  log_scales_.mutable_grad() = at::zeros({count});
}

void QatHooks::BeginStep(const TrainingPosition& position) {
  batch_norm_frozen_ = position.epoch >= spec_.batch_norm_freeze_epoch();
  observers_frozen_ = position.epoch >= spec_.observer_freeze_epoch();
  batch_share_ = position.share;
}

std::vector<at::Tensor> QatHooks::Parameters() {
  if (!log_scales_.defined()) return {};
  return {log_scales_};
}

std::vector<at::Tensor> QatHooks::State() { return {state_, weights_started_}; }

std::unique_ptr<TrainingHooks> QatHooks::Replica() const {
  return std::unique_ptr<TrainingHooks>(
      new QatHooks(graph_, quantization_, spec_, precision_));
}

void QatHooks::MergeState(absl::Span<TrainingHooks* const> others) {
  for (TrainingHooks* const other : others) {
    const QatHooks& hooks = *static_cast<QatHooks*>(other);
    for (int tensor = 0; tensor < tensors_; ++tensor) {
      const float* const from = hooks.Row(tensor);
      float* const to = Row(tensor);
      to[kLow] = std::min(to[kLow], from[kLow]);
      to[kHigh] = std::max(to[kHigh], from[kHigh]);
    }
  }
}

// --- Activations.

float* QatHooks::Row(int tensor) const {
  return state_.data_ptr<float>() + int64_t{tensor} * kColumns;
}

void QatHooks::Observe(int tensor, const at::Tensor& values) {
  const c10::NoGradGuard no_grad;
  const auto [low, high] = at::aminmax(values.detach());
  float* const row = Row(tensor);
  const float share =
      row[kSeen] == 0 ? 1 : static_cast<float>(spec_.averaging_constant());
  row[kLow] += share * (std::min(low.item<float>(), 0.0f) - row[kLow]);
  row[kHigh] += share * (std::max(high.item<float>(), 0.0f) - row[kHigh]);
  row[kSeen] = 1;
}

TensorQuantization QatHooks::Observed(const Set& set) const {
  Range hull;
  for (const int tensor : set.tensors) {
    const float* const row = Row(tensor);
    hull.low = std::min<double>(hull.low, row[kLow]);
    hull.high = std::max<double>(hull.high, row[kHigh]);
  }
  const auto quantization = QuantizationOfRange(hull);
  if (quantization.ok()) return *quantization;
  // Not finite: the trainer finds that out from the values themselves.
  TensorQuantization unit;
  unit.set_scale(1);
  return unit;
}

TensorQuantization QatHooks::Current(const Set& set) const {
  TensorQuantization quantization = Observed(set);
  const float* const row = Row(set.tensors[0]);
  if (row[kSeen] == 2) {
    quantization.set_scale(
        std::exp(log_scales_.data_ptr<float>()[set.parameter]));
    quantization.set_zero_point(static_cast<int>(row[kZeroPoint]));
  }
  return quantization;
}

void QatHooks::StartLearning(const Set& set) {
  float* const row = Row(set.tensors[0]);
  if (row[kSeen] == 2) return;
  const TensorQuantization start = Observed(set);
  log_scales_.data_ptr<float>()[set.parameter] = std::log(start.scale());
  row[kZeroPoint] = static_cast<float>(start.zero_point());
  row[kSeen] = 2;
}

at::Tensor QatHooks::FakeQuantized(const Set& set, const at::Tensor& values) {
  if (!learning()) {
    const TensorQuantization quantization = Observed(set);
    return StraightThrough(values, quantization.scale(),
                           quantization.zero_point(), 0, kLevels);
  }
  StartLearning(set);
  return at::_fake_quantize_learnable_per_tensor_affine(
      values,
      at::exp(log_scales_.narrow(0, set.parameter, 1)).to(values.device()),
      at::full({1}, Row(set.tensors[0])[kZeroPoint], values.options()), 0,
      kLevels,
      LearnedGradientFactor(
          std::llround(static_cast<double>(values.numel()) / batch_share_),
          kLevels));
}

at::Tensor QatHooks::Activation(int node, bool before_activation,
                                const at::Tensor& values) {
  const Site& site =
      before_activation ? before_activations_[node] : outputs_[node];
  // A tensor is seen once at least, whatever the schedule.
  if (site.tensor >= 0 &&
      (!observers_frozen_ || Row(site.tensor)[kSeen] == 0)) {
    Observe(site.tensor, values);
  }
  return site.quantized ? FakeQuantized(sets_[site.set], values) : values;
}

at::Tensor QatHooks::Input(int node, int producer, const at::Tensor& values) {
  const bool crosses = precision_[node] == INT8 && precision_[producer] != INT8;
  const int set = outputs_[producer].set;
  // The picture has none: its bytes are exact.
  return crosses && set >= 0 ? FakeQuantized(sets_[set], values) : values;
}

// --- Weights.

at::Tensor QatHooks::WeightScales(int node, const at::Tensor& weight) {
  const c10::NoGradGuard no_grad;
  at::Tensor scales = ChannelMagnitudes(weight);
  if (quantization_.weights() == QuantizationSpec::PER_TENSOR) {
    scales = at::amax(scales, {0}, /*keepdim=*/true);
  }
  scales = (scales / kMaxWeight).clamp_min_(kLeastScale);
  if (!learning()) return scales;
  const at::Tensor own =
      log_scales_.detach().narrow(0, weight_parameters_[node], scales.numel());
  float* const started = weights_started_.data_ptr<float>() + node;
  if (*started == 0) {
    own.copy_(at::log(scales));
    *started = 1;
  }
  return at::exp(own).to(weight.device());
}

at::Tensor QatHooks::LearnedWeight(int node, const at::Tensor& weight) {
  const bool per_tensor =
      quantization_.weights() == QuantizationSpec::PER_TENSOR;
  const int64_t count = per_tensor ? 1 : weight.size(0);
  const at::Tensor learned =
      at::exp(log_scales_.narrow(0, weight_parameters_[node], count))
          .to(weight.device());
  const at::Tensor zero_points = at::zeros({count}, weight.options());
  const double factor =
      LearnedGradientFactor(weight.numel() / count, kMaxWeight);
  if (per_tensor) {
    return at::_fake_quantize_learnable_per_tensor_affine(
        weight, learned, zero_points, -kMaxWeight, kMaxWeight, factor);
  }
  return at::_fake_quantize_learnable_per_channel_affine(
      weight, learned, zero_points, /*axis=*/0, -kMaxWeight, kMaxWeight,
      factor);
}

at::Tensor QatHooks::FakeWeight(int node, const at::Tensor& weight,
                                const at::Tensor& scales) {
  if (learning()) return LearnedWeight(node, weight);
  if (quantization_.weights() == QuantizationSpec::PER_TENSOR) {
    return StraightThrough(weight, scales.item<float>(), 0, -kMaxWeight,
                           kMaxWeight);
  }
  return at::fake_quantize_per_channel_affine(
      weight, scales,
      at::zeros({scales.numel()}, weight.options().dtype(at::kInt)),
      /*axis=*/0, -kMaxWeight, kMaxWeight);
}

at::Tensor QatHooks::FakeBias(int node, const at::Tensor& bias,
                              const at::Tensor& scales) {
  const int set = outputs_[graph_.nodes(node).inputs(0)].set;
  const float input_scale = set < 0 ? kInputScale : Current(sets_[set]).scale();
  at::Tensor change;
  {
    const c10::NoGradGuard no_grad;
    const at::Tensor steps =
        scales.to(at::kDouble) * static_cast<double>(input_scale);
    const at::Tensor exact = bias.detach().to(at::kDouble);
    const at::Tensor rounded =
        at::clamp(at::round(exact / steps), -kMaxBias, kMaxBias) * steps;
    change = (rounded - exact).to(at::kFloat);
  }
  return bias + change;
}

at::Tensor QatHooks::FakeConvolution(TrainableNetwork& network, int node,
                                     const at::Tensor& input,
                                     const at::Tensor& weight,
                                     const at::Tensor& bias) {
  const at::Tensor scales = WeightScales(node, weight);
  return network.ConvolutionOnly(
      node, input, FakeWeight(node, weight, scales),
      bias.defined() ? FakeBias(node, bias, scales) : bias);
}

at::Tensor QatHooks::Convolution(TrainableNetwork& network, int node,
                                 const at::Tensor& input) {
  const TrainableConvolution& own = network.convolution(node);
  const bool batch_norm = graph_.nodes(node).convolution().batch_norm();
  const bool frozen = batch_norm_frozen_ || !network.training();
  if (precision_[node] != INT8) {
    const at::Tensor values = network.ConvolutionOnly(
        node, input, own.weight, batch_norm ? at::Tensor() : own.bias);
    return batch_norm ? network.BatchNormOnly(node, values, frozen) : values;
  }
  if (!batch_norm) {
    return FakeConvolution(network, node, input, own.weight, own.bias);
  }
  const at::Tensor factor =
      own.gamma / at::sqrt(own.variance + kBatchNormEpsilon);
  if (frozen) {
    return FakeConvolution(network, node, input,
                           own.weight * PerChannel(factor),
                           own.bias - own.mean * factor);
  }
  const at::Tensor held = HeldFactor(own.weight, factor);
  const at::Tensor values =
      FakeConvolution(network, node, input, own.weight * PerChannel(held),
                      /*bias=*/at::Tensor());
  return network.BatchNormOnly(node, values / held.view({1, -1, 1, 1}),
                               /*frozen=*/false);
}

// --- The outcome.

std::string QatHooks::Fingerprint() const {
  std::string text =
      absl::StrCat(SerializeDeterministically(spec_), "\n",
                   SerializeDeterministically(quantization_), "\n");
  for (const Precision precision : precision_)
    absl::StrAppend(&text, precision);
  return text;
}

absl::StatusOr<Calibration> QatHooks::Result() const {
  Calibration result;
  *result.mutable_observer() = quantization_.activation_observer();
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    FixedQuantization fixed;
    fixed.set_node(graph_.nodes(i).name());
    for (const bool before : {false, true}) {
      const Site& site = before ? before_activations_[i] : outputs_[i];
      if (site.set < 0) continue;
      const std::vector<int>& tensors = sets_[site.set].tensors;
      const bool seen =
          std::all_of(tensors.begin(), tensors.end(),
                      [this](int t) { return Row(t)[kSeen] != 0; });
      if (!seen) {
        return absl::FailedPreconditionError(
            absl::StrCat("node \"", fixed.node(),
                         "\": quantization-aware training never saw its "
                         "values; train at least one step"));
      }
      *(before ? fixed.mutable_before_activation() : fixed.mutable_output()) =
          Current(sets_[site.set]);
    }
    if (weights_started_.data_ptr<float>()[i] != 0) {
      const int count = quantization_.weights() == QuantizationSpec::PER_TENSOR
                            ? 1
                            : graph_.nodes(i).convolution().out_channels();
      const float* logs = log_scales_.data_ptr<float>() + weight_parameters_[i];
      for (int c = 0; c < count; ++c) {
        fixed.add_weight_scales(std::exp(logs[c]));
      }
    }
    if (fixed.has_output() || fixed.has_before_activation() ||
        fixed.weight_scales_size() > 0) {
      *result.add_fixed() = std::move(fixed);
    }
  }
  return result;
}

}  // namespace yoloq
