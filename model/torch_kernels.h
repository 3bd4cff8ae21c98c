// Which of their kernels LibTorch and its BLAS take on this processor. Sums are
// of another order in others: what a training amplifies.
#ifndef YOLOQ_MODEL_TORCH_KERNELS_H_
#define YOLOQ_MODEL_TORCH_KERNELS_H_

#include <string>

namespace yoloq {

// "ATen AVX2, OpenBLAS Haswell"; without OpenBLAS the first alone.
std::string TorchKernels();

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TORCH_KERNELS_H_
