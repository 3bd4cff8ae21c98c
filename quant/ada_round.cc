#include "quant/ada_round.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>

#include "quant/integer_semantics.h"

namespace yoloq {
namespace {

// h is a sigmoid stretched to [-kStretch, 1 + kStretch], then clamped: the ends
// are reached (Louizos et al. 2018).
constexpr double kStretch = 0.1;
constexpr double kWidth = 1 + 2 * kStretch;
// A weight this close to an integer is left there: above all the largest of a
// scale, which decides it.
constexpr double kOnGrid = 1e-3;
constexpr double kRegularizer = 4;
constexpr double kWarmUp = 0.2;
constexpr double kFirstBeta = 20;
constexpr double kLastBeta = 2;
constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;
// From anywhere, v needs to travel a few units at most.
constexpr double kTravel = 10;
constexpr double kLeastRate = 1e-2;

at::Tensor Activated(Activation activation, const at::Tensor& values) {
  if (activation == RELU) return at::relu(values);
  if (activation == LEAKY) return at::leaky_relu(values, kLeakySlope);
  return values;
}

// Multiplies a gradient by the activation's slope at `values`.
void BackThroughActivation(Activation activation, const at::Tensor& values,
                           at::Tensor* gradient) {
  if (activation == LINEAR) return;
  const double below = activation == LEAKY ? kLeakySlope : 0;
  gradient->mul_(at::where(values > 0, at::ones({}), at::full({}, below)));
}

// The problem with groups as the batch of a matrix product.
class Rounding {
 public:
  explicit Rounding(const AdaRoundProblem& problem)
      : activation_(problem.activation),
        inputs_(problem.inputs),
        groups_(inputs_.size(0)),
        samples_(inputs_.size(1)),
        outputs_(problem.weights.size(0)),
        bias_(problem.bias.view({groups_, 1, -1})),
        scales_(problem.scales.view({-1, 1})
                    .expand({outputs_, 1})
                    .reshape({groups_, -1, 1})),
        targets_(
            Activated(activation_, problem.targets.view({samples_, groups_, -1})
                                       .permute({1, 0, 2})
                                       .contiguous())) {
    const at::Tensor ratio =
        (problem.weights.view({groups_, -1, inputs_.size(2)}) / scales_)
            .clamp_(-127, 127);
    nearest_ = at::round(ratio);
    fixed_ = at::abs(ratio - nearest_) < kOnGrid;
    floor_ = at::floor(at::where(fixed_, nearest_, ratio)).clamp_max_(126);
    const at::Tensor h = (ratio - floor_).clamp_(0, 1);
    v_ = -at::log(kWidth / (h + kStretch) - 1);
    nearest_error_ = Error(nearest_);
  }

  double nearest_error() const { return nearest_error_; }
  const at::Tensor& nearest() const { return nearest_; }

  double Error(const at::Tensor& integers) const {
    const at::Tensor difference =
        Activated(activation_, Output(inputs_, integers)) - targets_;
    return at::mean(difference * difference).item<double>();
  }

  void Learn(int steps) {
    at::Tensor first = at::zeros_like(v_), second = at::zeros_like(v_);
    const double rate = std::max(kLeastRate, kTravel / steps);
    for (int step = 0; step < steps; ++step) {
      const at::Tensor gradient = Gradient(step, steps);
      first.mul_(kBeta1).add_(gradient, 1 - kBeta1);
      second.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
      const double unbias1 = 1 - std::pow(kBeta1, step + 1);
      const double unbias2 = std::sqrt(1 - std::pow(kBeta2, step + 1));
      v_.addcdiv_(first, at::sqrt(second).add_(kEpsilon * unbias2),
                  -rate * unbias2 / unbias1);
    }
  }

  at::Tensor Chosen() const { return floor_ + (v_ > 0); }

 private:
  at::Tensor Output(const at::Tensor& inputs,
                    const at::Tensor& integers) const {
    return at::baddbmm(bias_, inputs, (integers * scales_).transpose(1, 2));
  }

  // Of the loss, with respect to v, on the samples of this step.
  at::Tensor Gradient(int step, int steps) const {
    const at::Tensor sigmoid = at::sigmoid(v_);
    const at::Tensor h = (sigmoid * kWidth).sub_(kStretch).clamp_(0, 1);

    // A depthwise convolution has few weights an output.
    const int64_t batch = std::min<int64_t>(samples_, groups_ > 1 ? 64 : 256);
    const int64_t begin = step % (samples_ / batch) * batch;
    const at::Tensor inputs = inputs_.narrow(1, begin, batch);
    const at::Tensor values = Output(inputs, floor_ + h);
    at::Tensor error =
        Activated(activation_, values) - targets_.narrow(1, begin, batch);
    BackThroughActivation(activation_, values, &error);
    at::Tensor gradient = at::bmm(error.transpose(1, 2), inputs);
    gradient.mul_(scales_).mul_(2 / (batch * outputs_ * nearest_error_));

    const double progress = static_cast<double>(step) / steps;
    if (progress >= kWarmUp) {
      const double beta = kFirstBeta + (kLastBeta - kFirstBeta) *
                                           (progress - kWarmUp) / (1 - kWarmUp);
      const at::Tensor centred = (h * 2).sub_(1);
      gradient.add_(at::pow(at::abs(centred), beta - 1).mul_(at::sign(centred)),
                    -2 * beta * kRegularizer / h.numel());
    }
    // dh/dv, 0 where h is clamped.
    const at::Tensor slope = sigmoid * (1 - sigmoid) * kWidth;
    return gradient.mul_(slope).masked_fill_(
        fixed_.logical_or(h <= 0).logical_or_(h >= 1), 0);
  }

  const Activation activation_;
  const at::Tensor inputs_;
  const int64_t groups_;
  const int64_t samples_;
  const int64_t outputs_;
  const at::Tensor bias_;     // (groups, 1, out / groups)
  const at::Tensor scales_;   // (groups, out / groups, 1)
  const at::Tensor targets_;  // (groups, samples, out / groups), activated
  at::Tensor nearest_;        // (groups, out / groups, K), as the following
  at::Tensor fixed_;          // weights that have an integer already
  at::Tensor floor_;
  at::Tensor v_;
  double nearest_error_ = 0;
};

}  // namespace

AdaRoundResult AdaRound(const AdaRoundProblem& problem, int steps) {
  const c10::InferenceMode guard;
  Rounding rounding(problem);
  AdaRoundResult result;
  result.nearest_error = rounding.nearest_error();
  result.error = result.nearest_error;
  result.integers = rounding.nearest();
  if (result.nearest_error > 0) {
    rounding.Learn(steps);
    const at::Tensor chosen = rounding.Chosen();
    const double error = rounding.Error(chosen);
    if (error < result.error) {
      result.error = error;
      result.integers = chosen;
    }
  }
  result.integers = result.integers.reshape_as(problem.weights);
  return result;
}

}  // namespace yoloq
