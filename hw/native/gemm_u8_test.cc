// The product of bytes of every kernel set that has one (kernels.h: GemmU8),
// beside plain loops, on memory that ends where the operands end.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "hw/native/tested_kernels.h"

namespace yoloq {
namespace native {
namespace {

// `size` values before a page that nothing may touch.
template <typename T>
class Guarded {
 public:
  explicit Guarded(int64_t size) {
    const int64_t page = sysconf(_SC_PAGESIZE);
    const int64_t bytes = size * int64_t{sizeof(T)};
    const int64_t room = (bytes + page - 1) / page * page;
    mapped_bytes_ = room + page;
    mapped_ =
        static_cast<char*>(mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(mapped_ + room, page, PROT_NONE);
    data_ = reinterpret_cast<T*>(mapped_ + room - bytes);
  }
  ~Guarded() { munmap(mapped_, mapped_bytes_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  char* mapped_ = nullptr;
  int64_t mapped_bytes_ = 0;
  T* data_ = nullptr;
};

enum class Values { kUniform, kLargest, kLeast };

struct Case {
  int rows = 1;
  int64_t groups = 1;
  int64_t a_gap = 0;  // between rows
  int64_t c_gap = 0;
  bool accumulate = false;
  Values values = Values::kUniform;
};

constexpr int32_t kUntouched = 0x5a5a5a5a;

// "" or what is wrong.
std::string Difference(const GemmU8& gemm, const Case& p) {
  std::mt19937 random(p.rows * 1000 + static_cast<int>(p.groups));
  const int64_t depth = p.groups * gemm.depth;
  const int64_t a_stride = depth + p.a_gap;
  const int64_t c_stride = gemm.columns + p.c_gap;
  const int64_t a_size = (p.rows - 1) * a_stride + depth;
  const int64_t c_size = (p.rows - 1) * c_stride + gemm.columns;
  Guarded<uint8_t> a(a_size);
  Guarded<int8_t> panel(depth * gemm.columns);
  Guarded<int32_t> c(c_size);
  const bool uniform = p.values == Values::kUniform;
  for (int64_t i = 0; i < a_size; ++i) a[i] = uniform ? random() : 255;
  for (int64_t i = 0; i < depth * gemm.columns; ++i) {
    panel[i] = uniform ? random() : (p.values == Values::kLargest ? 127 : -128);
  }
  for (int64_t i = 0; i < c_size; ++i) {
    c[i] = i % c_stride >= gemm.columns ? kUntouched
                                        : static_cast<int32_t>(random());
  }
  std::vector<int32_t> expected(c.data(), c.data() + c_size);
  for (int i = 0; i < p.rows; ++i) {
    for (int j = 0; j < gemm.columns; ++j) {
      int32_t& to = expected[i * c_stride + j];
      uint32_t sum = p.accumulate ? to : 0;
      for (int64_t k = 0; k < depth; ++k) {
        const int64_t at =
            (k / gemm.depth * gemm.columns + j) * gemm.depth + k % gemm.depth;
        sum += static_cast<uint32_t>(a[i * a_stride + k] * panel[at]);
      }
      to = static_cast<int32_t>(sum);
    }
  }
  Prefetch prefetch;
  prefetch.panel = panel.data();
  prefetch.bytes = 40 * p.groups;
  gemm.run(p.rows, p.groups, a.data(), a_stride, panel.data(), c.data(),
           c_stride, p.accumulate, prefetch);
  for (int64_t i = 0; i < c_size; ++i) {
    if (c[i] == expected[i]) continue;
    return "row " + std::to_string(i / c_stride) + ", column " +
           std::to_string(i % c_stride) + ": " + std::to_string(c[i]) +
           " in place of " + std::to_string(expected[i]) + ", of " +
           std::to_string(p.rows) + " rows and " + std::to_string(p.groups) +
           " groups" + (p.accumulate ? ", accumulated" : "");
  }
  return "";
}

class GemmU8Test : public testing::TestWithParam<const KernelSet*> {
 protected:
  const GemmU8& gemm() const { return GetParam()->gemm_u8; }
};

// Up to two whole tiles of AMX's 16 groups, and what is around them.
TEST_P(GemmU8Test, EveryNumberOfRowsAndGroups) {
  for (int rows = 1; rows <= gemm().rows; ++rows) {
    for (int64_t groups = 1; groups <= 35; ++groups) {
      Case p;
      p.rows = rows;
      p.groups = groups;
      p.a_gap = rows % 3 == 0 ? 0 : 4 * (rows % 5) + 1;
      p.c_gap = groups % 4 == 0 ? 0 : 3;
      p.accumulate = (rows + groups) % 2 == 0;
      ASSERT_EQ(Difference(gemm(), p), "");
    }
  }
}

// Several tiles, of one height and of two.
TEST_P(GemmU8Test, MoreRowsThanATile) {
  for (const int rows : {1, 2, gemm().rows - 1, gemm().rows}) {
    for (const int64_t groups : {1, 7, 18}) {
      for (const bool accumulate : {false, true}) {
        Case p;
        p.rows = 2 * gemm().rows + rows;
        p.groups = groups;
        p.a_gap = 4;
        p.c_gap = 3;
        p.accumulate = accumulate;
        ASSERT_EQ(Difference(gemm(), p), "");
      }
    }
  }
}

// As long as slices of panels are, and those that divide into nothing.
TEST_P(GemmU8Test, ManyGroups) {
  for (const int64_t groups : {64, 72, 97, 192, 255, 256}) {
    for (const int rows : {1, 13, 16, 17, 32, 33, 50, gemm().rows}) {
      for (const bool accumulate : {false, true}) {
        Case p;
        p.rows = std::min(rows, gemm().rows);
        p.groups = groups;
        p.accumulate = accumulate;
        ASSERT_EQ(Difference(gemm(), p), "");
      }
    }
  }
}

// Four products of 255 and -128 are beyond 16 bits.
TEST_P(GemmU8Test, DoesNotSaturate) {
  for (const Values values : {Values::kLargest, Values::kLeast}) {
    for (const bool accumulate : {false, true}) {
      Case p;
      p.rows = std::min(29, gemm().rows);
      p.groups = 256;
      p.accumulate = accumulate;
      p.values = values;
      ASSERT_EQ(Difference(gemm(), p), "");
    }
  }
}

TEST_P(GemmU8Test, ThePeakRuns) {
  if (GetParam()->peak_int8.run == nullptr) GTEST_SKIP() << "it has none";
  EXPECT_GE(GetParam()->peak_int8.multiplies_per_round, gemm().columns);
  GetParam()->peak_int8.run(3);
}

std::vector<const KernelSet*> SetsWithBytes() {
  std::vector<const KernelSet*> sets;
  for (const KernelSet* set : TestedKernels()) {
    if (set->gemm_u8.run != nullptr) sets.push_back(set);
  }
  return sets;
}

INSTANTIATE_TEST_SUITE_P(Sets, GemmU8Test, testing::ValuesIn(SetsWithBytes()),
                         [](const auto& info) {
                           return std::string(info.param->name);
                         });
// On aarch64 no set has one.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GemmU8Test);

}  // namespace
}  // namespace native
}  // namespace yoloq
