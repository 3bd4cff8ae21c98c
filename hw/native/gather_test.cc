// Rows of a direct convolution's matrix of every kernel set, beside plain
// loops, on memory that ends where the operands end.
#include "hw/native/gather.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <type_traits>

#include "hw/native/guarded.h"
#include "hw/native/tested_kernels.h"

namespace yoloq {
namespace native {
namespace {

struct Case {
  int height = 7;
  int width = 9;
  int channels = 3;
  int gap = 0;  // between pixels
  int kernel = 3;
  int stride = 1;
  int padding = 1;
};

ConvolutionTask TaskOf(const Case& p) {
  ConvolutionTask task;
  task.op.set_kernel(p.kernel);
  task.op.set_stride(p.stride);
  task.op.set_padding(p.padding);
  task.op.set_groups(1);
  task.input.set_height(p.height);
  task.input.set_width(p.width);
  task.input.set_channels(p.channels);
  task.output.set_height((p.height + 2 * p.padding - p.kernel) / p.stride + 1);
  task.output.set_width((p.width + 2 * p.padding - p.kernel) / p.stride + 1);
  task.input_stride = p.channels + p.gap;
  return task;
}

// "" or what is wrong, of all rows, gathered `rows` at a time.
template <typename In, typename A>
std::string Difference(const KernelSet& set, const Case& p, int rows) {
  const ConvolutionTask task = TaskOf(p);
  const int values = p.kernel * p.kernel * p.channels;
  const int depth = static_cast<int>(RoundUp(values, 4));
  const int64_t stride = RoundUp(depth, 64 / sizeof(A));
  const A outside = 77;
  const Gatherer<In, A> gatherer(task, set, depth, outside);
  Guarded<In> input((int64_t{p.height} * p.width - 1) * task.input_stride +
                    p.channels);
  std::mt19937 random(values);
  for (int64_t i = 0; i < input.size(); ++i) {
    input[i] = static_cast<In>(random() % 256);
  }
  const int64_t pixels = OutputPixels(task);
  for (int64_t first = 0; first < pixels; first += rows) {
    const int count = static_cast<int>(std::min<int64_t>(rows, pixels - first));
    Guarded<A> gathered(count * stride);
    // No value of a real, so that one that is not set is seen.
    std::memset(gathered.data(), 0xFF, count * stride * sizeof(A));
    gatherer.Gather(input.data(), first, count, gathered.data(), stride);
    for (int i = 0; i < count; ++i) {
      const int64_t pixel = first + i;
      const int top =
          static_cast<int>(pixel / task.output.width()) * p.stride - p.padding;
      const int left =
          static_cast<int>(pixel % task.output.width()) * p.stride - p.padding;
      for (int k = 0; k < depth; ++k) {
        if (k >= values && !std::is_floating_point_v<A>) break;
        const int y = top + k / p.channels / p.kernel;
        const int x = left + k / p.channels % p.kernel;
        A expected = outside;
        if (k >= values) {
          expected = 0;
        } else if (y >= 0 && y < p.height && x >= 0 && x < p.width) {
          expected = input[(int64_t{y} * p.width + x) * task.input_stride +
                           k % p.channels];
        }
        const A got = gathered[i * stride + k];
        if (got == expected) continue;
        return "pixel " + std::to_string(pixel) + ", value " +
               std::to_string(k) + ": " + std::to_string(got) +
               " in place of " + std::to_string(expected) + "; " +
               std::to_string(p.channels) + " channels, kernel " +
               std::to_string(p.kernel) + ", stride " +
               std::to_string(p.stride) + ", " + std::to_string(rows) +
               " rows at a time";
      }
    }
  }
  return "";
}

class GatherTest : public testing::TestWithParam<const KernelSet*> {
 protected:
  void ExpectEqual(const Case& p) {
    for (const int rows : {1, 5, 14, 96}) {
      EXPECT_EQ((Difference<uint8_t, uint8_t>(*GetParam(), p, rows)), "");
      EXPECT_EQ((Difference<uint8_t, int16_t>(*GetParam(), p, rows)), "");
      EXPECT_EQ((Difference<float, float>(*GetParam(), p, rows)), "");
    }
  }
};

TEST_P(GatherTest, FewChannels) {
  for (const int kernel : {1, 2, 3, 5}) {
    for (const int channels : {1, 2, 3, 4, 5, 10}) {
      for (const int stride : {1, 2, 3}) {
        Case p;
        p.height = 11;
        p.width = 23;
        p.kernel = kernel;
        p.channels = channels;
        p.stride = stride;
        p.padding = kernel / 2;
        ExpectEqual(p);
      }
    }
  }
}

// Rows of a kernel of every number of bytes around those of vectors.
TEST_P(GatherTest, ManyChannels) {
  for (const int channels : {15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 130}) {
    for (const int kernel : {1, 3}) {
      Case p;
      p.kernel = kernel;
      p.channels = channels;
      p.padding = kernel / 2;
      ExpectEqual(p);
    }
  }
}

// So far apart that neighbours do not fit the memory for widened rows.
TEST_P(GatherTest, LargeStrides) {
  for (const int stride : {4, 8, 20}) {
    Case p;
    p.height = 45;
    p.width = 500;
    p.kernel = 1;
    p.channels = 32;
    p.stride = stride;
    p.padding = 0;
    ExpectEqual(p);
  }
}

TEST_P(GatherTest, PicturesNarrowerThanAVector) {
  for (const int width : {1, 2, 3, 5, 6}) {
    Case p;
    p.height = 4;
    p.width = width;
    ExpectEqual(p);
  }
}

TEST_P(GatherTest, PixelsApart) {
  Case p;
  p.gap = 5;
  ExpectEqual(p);
  p.channels = 20;
  ExpectEqual(p);
}

INSTANTIATE_TEST_SUITE_P(Sets, GatherTest, testing::ValuesIn(TestedKernels()),
                         [](const auto& info) {
                           return std::string(info.param->name);
                         });

}  // namespace
}  // namespace native
}  // namespace yoloq
