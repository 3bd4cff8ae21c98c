// Whether a deployable model can be executed: all that engines rely on.
#ifndef YOLOQ_QUANT_DEPLOYABLE_CHECK_H_
#define YOLOQ_QUANT_DEPLOYABLE_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "quant/deployable.pb.h"

namespace yoloq {

// Scales lie in [2^-60, 2^60]: the ratio of any two is then a normal float32.
inline constexpr float kMinScale = 1.0f / (uint64_t{1} << 60);
inline constexpr float kMaxScale = static_cast<float>(uint64_t{1} << 60);

// InvalidArgument, naming the node, unless all of this holds:
// - the graph is valid, the shapes in it are those that InferShapes finds,
//   batch norm is folded, and all tensors together have at most 2^31 elements;
// - there is one NodeExecution a node, each FP32 or INT8; a YOLO head has the
//   precision of its input;
// - every INT8 node and every node that an INT8 node reads has `output`;
//   scales are finite and in [kMinScale, kMaxScale], zero points in [0, 255];
//   the input's is kInputScale, kInputZeroPoint; upsample, max-pool, slice and
//   YOLO heads in INT8 have the output quantization of their input;
// - with an INT8 node, weights, leaky and concat of `quantization` are
//   resolved; before_activation is set exactly on INT8 leaky convolutions in
//   mode TWO_STEP;
// - blobs lie in the data section, are aligned, and have the size that the
//   graph asks for; nodes other than convolutions have none;
// - int8 weights are never -128; the accumulator can't leave int32 for any
//   input; float32 weights and biases are finite; the multiplier
//   s_x * s_w / s_y is a normal float32.
// `data`: the data section, at an address aligned to 64 bytes.
absl::Status CheckDeployable(const DeployableModel& model,
                             absl::string_view data);

}  // namespace yoloq

#endif  // YOLOQ_QUANT_DEPLOYABLE_CHECK_H_
