#include "hw/native/gemm_neon.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace yoloq {
namespace native {
namespace {

#include "hw/native/interleave_neon.inc"

// --- 6 x 16. Sums: v8 to v31, four a row. Rows: two a register in v0 to v2.
// Columns: two k in v4 to v7. All loads stand together, once every two k.

// Sums S0 to S3 of a row, which is lane L of A, with columns B0, B1.
#define ROW(OP, S0, S1, S2, S3, A, L, B0, B1)                                 \
  OP " v" S0 ".4s, " B0 ".4h, " A ".h[" L "]\n" OP "2 v" S1 ".4s, " B0        \
     ".8h, " A ".h[" L "]\n" OP " v" S2 ".4s, " B1 ".4h, " A ".h[" L "]\n" OP \
     "2 v" S3 ".4s, " B1 ".8h, " A ".h[" L "]\n"
#define ROW0(OP, A, L, B0, B1) ROW(OP, "8", "9", "10", "11", A, L, B0, B1)
#define ROW1(OP, A, L, B0, B1) ROW(OP, "12", "13", "14", "15", A, L, B0, B1)
#define ROW2(OP, A, L, B0, B1) ROW(OP, "16", "17", "18", "19", A, L, B0, B1)
#define ROW3(OP, A, L, B0, B1) ROW(OP, "20", "21", "22", "23", A, L, B0, B1)
#define ROW4(OP, A, L, B0, B1) ROW(OP, "24", "25", "26", "27", A, L, B0, B1)
#define ROW5(OP, A, L, B0, B1) ROW(OP, "28", "29", "30", "31", A, L, B0, B1)

// One k of all rows: E is the lane of even rows, O that of odd ones.
#define STEP1(OP, E, O, B0, B1) ROW0(OP, "v0", E, B0, B1)
#define STEP2(OP, E, O, B0, B1) \
  STEP1(OP, E, O, B0, B1) ROW1(OP, "v0", O, B0, B1)
#define STEP3(OP, E, O, B0, B1) \
  STEP2(OP, E, O, B0, B1) ROW2(OP, "v1", E, B0, B1)
#define STEP4(OP, E, O, B0, B1) \
  STEP3(OP, E, O, B0, B1) ROW3(OP, "v1", O, B0, B1)
#define STEP5(OP, E, O, B0, B1) \
  STEP4(OP, E, O, B0, B1) ROW4(OP, "v2", E, B0, B1)
#define STEP6(OP, E, O, B0, B1) \
  STEP5(OP, E, O, B0, B1) ROW5(OP, "v2", O, B0, B1)

#define LOAD_A1 "ldr q0, [%[a]], #16\n"
#define LOAD_A2 LOAD_A1
#define LOAD_A3 "ldp q0, q1, [%[a]], #32\n"
#define LOAD_A4 LOAD_A3
#define LOAD_A5 "ld1 {v0.8h, v1.8h, v2.8h}, [%[a]], #48\n"
#define LOAD_A6 LOAD_A5
#define LOAD_B "ld1 {v4.8h, v5.8h, v6.8h, v7.8h}, [%[b]], #64\n"

// Two k; the first one's products are those of instruction FIRST.
#define TWO(FIRST, R, E0, O0, E1, O1) \
  STEP##R(FIRST, E0, O0, "v4", "v5") STEP##R("smlal", E1, O1, "v6", "v7")

// Eight k: two quads of rows.
#define GROUP(FIRST, R)                                    \
  TWO(FIRST, R, "0", "4", "1", "5")                        \
  LOAD_B TWO("smlal", R, "2", "6", "3", "7")               \
      LOAD_A##R LOAD_B TWO("smlal", R, "0", "4", "1", "5") \
          LOAD_B TWO("smlal", R, "2", "6", "3", "7") LOAD_A##R LOAD_B

#define WRITE4(A, B, C, D) \
  "st1 {v" A ".4s, v" B ".4s, v" C ".4s, v" D ".4s}, [%[c]], %[cs]\n"
#define WRITE1 WRITE4("8", "9", "10", "11")
#define WRITE2 WRITE1 WRITE4("12", "13", "14", "15")
#define WRITE3 WRITE2 WRITE4("16", "17", "18", "19")
#define WRITE4_ WRITE3 WRITE4("20", "21", "22", "23")
#define WRITE5 WRITE4_ WRITE4("24", "25", "26", "27")
#define WRITE6 WRITE5 WRITE4("28", "29", "30", "31")

// The first group's first products are not added to anything. Then groups two
// by two, from the middle of the loop where their number is odd.
#define TILE(R, WRITE)                                                         \
  inline __attribute__((always_inline)) void S16Quads##R(                      \
      int64_t groups, const int16_t* a, const int16_t* b, int32_t* c,          \
      int64_t row_bytes) {                                                     \
    int64_t pairs = groups / 2;                                                \
    asm volatile(LOAD_A##R LOAD_B GROUP("smull", R)                          \
                 "cbz %[pairs], 3f\n"                                        \
                 "tbz %[groups], #0, 2f\n"                                   \
                 "# LLVM-MCA-BEGIN gemm_s16s16_" #R "x16\n"                  \
                 "1:\n" GROUP("smlal", R)                                    \
                 "2:\n"                                                      \
                 "subs %[pairs], %[pairs], #1\n" GROUP("smlal", R)           \
                 "b.ne 1b\n"                                                 \
                 "# LLVM-MCA-END\n"                                          \
                 "3:\n" WRITE                                                \
                 : [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c),                 \
                   [pairs] "+&r"(pairs)                                      \
                 : [cs] "r"(row_bytes), [groups] "r"(groups)                 \
                 : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", \
                   "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",      \
                   "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22",   \
                   "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",   \
                   "v31"); \
  }

TILE(1, WRITE1)
TILE(2, WRITE2)
TILE(3, WRITE3)
TILE(4, WRITE4_)
TILE(5, WRITE5)
TILE(6, WRITE6)

constexpr int64_t kMostRows = 6;

// Rows in tiles of nearly one height: the i-th has Rows(i) rows.
struct Split {
  explicit Split(int64_t row_count)
      : rows(row_count), tiles((row_count + kMostRows - 1) / kMostRows) {}
  int64_t Begin(int64_t i) const { return rows * i / tiles; }
  int Rows(int64_t i) const {
    return static_cast<int>(Begin(i + 1) - Begin(i));
  }
  int64_t rows;
  int64_t tiles;
};

// Rows that lie in eights, one in every 36.
constexpr int64_t kEightStep = 36 * 8;

void InterleaveTile(int rows, int64_t depth, const int16_t* from,
                    int64_t stride, int16_t* to) {
  const int64_t quad = (rows + 1) / 2 * 8;
  const int64_t pieces = depth / 8;
  for (; rows >= 2; rows -= 2, from += 2 * stride, to += 8) {
    InterleavePair(from, from + stride, pieces, kEightStep, quad, to);
  }
  if (rows == 1) InterleaveLast(from, pieces, kEightStep, quad, to);
}

// --- 4 x 8, for what the tiles above do not do.

template <int R>
void S16Rows(int64_t groups, const int16_t* a, int64_t a_stride,
             const int16_t* b, int32_t* c, int64_t c_stride, bool accumulate) {
  int32x4_t sum[R][2];
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < 2; ++j) {
      sum[i][j] =
          accumulate ? vld1q_s32(c + i * c_stride + 4 * j) : vdupq_n_s32(0);
    }
  }
  for (int64_t k = 0; k < groups; ++k, b += 8) {
    const int16x8_t columns = vld1q_s16(b);
    for (int i = 0; i < R; ++i) {
      const int16x4_t value = vld1_dup_s16(a + i * a_stride + k);
      sum[i][0] = vmlal_s16(sum[i][0], vget_low_s16(columns), value);
      sum[i][1] = vmlal_s16(sum[i][1], vget_high_s16(columns), value);
    }
  }
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < 2; ++j) vst1q_s32(c + i * c_stride + 4 * j, sum[i][j]);
  }
}

}  // namespace

