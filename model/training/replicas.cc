#include "model/training/replicas.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/training/divergence.h"

namespace yoloq {
namespace {

std::vector<at::Tensor> ParametersOf(TrainingHooks* hooks) {
  return hooks == nullptr ? std::vector<at::Tensor>() : hooks->Parameters();
}

void CopyAll(const std::vector<at::Tensor>& from,
             const std::vector<at::Tensor>& to) {
  for (size_t i = 0; i < to.size(); ++i) to[i].detach().copy_(from[i].detach());
}

void ZeroGradients(const TrainableNetwork& network, TrainingHooks* hooks) {
  network.weight_gradients().zero_();
  network.bias_gradients().zero_();
  for (const at::Tensor& parameter : ParametersOf(hooks)) {
    if (parameter.grad().defined()) parameter.grad().zero_();
  }
}

void AddGradient(const at::Tensor& from, const at::Tensor& to) {
  if (!from.grad().defined()) return;
  if (to.grad().defined()) {
    to.grad().add_(from.grad());
  } else {
    to.mutable_grad() = from.grad().clone();
  }
}

BatchLoss Share(const YoloLoss& loss, double share) {
  const auto value = [share](const at::Tensor& term) {
    return share * term.item<double>();
  };
  return {value(loss.total), value(loss.box), value(loss.objectness),
          value(loss.classes)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Replicas>> Replicas::Create(
    TrainableNetwork* network, TrainingHooks* hooks, int count) {
  std::unique_ptr<Replicas> result(new Replicas(count));
  result->replicas_[0].network = network;
  result->replicas_[0].hooks = hooks;
  for (int i = 1; i < count; ++i) {
    Replica& replica = result->replicas_[i];
    replica.owned_network = network->Replica();
    replica.network = replica.owned_network.get();
    if (hooks == nullptr) continue;
    replica.owned_hooks = hooks->Replica();
    replica.hooks = replica.owned_hooks.get();
    if (replica.hooks == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("replicas is ", count,
                       ", but the hooks of this training have no replicas; "
                       "set replicas: 1"));
    }
  }
  return result;
}

std::vector<Replicas::Part> Replicas::Split(int64_t images) const {
  const int64_t count =
      std::min(static_cast<int64_t>(replicas_.size()), images);
  std::vector<Part> parts(count);
  int64_t begin = 0;
  for (int64_t i = 0; i < count; ++i) {
    parts[i].begin = begin;
    parts[i].count = images / count + (i < images % count ? 1 : 0);
    parts[i].share =
        static_cast<double>(parts[i].count) / static_cast<double>(images);
    begin += parts[i].count;
  }
  return parts;
}

void Replicas::Run(int64_t count, const std::function<void(int64_t)>& body) {
  std::vector<std::exception_ptr> errors(count);
  threads_.ParallelFor(count, [&](int64_t i) {
    // OpenMP's number of threads belongs to the calling thread.
    at::internal::lazy_init_num_threads();
    try {
      body(i);
    } catch (...) {
      errors[i] = std::current_exception();
    }
  });
  for (const std::exception_ptr& error : errors) {
    if (error != nullptr) std::rethrow_exception(error);
  }
}

void Replicas::CopyFromFirst(const Replica& replica) {
  const c10::NoGradGuard no_grad;
  const Replica& first = replicas_[0];
  replica.network->statistics().copy_(first.network->statistics());
  replica.network->set_training(first.network->training());
  if (replica.hooks == nullptr) return;
  CopyAll(first.hooks->Parameters(), replica.hooks->Parameters());
  CopyAll(first.hooks->State(), replica.hooks->State());
}

void Replicas::AddToFirst(const std::vector<Part>& parts) {
  const c10::NoGradGuard no_grad;
  const Replica& first = replicas_[0];
  const std::vector<at::Tensor> parameters = ParametersOf(first.hooks);
  // As a change, so that statistics that stand still do so to the bit.
  at::Tensor change = at::zeros_like(first.network->statistics());
  std::vector<TrainingHooks*> others;
  for (size_t r = 1; r < parts.size(); ++r) {
    const Replica& replica = replicas_[r];
    first.network->weight_gradients().add_(replica.network->weight_gradients());
    first.network->bias_gradients().add_(replica.network->bias_gradients());
    change.add_(replica.network->statistics() - first.network->statistics(),
                parts[r].share);
    const std::vector<at::Tensor> own = ParametersOf(replica.hooks);
    for (size_t i = 0; i < own.size(); ++i) AddGradient(own[i], parameters[i]);
    others.push_back(replica.hooks);
  }
  first.network->statistics().add_(change);
  if (first.hooks != nullptr) first.hooks->MergeState(others);
}

BatchLoss Replicas::Backward(const TrainingPosition& position,
                             const LossSpec& spec, const at::Tensor& images,
                             const std::vector<std::vector<TruthBox>>& truth) {
  const std::vector<Part> parts = Split(images.size(0));
  for (size_t r = 1; r < parts.size(); ++r) CopyFromFirst(replicas_[r]);
  for (size_t r = 0; r < parts.size(); ++r) {
    if (replicas_[r].hooks == nullptr) continue;
    TrainingPosition own = position;
    own.share = parts[r].share;
    replicas_[r].hooks->BeginStep(own);
  }
  Run(parts.size(), [&](int64_t r) {
    Replica& replica = replicas_[r];
    const Part& part = parts[r];
    ZeroGradients(*replica.network, replica.hooks);
    const auto begin = truth.begin() + part.begin;
    const YoloLoss loss = ComputeYoloLoss(
        replica.network->graph(), spec,
        replica.network->Forward(images.narrow(0, part.begin, part.count),
                                 replica.hooks),
        {begin, begin + part.count});
    // The loss is a mean over images.
    torch::autograd::backward({loss.total},
                              {at::full_like(loss.total, part.share)});
    replica.loss = Share(loss, part.share);
  });
  if (parts.size() > 1) AddToFirst(parts);
  BatchLoss sum;
  for (size_t r = 0; r < parts.size(); ++r) {
    sum.total += replicas_[r].loss.total;
    sum.box += replicas_[r].loss.box;
    sum.objectness += replicas_[r].loss.objectness;
    sum.classes += replicas_[r].loss.classes;
  }
  return sum;
}

std::string Replicas::FirstBadOutput(const at::Tensor& images) {
  const std::vector<Part> parts = Split(images.size(0));
  for (size_t r = 0; r < parts.size(); ++r) {
    std::string bad =
        yoloq::FirstBadOutput(images.narrow(0, parts[r].begin, parts[r].count),
                              replicas_[r].hooks, replicas_[r].network);
    if (!bad.empty()) return bad;
  }
  return "";
}

}  // namespace yoloq
