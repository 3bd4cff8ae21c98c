// The one tester of all convolutions: a random convolution with named
// parameters, its inputs, and what a scalar oracle makes of them.
#ifndef YOLOQ_HW_NATIVE_CONVOLUTION_TESTER_H_
#define YOLOQ_HW_NATIVE_CONVOLUTION_TESTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "hw/native/backend.h"
#include "hw/runtime/convolution.h"

namespace yoloq {
namespace native {

// How values are drawn.
enum class Values {
  kUniform,   // over the whole range
  kExtremes,  // the two ends of the range
  kLargest,   // the largest alone
};

// What the convolution is; every field may be set.
struct ConvolutionCase {
  Precision precision = INT8;
  int channels = 8;
  int height = 6;
  int width = 7;
  int out_channels = 8;
  int kernel = 3;
  int stride = 1;
  int padding = 1;
  int groups = 1;
  Activation activation = LEAKY;
  bool two_step = false;
  bool per_channel = true;
  bool add = false;
  Activation add_activation = LINEAR;
  bool wants_bytes = true;
  bool wants_reals = false;
  int extra_stride = 0;  // of all tensors, above their channels
  Values inputs = Values::kUniform;
  Values weights = Values::kUniform;
  int input_zero_point = 128;
  int output_zero_point = 100;
  // INT8: of the output, in units of the one that spreads it over 8 bits.
  float output_scale = 1;
  uint64_t seed = 1;

  std::string ToString() const;
};

// Compares what a backend gives with the oracle, also that nothing beyond the
// output's channels is written. INT8: every byte and every real equal. FP32:
// within the bound of README.md of the sum in double. "" or what differs.
class ConvolutionTester {
 public:
  explicit ConvolutionTester(const ConvolutionCase& parameters);

  std::string Test(const NativeOptions& options,
                   const KernelSet& kernels) const;

  const ConvolutionTask& task() const { return task_; }

 private:
  void MakeShapes();
  void MakeInt8();
  void MakeFloat();
  void MakeExpectedInt8();
  void MakeExpectedFloat();
  std::string CompareBytes(const std::vector<uint8_t>& bytes) const;
  std::string CompareReals(const std::vector<float>& reals) const;

  ConvolutionCase case_;
  ConvolutionTask task_;
  std::vector<uint8_t> byte_input_, byte_residual_;
  std::vector<float> float_input_, float_residual_;
  std::vector<int8_t> int8_weights_;
  std::vector<int32_t> int32_bias_;
  std::vector<float> weight_scales_, float_weights_, float_bias_;
  std::vector<uint8_t> expected_bytes_;
  std::vector<double> expected_reals_;
  // FP32: the error that is allowed for each value.
  std::vector<double> bounds_;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_CONVOLUTION_TESTER_H_