void GemmS16Quads6x16(int64_t rows, int64_t groups, const int16_t* a,
                      const int16_t* panel, int32_t* c, int64_t c_stride) {
  const Split split(rows);
  const int64_t pair_values = groups * 16;
  const int64_t row_bytes = c_stride * int64_t{sizeof(*c)};
  for (int64_t i = 0; i < split.tiles; ++i) {
    const int tile_rows = split.Rows(i);
    switch (tile_rows) {
      case 1:
        S16Quads1(groups, a, panel, c, row_bytes);
        break;
      case 2:
        S16Quads2(groups, a, panel, c, row_bytes);
        break;
      case 3:
        S16Quads3(groups, a, panel, c, row_bytes);
        break;
      case 4:
        S16Quads4(groups, a, panel, c, row_bytes);
        break;
      case 5:
        S16Quads5(groups, a, panel, c, row_bytes);
        break;
      default:
        S16Quads6(groups, a, panel, c, row_bytes);
    }
    a += (tile_rows + 1) / 2 * pair_values;
    c += tile_rows * c_stride;
  }
}

void InterleaveS16(int64_t rows, int64_t depth, const int16_t* from,
                   int64_t stride, int16_t* to) {
  const Split split(rows);
  for (int64_t i = 0; i < split.tiles; ++i) {
    const int tile_rows = split.Rows(i);
    InterleaveTile(tile_rows, depth, from, stride, to);
    from += tile_rows * stride;
    to += (tile_rows + 1) / 2 * 2 * depth;
  }
}

void GemmS16Rows4x8(int64_t rows, int64_t groups, const int16_t* a,
                    int64_t a_stride, const int16_t* panel, int32_t* c,
                    int64_t c_stride, bool accumulate, const Prefetch&) {
  constexpr decltype(&S16Rows<1>) kTiles[] = {S16Rows<1>, S16Rows<2>,
                                              S16Rows<3>, S16Rows<4>};
  for (int64_t row = 0; row < rows; row += 4) {
    const int64_t tile_rows = rows - row < 4 ? rows - row : 4;
    kTiles[tile_rows - 1](groups, a + row * a_stride, a_stride, panel,
                          c + row * c_stride, c_stride, accumulate);
  }
}

}  // namespace native
}  // namespace yoloq

#endif
