#include "model/training/divergence.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include "absl/strings/str_cat.h"

namespace yoloq {
namespace {

std::vector<at::Tensor> Gradients(const TrainableConvolution& convolution) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter :
       {convolution.weight, convolution.bias, convolution.gamma}) {
    if (parameter.defined()) gradients.push_back(parameter.grad());
  }
  return gradients;
}

}  // namespace

bool IsFinite(const at::Tensor& values) {
  return at::isfinite(values.detach()).all().item<bool>();
}

std::string FirstBadOutput(const at::Tensor& images, TrainingHooks* hooks,
                           TrainableNetwork* network) {
  const c10::NoGradGuard no_grad;
  std::string bad;
  network->Forward(images, hooks, [&](int node, const at::Tensor& output) {
    if (bad.empty() && !IsFinite(output)) {
      bad =
          absl::StrCat("the output of node '",
                       network->graph().nodes(node).name(), "' is not finite");
    }
  });
  return bad;
}

std::string FirstBadGradient(const TrainableNetwork& network) {
  for (int i = network.graph().nodes_size() - 1; i >= 0; --i) {
    for (const at::Tensor& gradient : Gradients(network.convolution(i))) {
      if (!IsFinite(gradient)) {
        return absl::StrCat("the gradient of node '",
                            network.graph().nodes(i).name(), "' is not finite");
      }
    }
  }
  return "";
}

std::string LargestGradient(const TrainableNetwork& network) {
  double largest = -1;
  int node = 0;
  for (int i = 0; i < network.graph().nodes_size(); ++i) {
    double norm = 0;
    for (const at::Tensor& gradient : Gradients(network.convolution(i))) {
      norm += at::norm(gradient).item<double>();
    }
    if (norm > largest) {
      largest = norm;
      node = i;
    }
  }
  return absl::StrCat("the largest gradient, of norm ", largest,
                      ", is that of node '", network.graph().nodes(node).name(),
                      "'");
}

}  // namespace yoloq
