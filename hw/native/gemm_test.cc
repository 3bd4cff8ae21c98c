// The products of every kernel set (kernels.h: Gemm) beside plain loops, on
// memory that ends where the operands end.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "hw/native/guarded.h"
#include "hw/native/tested_kernels.h"

namespace yoloq {
namespace native {
namespace {

enum class Values { kUniform, kLargest, kLeast };

struct Case {
  int rows = 1;
  int64_t groups = 1;
  int64_t a_gap = 0;  // between rows
  int64_t c_gap = 0;
  bool accumulate = false;
  Values values = Values::kUniform;
};

// What lies between rows of sums.
constexpr int32_t kUntouched = 0x5a5a5a5a;

// A value of type T. Reals are integers so small that their sums are exact.
template <typename T>
T Draw(Values values, std::mt19937& random) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(static_cast<int>(random() % 17) - 8);
  } else {
    switch (values) {
      case Values::kUniform:
        return static_cast<T>(random());
      case Values::kLargest:
        return std::numeric_limits<T>::max();
      case Values::kLeast:
        return std::is_signed_v<T> ? std::numeric_limits<T>::min()
                                   : std::numeric_limits<T>::max();
    }
  }
  return 0;
}

// sum + a * b; integers modulo 2^32.
template <typename A, typename B, typename C>
C MultiplyAdd(C sum, A a, B b) {
  if constexpr (std::is_floating_point_v<C>) {
    return sum + a * b;
  } else {
    return static_cast<C>(static_cast<uint32_t>(sum) +
                          static_cast<uint32_t>(int32_t{a} * b));
  }
}

// "" or what is wrong.
template <typename A, typename B, typename C>
std::string Difference(const Gemm<A, B, C>& gemm, const Case& p) {
  std::mt19937 random(p.rows * 1000 + static_cast<int>(p.groups));
  const int64_t depth = p.groups * gemm.depth;
  const int64_t a_stride = depth + p.a_gap;
  const int64_t c_stride = gemm.columns + p.c_gap;
  const int64_t a_size = (p.rows - 1) * a_stride + depth;
  const int64_t c_size = (p.rows - 1) * c_stride + gemm.columns;
  Guarded<A> a(a_size);
  Guarded<B> panel(depth * gemm.columns);
  Guarded<C> c(c_size);
  for (int64_t i = 0; i < a_size; ++i) a[i] = Draw<A>(p.values, random);
  for (int64_t i = 0; i < depth * gemm.columns; ++i) {
    panel[i] = Draw<B>(p.values, random);
  }
  for (int64_t i = 0; i < c_size; ++i) {
    c[i] = i % c_stride >= gemm.columns ? static_cast<C>(kUntouched)
                                        : Draw<C>(Values::kUniform, random);
  }
  std::vector<C> expected(c.data(), c.data() + c_size);
  for (int i = 0; i < p.rows; ++i) {
    for (int j = 0; j < gemm.columns; ++j) {
      C& to = expected[i * c_stride + j];
      C sum = p.accumulate ? to : 0;
      for (int64_t k = 0; k < depth; ++k) {
        const int64_t at =
            (k / gemm.depth * gemm.columns + j) * gemm.depth + k % gemm.depth;
        sum = MultiplyAdd(sum, a[i * a_stride + k], panel[at]);
      }
      to = sum;
    }
  }
  Prefetch prefetch;
  prefetch.panel = panel.data();
  prefetch.bytes = 40 * p.groups;
  gemm.run(p.rows, p.groups, a.data(), a_stride, panel.data(), c.data(),
           c_stride, p.accumulate, prefetch);
  for (int64_t i = 0; i < c_size; ++i) {
    if (c[i] == expected[i]) continue;
    return std::string(gemm.name) + ": row " + std::to_string(i / c_stride) +
           ", column " + std::to_string(i % c_stride) + ": " +
           std::to_string(c[i]) + " in place of " +
           std::to_string(expected[i]) + ", of " + std::to_string(p.rows) +
           " rows and " + std::to_string(p.groups) + " groups" +
           (p.accumulate ? ", accumulated" : "");
  }
  return "";
}

class GemmTest : public testing::TestWithParam<const KernelSet*> {
 protected:
  // Calls test(gemm) for each product that the set has.
  template <typename Test>
  void ForEach(Test test) {
    const KernelSet& set = *GetParam();
    if (set.gemm_u8.run != nullptr) test(set.gemm_u8);
    if (set.gemm_s16.run != nullptr) test(set.gemm_s16);
    if (set.gemm_f32.run != nullptr) test(set.gemm_f32);
  }
};

// Up to two whole tiles of AMX's 16 groups, and what is around them.
TEST_P(GemmTest, EveryNumberOfRowsAndGroups) {
  ForEach([](const auto& gemm) {
    for (int rows = 1; rows <= gemm.rows; ++rows) {
      for (int64_t groups = 1; groups <= 35; ++groups) {
        Case p;
        p.rows = rows;
        p.groups = groups;
        p.a_gap = rows % 3 == 0 ? 0 : 4 * (rows % 5) + 1;
        p.c_gap = groups % 4 == 0 ? 0 : 3;
        p.accumulate = (rows + groups) % 2 == 0;
        ASSERT_EQ(Difference(gemm, p), "");
      }
    }
  });
}

// Several tiles, of one height and of two; and groups that AMX cannot cut
// evenly.
TEST_P(GemmTest, MoreRowsThanATile) {
  ForEach([](const auto& gemm) {
    for (const int rows : {1, 2, gemm.rows - 1, gemm.rows}) {
      for (const int64_t groups : {1, 7, 17}) {
        for (const bool accumulate : {false, true}) {
          Case p;
          p.rows = 2 * gemm.rows + rows;
          p.groups = groups;
          p.a_gap = 4;
          p.c_gap = 3;
          p.accumulate = accumulate;
          ASSERT_EQ(Difference(gemm, p), "");
        }
      }
    }
  });
}

// As long as slices of panels are, and those that divide into nothing.
TEST_P(GemmTest, ManyGroups) {
  ForEach([](const auto& gemm) {
    for (const int64_t groups : {64, 72, 97, 192, 255, 256}) {
      for (const int rows : {1, 13, 16, 17, 32, 33, 50, gemm.rows}) {
        for (const bool accumulate : {false, true}) {
          Case p;
          p.rows = std::min(rows, gemm.rows);
          p.groups = groups;
          p.accumulate = accumulate;
          ASSERT_EQ(Difference(gemm, p), "");
        }
      }
    }
  });
}

// Four products of 255 and -128 are beyond 16 bits, two of -32,768 and -32,768
// beyond 31.
TEST_P(GemmTest, DoesNotSaturate) {
  ForEach([](const auto& gemm) {
    for (const Values values : {Values::kLargest, Values::kLeast}) {
      for (const bool accumulate : {false, true}) {
        Case p;
        p.rows = std::min(29, gemm.rows);
        p.groups = 256;
        p.accumulate = accumulate;
        p.values = values;
        ASSERT_EQ(Difference(gemm, p), "");
      }
    }
  });
}

TEST_P(GemmTest, ThePeaksRun) {
  const KernelSet& set = *GetParam();
  for (const PeakLoop& peak : {set.peak_int8, set.peak_f32}) {
    if (peak.run == nullptr) continue;
    EXPECT_GE(peak.multiplies_per_round, 1);
    peak.run(3);
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, GemmTest, testing::ValuesIn(TestedKernels()),
                         [](const auto& info) {
                           return std::string(info.param->name);
                         });

}  // namespace
}  // namespace native
}  // namespace yoloq
