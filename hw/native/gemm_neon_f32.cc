#include "hw/native/gemm_neon.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace yoloq {
namespace native {
namespace {

#include "hw/native/interleave_neon.inc"

constexpr int kMostRows = 8;
constexpr int kColumns = 8;
constexpr int kDepth = 4;  // of a group
// Of all panels' columns, what stays in the second-level cache while all tiles
// pass.
constexpr int64_t kSliceBytes = 64 * 1024;
constexpr int64_t kGroupBytes = kColumns * kDepth * sizeof(float);

// Sums: v16 to v31, two a row. Two values of k by turns have their rows in v0
// to v3 and v4 to v7, two rows a register, and their columns in v8 to v11 and
// v12 to v15, so that each load has the products of two k before its use. No
// load advances its address: one that does waits for all products before it.
// The four loads of rows and the four of columns in a round have an address
// register each, and the additions to all of them stand together, once every
// eight k.

// Sums S0, S1 of a row, which is lane L of A, with columns B0, B1.
#define ROW(S0, S1, A, L, B0, B1)            \
  "fmla v" S0 ".4s, v" B0 ".4s, v" A ".s[" L \
  "]\n"                                      \
  "fmla v" S1 ".4s, v" B1 ".4s, v" A ".s[" L "]\n"

// One k of all rows: E is the lane of even rows, O that of odd ones.
#define STEP1(A0, A1, A2, A3, E, O, B0, B1) ROW("16", "17", A0, E, B0, B1)
#define STEP2(A0, A1, A2, A3, E, O, B0, B1) \
  STEP1(A0, A1, A2, A3, E, O, B0, B1) ROW("18", "19", A0, O, B0, B1)
#define STEP3(A0, A1, A2, A3, E, O, B0, B1) \
  STEP2(A0, A1, A2, A3, E, O, B0, B1) ROW("20", "21", A1, E, B0, B1)
#define STEP4(A0, A1, A2, A3, E, O, B0, B1) \
  STEP3(A0, A1, A2, A3, E, O, B0, B1) ROW("22", "23", A1, O, B0, B1)
#define STEP5(A0, A1, A2, A3, E, O, B0, B1) \
  STEP4(A0, A1, A2, A3, E, O, B0, B1) ROW("24", "25", A2, E, B0, B1)
#define STEP6(A0, A1, A2, A3, E, O, B0, B1) \
  STEP5(A0, A1, A2, A3, E, O, B0, B1) ROW("26", "27", A2, O, B0, B1)
#define STEP7(A0, A1, A2, A3, E, O, B0, B1) \
  STEP6(A0, A1, A2, A3, E, O, B0, B1) ROW("28", "29", A3, E, B0, B1)
#define STEP8(A0, A1, A2, A3, E, O, B0, B1) \
  STEP7(A0, A1, A2, A3, E, O, B0, B1) ROW("30", "31", A3, O, B0, B1)

// Two k, with the loads for the next two.
#define EVEN_TWO(R, LOAD_A, LOAD_B)                      \
  LOAD_A STEP##R("0", "1", "2", "3", "0", "2", "8", "9") \
      LOAD_B STEP##R("0", "1", "2", "3", "1", "3", "10", "11")
#define ODD_TWO(R, LOAD_A, LOAD_B)                         \
  LOAD_A STEP##R("4", "5", "6", "7", "0", "2", "12", "13") \
      LOAD_B STEP##R("4", "5", "6", "7", "1", "3", "14", "15")

#define EVEN_A1(X) "ld1 {v0.4s}, [%[" X "]]\n"
#define EVEN_A2(X) "ld1 {v0.4s, v1.4s}, [%[" X "]]\n"
#define EVEN_A3(X) "ld1 {v0.4s, v1.4s, v2.4s}, [%[" X "]]\n"
#define EVEN_A4(X) "ld1 {v0.4s, v1.4s, v2.4s, v3.4s}, [%[" X "]]\n"
#define ODD_A1(X) "ld1 {v4.4s}, [%[" X "]]\n"
#define ODD_A2(X) "ld1 {v4.4s, v5.4s}, [%[" X "]]\n"
#define ODD_A3(X) "ld1 {v4.4s, v5.4s, v6.4s}, [%[" X "]]\n"
#define ODD_A4(X) "ld1 {v4.4s, v5.4s, v6.4s, v7.4s}, [%[" X "]]\n"
#define EVEN_B(X) "ld1 {v8.4s, v9.4s, v10.4s, v11.4s}, [%[" X "]]\n"
#define ODD_B(X) "ld1 {v12.4s, v13.4s, v14.4s, v15.4s}, [%[" X "]]\n"

#define ADD(X, BYTES) "add %[" X "], %[" X "], %[" BYTES "]\n"
#define ADVANCE       \
  ADD("a0", "abytes") \
  ADD("a1", "abytes") \
  ADD("a2", "abytes") \
  ADD("a3", "abytes") \
  ADD("b0", "bbytes") \
  ADD("b1", "bbytes") ADD("b2", "bbytes") ADD("b3", "bbytes")

#define ZERO(A, B) "movi v" A ".4s, #0\nmovi v" B ".4s, #0\n"
#define READ(A, B) "ld1 {v" A ".4s, v" B ".4s}, [%[c]], %[cs]\n"
#define WRITE(A, B) "st1 {v" A ".4s, v" B ".4s}, [%[c]], %[cs]\n"
#define ROWS1(DO) DO("16", "17")
#define ROWS2(DO) ROWS1(DO) DO("18", "19")
#define ROWS3(DO) ROWS2(DO) DO("20", "21")
#define ROWS4(DO) ROWS3(DO) DO("22", "23")
#define ROWS5(DO) ROWS4(DO) DO("24", "25")
#define ROWS6(DO) ROWS5(DO) DO("26", "27")
#define ROWS7(DO) ROWS6(DO) DO("28", "29")
#define ROWS8(DO) ROWS7(DO) DO("30", "31")

// R rows in P registers for two k. Groups two by two, from the middle of the
// loop where their number is odd.
#define TILE(R, P)                                                               \
  void Tile##R(int64_t groups, const float* a, const float* b, float* c,         \
               int64_t c_stride, bool accumulate) {                              \
    const bool odd = groups % 2 != 0;                                            \
    int64_t rounds = (groups + 1) / 2;                                           \
    const int64_t row_bytes = c_stride * int64_t{sizeof(*c)};                    \
    float* const first = c;                                                      \
    uintptr_t a0 = reinterpret_cast<uintptr_t>(a) - (odd ? 2 * P * 16 : 0);      \
    uintptr_t a1 = a0 + P * 16;                                                  \
    uintptr_t a2 = a1 + P * 16;                                                  \
    uintptr_t a3 = a2 + P * 16;                                                  \
    uintptr_t b0 = reinterpret_cast<uintptr_t>(b) - (odd ? 2 * 64 : 0);          \
    uintptr_t b1 = b0 + 64;                                                      \
    uintptr_t b2 = b1 + 64;                                                      \
    uintptr_t b3 = b2 + 64;                                                      \
    asm volatile(EVEN_A##P("a") EVEN_B("b")                                    \
        "cbnz %w[acc], 1f\n" ROWS##R(ZERO)                                     \
        "b 2f\n"                                                               \
        "1:\n" ROWS##R(READ)                                                   \
        "mov %[c], %[first]\n"                                                 \
        "2:\n"                                                                 \
        "cbnz %w[odd], 5f\n"                                                   \
        "b 4f\n"                                                               \
        "# LLVM-MCA-BEGIN gemm_f32_" #R "x8\n"                                 \
        "3:\n" ODD_TWO(R, EVEN_A##P("a0"), EVEN_B("b0"))                       \
        "4:\n" EVEN_TWO(R, ODD_A##P("a1"), ODD_B("b1"))                        \
        ODD_TWO(R, EVEN_A##P("a2"), EVEN_B("b2"))                              \
        "5:\n" EVEN_TWO(R, ODD_A##P("a3"), ODD_B("b3"))                        \
        "subs %[n], %[n], #1\n" ADVANCE                                        \
        "b.ne 3b\n"                                                            \
        "# LLVM-MCA-END\n" ODD_TWO(R, "", "")                                  \
        ROWS##R(WRITE)                                                         \
        : [c] "+&r"(c), [n] "+&r"(rounds), [a0] "+&r"(a0), [a1] "+&r"(a1),     \
          [a2] "+&r"(a2), [a3] "+&r"(a3), [b0] "+&r"(b0), [b1] "+&r"(b1),      \
          [b2] "+&r"(b2), [b3] "+&r"(b3)                                       \
        : [a] "r"(a), [b] "r"(b), [odd] "r"(odd), [cs] "r"(row_bytes),         \
          [acc] "r"(accumulate), [first] "r"(first), [abytes] "i"(4 * P * 16), \
          [bbytes] "i"(4 * 64)                                                 \
        : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",      \
          "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",  \
          "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",       \
          "v27", "v28", "v29", "v30", "v31"); \
  }

TILE(1, 1)
TILE(2, 1)
TILE(3, 2)
TILE(4, 2)
TILE(5, 3)
TILE(6, 3)
TILE(7, 4)
TILE(8, 4)

constexpr decltype(&Tile1) kTiles[kMostRows] = {Tile1, Tile2, Tile3, Tile4,
                                                Tile5, Tile6, Tile7, Tile8};

int RowsOfTile(int64_t rows) {
  return static_cast<int>(rows < kMostRows ? rows : kMostRows);
}

}  // namespace

void GemmF32Pairs8x8(int64_t rows, int64_t groups, const float* a, int panels,
                     const float* panel, float* c, int64_t c_stride) {
  const int64_t fitting = kSliceBytes / (panels * kGroupBytes);
  const int64_t slice = fitting > 0 ? fitting : 1;
  for (int64_t g = 0; g < groups; g += slice) {
    const int64_t count = groups - g < slice ? groups - g : slice;
    for (int64_t row = 0; row < rows; row += kMostRows) {
      const int tile_rows = RowsOfTile(rows - row);
      const float* const tile =
          a + (row * groups + (tile_rows + 1) / 2 * 2 * g) * kDepth;
      const float* columns = panel + g * kDepth * kColumns;
      float* to = c + row * c_stride;
      for (int i = 0; i < panels; ++i) {
        kTiles[tile_rows - 1](count, tile, columns, to, c_stride, g > 0);
        columns += groups * kDepth * kColumns;
        to += kColumns;
      }
    }
  }
}

void GemmF32Panel8x8(int64_t rows, int64_t groups, const float* a,
                     const float* panel, float* c, int64_t c_stride) {
  GemmF32Pairs8x8(rows, groups, a, /*panels=*/1, panel, c, c_stride);
}

void InterleaveF32(int64_t rows, int64_t depth, const float* from,
                   int64_t stride, float* to) {
  // Rows lie in fours, one in every 36.
  constexpr int64_t kStep = 36 * kDepth;
  for (; rows > 0; rows -= kMostRows) {
    const int tile_rows = RowsOfTile(rows);
    const int64_t half = (tile_rows + 1) / 2 * 4;
    float* pair = to;
    int i = tile_rows;
    for (; i >= 2; i -= 2, from += 2 * stride, pair += 4) {
      InterleavePair(from, from + stride, depth / kDepth, kStep, half, pair);
    }
    if (i == 1) InterleaveLast(from, depth / kDepth, kStep, half, pair);
    to += kMostRows * depth;
  }
}

void ArrangeF32(int rows, int64_t groups, const float* const* from, float* to) {
  const int64_t half = (rows + 1) / 2 * 4;
  for (; rows >= 2; rows -= 2, from += 2, to += 4) {
    InterleavePair(from[0], from[1], groups, kDepth, half, to);
  }
  if (rows == 1) InterleaveLast(from[0], groups, kDepth, half, to);
}

void PackF32Panel(const float* columns, int64_t groups, float* panel) {
  const int64_t depth = groups * kDepth;
  for (int64_t k = 0; k < depth; ++k) {
    for (int j = 0; j < kColumns; ++j) {
      panel[k * kColumns + j] = columns[j * depth + k];
    }
  }
}

}  // namespace native
}  // namespace yoloq

#endif
