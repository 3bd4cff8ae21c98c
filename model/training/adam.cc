#include "model/training/adam.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <utility>

namespace yoloq {
namespace {

// Elements that are worth a thread.
constexpr int64_t kGrain = 16384;

struct StepFactors {
  float beta1, beta2, epsilon;
  float gradient_scale;
  float step_size;        // rate / (1 - beta1^t)
  float root_correction;  // 1 / sqrt(1 - beta2^t)
  float keep;             // 1 - rate * weight_decay
};

// One pass over memory; tensors are dense.
void StepOnCpu(const StepFactors& f, const float* gradient, int64_t count,
               float* values, float* first, float* second) {
  at::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float g = gradient[i] * f.gradient_scale;
      first[i] = f.beta1 * first[i] + (1 - f.beta1) * g;
      second[i] = f.beta2 * second[i] + (1 - f.beta2) * g * g;
      const float root = std::sqrt(second[i]) * f.root_correction + f.epsilon;
      values[i] = f.keep * values[i] - f.step_size * first[i] / root;
    }
  });
}

void StepWithOperators(const StepFactors& f, const at::Tensor& gradient,
                       const at::Tensor& values, const at::Tensor& first,
                       const at::Tensor& second) {
  const at::Tensor g = gradient * f.gradient_scale;
  first.mul_(f.beta1).add_(g, 1 - f.beta1);
  second.mul_(f.beta2).addcmul_(g, g, 1 - f.beta2);
  const at::Tensor root = at::sqrt(second) * f.root_correction + f.epsilon;
  values.mul_(f.keep).addcdiv_(first, root, -f.step_size);
}

at::Tensor GradientOf(const AdamParameter& parameter) {
  return parameter.gradient.defined() ? parameter.gradient
                                      : parameter.values.grad();
}

}  // namespace

Adam::Adam(std::vector<AdamParameter> parameters, const AdamOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  for (const AdamParameter& parameter : parameters_) {
    first_moments_.push_back(at::zeros_like(parameter.values).detach());
    second_moments_.push_back(at::zeros_like(parameter.values).detach());
  }
}

at::Tensor Adam::GradientNorm() const {
  std::vector<at::Tensor> norms;
  for (const AdamParameter& parameter : parameters_) {
    const at::Tensor gradient = GradientOf(parameter);
    if (gradient.defined()) norms.push_back(at::norm(gradient));
  }
  return at::norm(at::stack(norms));
}

void Adam::Step(int64_t t, double rate, double gradient_scale) {
  const c10::NoGradGuard no_grad;
  StepFactors factors;
  factors.beta1 = static_cast<float>(options_.beta1);
  factors.beta2 = static_cast<float>(options_.beta2);
  factors.epsilon = static_cast<float>(options_.epsilon);
  factors.gradient_scale = static_cast<float>(gradient_scale);
  const double steps = static_cast<double>(t);
  factors.step_size =
      static_cast<float>(rate / (1 - std::pow(options_.beta1, steps)));
  factors.root_correction =
      static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, steps)));
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor gradient = GradientOf(parameters_[i]);
    if (!gradient.defined()) continue;
    const at::Tensor& values = parameters_[i].values;
    factors.keep = static_cast<float>(1 - rate * parameters_[i].weight_decay);
    if (values.is_cpu()) {
      const at::Tensor dense = gradient.contiguous();
      StepOnCpu(factors, dense.data_ptr<float>(), values.numel(),
                values.data_ptr<float>(), first_moments_[i].data_ptr<float>(),
                second_moments_[i].data_ptr<float>());
    } else {
      StepWithOperators(factors, gradient, values.detach(), first_moments_[i],
                        second_moments_[i]);
    }
  }
}

std::vector<at::Tensor> Adam::State() const {
  std::vector<at::Tensor> state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    state.push_back(first_moments_[i]);
    state.push_back(second_moments_[i]);
  }
  return state;
}

}  // namespace yoloq
