// AdaRound (Nagel et al., "Up or Down? Adaptive Rounding for Post-Training
// Quantization", ICML 2020) of one convolution. Shows LibTorch's tensors:
// include it in .cc files only.
#ifndef YOLOQ_QUANT_ADA_ROUND_H_
#define YOLOQ_QUANT_ADA_ROUND_H_

#include <ATen/core/Tensor.h>

#include "model/graph.pb.h"

namespace yoloq {

// A convolution as a matrix product over some of its output positions (samples,
// in random order). K: in / groups * kernel^2. All float32, contiguous.
struct AdaRoundProblem {
  at::Tensor inputs;   // (groups, samples, K): of the quantized network
  at::Tensor targets;  // (samples, out): of the FP32 one, before activation
  at::Tensor weights;  // (out, K)
  at::Tensor bias;     // (out)
  at::Tensor scales;   // s_w: (1) or (out)
  Activation activation = LINEAR;
};

struct AdaRoundResult {
  at::Tensor integers;  // (out, K): whole numbers in [-127, 127]
  // Mean squared errors of the output after activation, over all samples.
  double error = 0;
  double nearest_error = 0;  // with every weight rounded to nearest
};

// Minimizes the squared error of the activated output over the choice, weight
// by weight, of floor(w / s_w) + h with h in {0, 1}: `steps` (>= 1) steps of
// Adam on h = clamp(1.2 sigmoid(v) - 0.1, 0, 1), with the regularizer sum(1 -
// |2 h - 1|^beta), whose beta falls from 20 to 2 after a fifth of the steps.
// The error is in units of nearest_error, so that one weight of the regularizer
// fits all convolutions. Gives the nearest rounding where that is no worse.
// LibTorch's exceptions pass through.
AdaRoundResult AdaRound(const AdaRoundProblem& problem, int steps);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_ADA_ROUND_H_
