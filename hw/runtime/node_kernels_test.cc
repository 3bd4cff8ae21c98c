#include "hw/runtime/node_kernels.h"

#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "quant/integer_semantics.h"

namespace yoloq {
namespace {

ThreadPool& Pool() {
  static ThreadPool* const pool = NewThreadPool(2)->release();
  return *pool;
}

TensorQuantization Quantization(float scale, int zero_point) {
  TensorQuantization q;
  q.set_scale(scale);
  q.set_zero_point(zero_point);
  return q;
}

// Every byte, and a length that leaves a remainder in every vector width.
std::vector<uint8_t> AllBytes() {
  std::vector<uint8_t> bytes(256 * 5 + 7);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = i * 37 % 256;
  return bytes;
}

const std::vector<TensorQuantization>& Quantizations() {
  static const auto* const kAll = new std::vector<TensorQuantization>{
      Quantization(1, 0), Quantization(0.5f, 255), Quantization(0.0317f, 23),
      Quantization(0.0100003f, 128), Quantization(3.7f, 77)};
  return *kAll;
}

TEST(NodeKernelsTest, LeakyRequantizeAndDequantizeEqualTheDefinition) {
  const std::vector<uint8_t> bytes = AllBytes();
  for (const TensorQuantization& from : Quantizations()) {
    std::vector<float> reals(bytes.size());
    DequantizeValues(Pool(), bytes.data(), bytes.size(), from, reals.data());
    for (size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(reals[i], Dequantize(bytes[i], from));
    }
    for (const TensorQuantization& to : Quantizations()) {
      std::vector<uint8_t> out(bytes.size());
      LeakyValues(Pool(), bytes.data(), bytes.size(), from, to, out.data());
      const auto leaky = LeakyTable(from, to);
      for (size_t i = 0; i < bytes.size(); ++i) {
        ASSERT_EQ(out[i], leaky[bytes[i]]);
      }
      const ChannelCopy whole = {1, static_cast<int>(bytes.size()),
                                 0, static_cast<int>(bytes.size()),
                                 0, static_cast<int>(bytes.size())};
      RequantizeChannels(Pool(), bytes.data(), whole, from, to, out.data());
      const auto requantize = RequantizeTable(from, to);
      for (size_t i = 0; i < bytes.size(); ++i) {
        ASSERT_EQ(out[i], requantize[bytes[i]]);
      }
    }
  }
}

TEST(NodeKernelsTest, QuantizeEqualsTheDefinitionAtTiesAndExtremes) {
  std::vector<float> reals = {0.0f,  -0.0f,  0.5f,   1.5f,       -0.5f,  2.5f,
                              1e30f, -1e30f, 126.5f, 127.49999f, -1e-30f};
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 40);
  for (int i = 0; i < 100000; ++i) reals.push_back(normal(random));
  for (const TensorQuantization& q : Quantizations()) {
    std::vector<uint8_t> out(reals.size());
    QuantizeValues(Pool(), reals.data(), reals.size(), q, out.data());
    for (size_t i = 0; i < reals.size(); ++i) {
      ASSERT_EQ(out[i], Quantize(reals[i], q)) << reals[i];
    }
  }
}

TEST(NodeKernelsTest, AddEqualsTheDefinitionForEveryPairOfBytes) {
  std::vector<uint8_t> a, b;
  for (int i = 0; i < 65536; ++i) {
    a.push_back(i % 256);
    b.push_back(i / 256);
  }
  std::vector<uint8_t> out(a.size());
  for (const Activation activation : {LINEAR, RELU, LEAKY}) {
    for (const TensorQuantization& q : Quantizations()) {
      const TensorQuantization qa = Quantization(0.0237f, 19);
      const TensorQuantization qb = Quantization(0.5f, 130);
      AddValues(Pool(), a.data(), qa, b.data(), qb, activation, a.size(), q,
                out.data());
      for (size_t i = 0; i < a.size(); ++i) {
        ASSERT_EQ(out[i], AddQuantized(a[i], qa, b[i], qb, activation, q));
      }
    }
  }
}

TEST(NodeKernelsTest, RequantizeAccumulatorsEqualsTheDefinition) {
  std::mt19937 random(2);
  constexpr int kChannels = 37;
  constexpr int kCells = 500;
  std::vector<int32_t> acc(kCells * kChannels), bias(kChannels);
  std::vector<float> multipliers(kChannels);
  for (int32_t& a : acc) {
    a = static_cast<int32_t>(random()) >> (2 + random() % 24);
  }
  for (int32_t& b : bias) b = static_cast<int32_t>(random()) >> 3;
  for (float& m : multipliers) m = std::ldexp(1.0f + random() % 7, -12);
  std::vector<uint8_t> out(acc.size());
  for (const Activation activation : {LINEAR, RELU, LEAKY}) {
    RequantizeAccumulators(Pool(), acc.data(), bias.data(), multipliers.data(),
                           activation, kCells, kChannels, 31, out.data());
    for (size_t i = 0; i < acc.size(); ++i) {
      ASSERT_EQ(out[i], RequantizeAccumulator(acc[i] + bias[i % kChannels],
                                              multipliers[i % kChannels],
                                              activation, 31));
    }
  }
}

TEST(NodeKernelsTest, UpsampleRepeatsEachCell) {
  Shape in;
  in.set_channels(2);
  in.set_height(1);
  in.set_width(2);
  const std::vector<uint8_t> from = {1, 2, 3, 4};
  std::vector<uint8_t> to(16);
  UpsampleValues(Pool(), from.data(), {in, 2, 2, 2}, to.data());
  EXPECT_EQ(to, (std::vector<uint8_t>{1, 2, 1, 2, 3, 4, 3, 4,  //
                                      1, 2, 1, 2, 3, 4, 3, 4}));
}

TEST(NodeKernelsTest, UpsampleReadsAndWritesInsideWiderTensors) {
  Shape in;
  in.set_channels(2);
  in.set_height(2);
  in.set_width(1);
  const std::vector<uint8_t> from = {1, 2, 99, 3, 4, 99};
  std::vector<uint8_t> to(4 * 2 * 3, 7);
  UpsampleValues(Pool(), from.data(), {in, 2, 3, 3}, to.data());
  EXPECT_EQ(to, (std::vector<uint8_t>{1, 2, 7, 1, 2, 7, 1, 2, 7, 1, 2, 7,  //
                                      3, 4, 7, 3, 4, 7, 3, 4, 7, 3, 4, 7}));
}

TEST(NodeKernelsTest, UpsampleRequantizedEqualsTheDefinition) {
  const std::vector<uint8_t> bytes = AllBytes();
  Shape in;
  in.set_channels(static_cast<int>(bytes.size()));
  in.set_height(1);
  in.set_width(1);
  const int stride = in.channels();
  for (const TensorQuantization& from : Quantizations()) {
    for (const TensorQuantization& to : Quantizations()) {
      std::vector<uint8_t> out(4 * bytes.size());
      UpsampleRequantized(Pool(), bytes.data(), {in, 2, stride, stride}, from,
                          to, out.data());
      for (size_t i = 0; i < out.size(); ++i) {
        ASSERT_EQ(out[i], Requantize(bytes[i % bytes.size()], from, to));
      }
    }
  }
}

TEST(NodeKernelsTest, MaxPoolIgnoresWhatLiesOutside) {
  Shape in;
  in.set_channels(1);
  in.set_height(2);
  in.set_width(2);
  MaxPoolOp op;
  op.set_size(2);
  op.set_stride(1);
  op.set_padding_total(1);
  const std::vector<float> from = {-4, -3, -2, -1};
  std::vector<float> to(4);
  MaxPoolValues(Pool(), from.data(), in, in, op, to.data());
  // Darknet pads 0 above and left, 1 below and right.
  EXPECT_EQ(to, (std::vector<float>{-1, -1, -1, -1}));
}

TEST(NodeKernelsTest, CopiesARunOfChannels) {
  const std::vector<float> from = {1, 2, 3, 4, 5, 6};
  std::vector<float> to(4, 0);
  CopyChannels(Pool(), from.data(), {2, 3, 1, 2, 1, 1}, to.data());
  EXPECT_EQ(to, (std::vector<float>{0, 2, 0, 5}));
}

}  // namespace
}  // namespace yoloq
