// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter
// 2019) and an exponential average of the parameters. Shows LibTorch's tensors:
// include it in .cc files only.
#ifndef YOLOQ_MODEL_TRAINING_ADAM_H_
#define YOLOQ_MODEL_TRAINING_ADAM_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace yoloq {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

// A tensor that is trained, float32; its gradient is its .grad() or, where
// `gradient` is defined, that.
struct AdamParameter {
  at::Tensor values;
  at::Tensor gradient;
  double weight_decay = 0;
};

class Adam {
 public:
  Adam(std::vector<AdamParameter> parameters, const AdamOptions& options);

  // The 2-norm of all gradients together, as a scalar tensor.
  at::Tensor GradientNorm() const;

  // m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, and with the
  // bias corrections of step t (from 1):
  // w = w - rate * (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
  //                 + weight_decay * w),
  // g being the gradient times gradient_scale.
  void Step(int64_t t, double rate, double gradient_scale);

  // m and v of each parameter: the state that a checkpoint holds.
  std::vector<at::Tensor> State() const;

 private:
  const AdamOptions options_;
  std::vector<AdamParameter> parameters_;
  std::vector<at::Tensor> first_moments_;
  std::vector<at::Tensor> second_moments_;
};

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_ADAM_H_
