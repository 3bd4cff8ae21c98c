// How the native backend computes a convolution on some core, and what that
// costs by its model: for people, reports and tests.
#ifndef YOLOQ_HW_NATIVE_CONVOLUTION_PLAN_H_
#define YOLOQ_HW_NATIVE_CONVOLUTION_PLAN_H_

#include <cstdint>
#include <string>

namespace yoloq {

// All of one run, by all threads together.
struct ConvolutionPlan {
  std::string name;                 // the node's
  std::string algorithm;            // "Winograd F(4,3)", "direct", "depthwise"
  std::string description;          // the algorithm, its kernel, and why so
  double multiply_accumulates = 0;  // of the convolution's definition
  double instructions = 0;  // 0 where the core's cycles do not tell them
  int64_t packed_bytes = 0;
  double weight_traffic_bytes = 0;      // from memory, every pass
  double activation_traffic_bytes = 0;  // to and from memory
  double cycles = 0;                    // from begin to end
  double computing_cycles = 0;          // of these, not waiting for memory
  double ms = 0;                        // 0 where no clock is assumed
};

}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_CONVOLUTION_PLAN_H_
