// The requantization multipliers of an INT8 convolution.
#ifndef YOLOQ_HW_RUNTIME_MULTIPLIERS_H_
#define YOLOQ_HW_RUNTIME_MULTIPLIERS_H_

#include <vector>

#include "hw/runtime/convolution.h"
#include "quant/integer_semantics.h"

namespace yoloq {

// M[c] of quant/integer_semantics.h for each output channel, to the scale
// before the activation where the task has one. `task` is INT8.
inline std::vector<float> RequantizationMultipliers(
    const ConvolutionTask& task) {
  const TensorQuantization& to = task.before_activation.has_value()
                                     ? *task.before_activation
                                     : *task.output_quantization;
  std::vector<float> multipliers(task.int32_bias.size());
  for (size_t c = 0; c < multipliers.size(); ++c) {
    multipliers[c] = RequantizationMultiplier(
        task.input_quantization.scale(),
        task.weight_scales[task.weight_scales.size() == 1 ? 0 : c], to.scale());
  }
  return multipliers;
}

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_MULTIPLIERS_H_
