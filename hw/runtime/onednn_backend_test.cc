#include "hw/runtime/onednn_backend.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "quant/integer_semantics.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

TensorQuantization Quantization(float scale, int zero_point) {
  TensorQuantization q;
  q.set_scale(scale);
  q.set_zero_point(zero_point);
  return q;
}

// Sums beyond 24 bits that do not saturate: oneDNN's float addition of the bias
// would round twice, so the engine must take the int32 path, and must be exact.
TEST(OneDnnBackendTest, LargeSumsTakeTheExactPath) {
  constexpr int kChannels = 1024;
  const std::vector<int8_t> weights(kChannels * 9, 127);
  const std::vector<int32_t> bias = {1234567};
  // 2^24 / 255 steps an output: the whole range of sums fits the 8 bits.
  const std::vector<float> scales = {1.0f / (1 << 21)};
  ConvolutionTask task;
  task.int8_weights = weights;
  task.int32_bias = bias;
  task.weight_scales = scales;
  task.input_quantization = Quantization(1, 0);
  task.output_quantization = Quantization(1, 0);
  EXPECT_FALSE(FusedRequantizationIsExact(task));
  // A hundred times the multiplier: everything beyond 24 bits saturates.
  const std::vector<float> large_scales = {1.0f / (1 << 15)};
  task.weight_scales = large_scales;
  EXPECT_TRUE(FusedRequantizationIsExact(task));
  // Unless leaky brings negative sums back into range.
  task.op.set_activation(LEAKY);
  EXPECT_FALSE(FusedRequantizationIsExact(task));
}

TEST(OneDnnBackendTest, UnfusedPathEqualsTheDefinition) {
  constexpr int kChannels = 512;
  ConvolutionOp op;
  op.set_out_channels(3);
  op.set_kernel(3);
  op.set_stride(1);
  op.set_padding(1);
  op.set_groups(1);
  Shape in, out;
  in.set_channels(kChannels);
  in.set_height(4);
  in.set_width(4);
  out = in;
  out.set_channels(3);
  std::mt19937 random(5);
  std::vector<int8_t> weights(3 * kChannels * 9);
  for (int8_t& w : weights) w = 100 + random() % 28;
  std::vector<uint8_t> input(kChannels * 16);
  for (uint8_t& x : input) x = random() % 256;
  const std::vector<int32_t> bias = {20000001, -33333333, 7};
  const std::vector<float> scales = {1e-6f, 2e-6f, 3e-6f};
  ConvolutionTask task;
  task.op = op;
  task.input = in;
  task.output = out;
  task.precision = INT8;
  task.int8_weights = weights;
  task.int32_bias = bias;
  task.weight_scales = scales;
  task.input_quantization = Quantization(1, 17);
  task.output_quantization = Quantization(1, 3);
  task.wants_bytes = true;
  ASSERT_FALSE(FusedRequantizationIsExact(task));
  if (!CheckOneDnnInt8().ok()) GTEST_SKIP() << CheckOneDnnInt8();
  const auto backend = NewOneDnnBackend(2);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto convolution, backend->Create(task));
  std::vector<uint8_t> output(3 * 16);
  std::vector<int32_t> accumulators(convolution->scratch_bytes() / 4);
  ASSERT_EQ(accumulators.size(), output.size());
  ConvolutionBuffers buffers;
  buffers.input = input.data();
  buffers.bytes = output.data();
  buffers.scratch = accumulators.data();
  YOLOQ_ASSERT_OK(convolution->Run(buffers));
  for (int cell = 0; cell < 16; ++cell) {
    for (int o = 0; o < 3; ++o) {
      int32_t acc = bias[o];
      for (int k = 0; k < 9; ++k) {
        const int y = cell / 4 + k / 3 - 1;
        const int x = cell % 4 + k % 3 - 1;
        if (y < 0 || y > 3 || x < 0 || x > 3) continue;
        for (int c = 0; c < kChannels; ++c) {
          acc += (input[(y * 4 + x) * kChannels + c] - 17) *
                 weights[(o * kChannels + c) * 9 + k];
        }
      }
      EXPECT_EQ(output[cell * 3 + o],
                RequantizeAccumulator(acc, scales[o], LINEAR, 3));
    }
  }
}

}  // namespace
}  // namespace yoloq
