#include "hw/native/gemm_neon.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace yoloq {
namespace native {
namespace {

// --- 6 x 16. Sums: v8 to v31, four a row. Rows: two a register in v0 to v2.
// Columns: two k in v4 to v7. All loads stand together, once every two k.

// Sums S0 to S3 of a row, which is lane L of A, with columns B0, B1.
#define ROW(S0, S1, S2, S3, A, L, B0, B1)    \
  "smlal  v" S0 ".4s, " B0 ".4h, " A ".h[" L \
  "]\n"                                      \
  "smlal2 v" S1 ".4s, " B0 ".8h, " A ".h[" L \
  "]\n"                                      \
  "smlal  v" S2 ".4s, " B1 ".4h, " A ".h[" L \
  "]\n"                                      \
  "smlal2 v" S3 ".4s, " B1 ".8h, " A ".h[" L "]\n"
#define ROW0(A, L, B0, B1) ROW("8", "9", "10", "11", A, L, B0, B1)
#define ROW1(A, L, B0, B1) ROW("12", "13", "14", "15", A, L, B0, B1)
#define ROW2(A, L, B0, B1) ROW("16", "17", "18", "19", A, L, B0, B1)
#define ROW3(A, L, B0, B1) ROW("20", "21", "22", "23", A, L, B0, B1)
#define ROW4(A, L, B0, B1) ROW("24", "25", "26", "27", A, L, B0, B1)
#define ROW5(A, L, B0, B1) ROW("28", "29", "30", "31", A, L, B0, B1)

// One k of all rows: E is the lane of even rows, O that of odd ones.
#define STEP1(E, O, B0, B1) ROW0("v0", E, B0, B1)
#define STEP2(E, O, B0, B1) STEP1(E, O, B0, B1) ROW1("v0", O, B0, B1)
#define STEP3(E, O, B0, B1) STEP2(E, O, B0, B1) ROW2("v1", E, B0, B1)
#define STEP4(E, O, B0, B1) STEP3(E, O, B0, B1) ROW3("v1", O, B0, B1)
#define STEP5(E, O, B0, B1) STEP4(E, O, B0, B1) ROW4("v2", E, B0, B1)
#define STEP6(E, O, B0, B1) STEP5(E, O, B0, B1) ROW5("v2", O, B0, B1)

#define LOAD_B "ld1 {v4.8h, v5.8h, v6.8h, v7.8h}, [%[b]], #64\n"
#define TWO(STEP, E0, O0, E1, O1) \
  STEP(E0, O0, "v4", "v5") STEP(E1, O1, "v6", "v7")

// Eight k: two quads of rows.
#define LOOP(MARK, STEP, LOAD_A)                                             \
  LOAD_A LOAD_B "# LLVM-MCA-BEGIN " MARK                                     \
                "\n"                                                         \
                "1:\n"                                                       \
                "subs %[n], %[n], #1\n" TWO(STEP, "0", "4", "1", "5") LOAD_B \
                TWO(STEP, "2", "6", "3", "7") LOAD_A LOAD_B                  \
                TWO(STEP, "0", "4", "1", "5") LOAD_B                         \
                TWO(STEP, "2", "6", "3", "7") LOAD_A LOAD_B                  \
      "b.ne 1b\n"                                                            \
      "# LLVM-MCA-END\n"

#define LOOP_OF_3(MARK, STEP) \
  LOOP(MARK, STEP, "ld1 {v0.8h, v1.8h, v2.8h}, [%[a]], #48\n")
#define LOOP_OF_2(MARK, STEP) LOOP(MARK, STEP, "ldp q0, q1, [%[a]], #32\n")
#define LOOP_OF_1(MARK, STEP) LOOP(MARK, STEP, "ldr q0, [%[a]], #16\n")

#define ZERO4(A, B, C, D) \
  "movi v" A              \
  ".4s, #0\n"             \
  "movi v" B              \
  ".4s, #0\n"             \
  "movi v" C              \
  ".4s, #0\n"             \
  "movi v" D ".4s, #0\n"
#define READ4(A, B, C, D) \
  "ldp q" A ", q" B       \
  ", [%[c]]\n"            \
  "ldp q" C ", q" D       \
  ", [%[c], #32]\n"       \
  "add %[c], %[c], %[cs]\n"
#define WRITE4(A, B, C, D) \
  "stp q" A ", q" B        \
  ", [%[c]]\n"             \
  "stp q" C ", q" D        \
  ", [%[c], #32]\n"        \
  "add %[c], %[c], %[cs]\n"
#define ROWS1(DO) DO("8", "9", "10", "11")
#define ROWS2(DO) ROWS1(DO) DO("12", "13", "14", "15")
#define ROWS3(DO) ROWS2(DO) DO("16", "17", "18", "19")
#define ROWS4(DO) ROWS3(DO) DO("20", "21", "22", "23")
#define ROWS5(DO) ROWS4(DO) DO("24", "25", "26", "27")
#define ROWS6(DO) ROWS5(DO) DO("28", "29", "30", "31")

#define TILE(R, LOOP_OF)                                                        \
  void S16Quads##R(int64_t groups, const int16_t* a, const int16_t* b,          \
                   int32_t* c, int64_t c_stride, bool accumulate) {             \
    const int64_t row_bytes = c_stride * 4;                                     \
    int32_t* const first = c;                                                   \
    asm volatile("cbnz %w[acc], 2f\n" ROWS##R(ZERO4)                          \
                 "b 3f\n"                                                     \
                 "2:\n" ROWS##R(READ4)                                        \
                 "mov %[c], %[first]\n"                                       \
                 "3:\n"                                                       \
                 LOOP_OF("gemm_s16s16_" #R "x16", STEP##R) ROWS##R(WRITE4)    \
                 : [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c), [n] "+&r"(groups)    \
                 : [cs] "r"(row_bytes), [acc] "r"(accumulate),                \
                   [first] "r"(first)                                         \
                 : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6",  \
                   "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",       \
                   "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22",    \
                   "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",    \
                   "v31"); \
  }

TILE(1, LOOP_OF_1)
TILE(2, LOOP_OF_1)
TILE(3, LOOP_OF_2)
TILE(4, LOOP_OF_2)
TILE(5, LOOP_OF_3)
TILE(6, LOOP_OF_3)

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

void GemmS16Quads6x16(int rows, int64_t groups, const int16_t* a,
                      int64_t /*a_stride*/, const int16_t* panel, int32_t* c,
                      int64_t c_stride, bool accumulate, const Prefetch&) {
  constexpr decltype(&S16Quads1) kTiles[] = {S16Quads1, S16Quads2, S16Quads3,
                                             S16Quads4, S16Quads5, S16Quads6};
  kTiles[rows - 1](groups, a, panel, c, c_stride, accumulate);
}

void InterleaveS16(int rows, int64_t depth, const int16_t* from, int64_t stride,
                   int16_t* to) {
  const int64_t quad = (rows + 1) / 2 * 8;
  for (int i = 0; i < rows; i += 2, to += 8) {
    const int16_t* first = from + i * stride;
    const int16_t* second = i + 1 < rows ? first + stride : nullptr;
    int16_t* out = to;
    for (int64_t k = 0; k < depth; k += 8, out += 2 * quad) {
      const int64x2_t a = vreinterpretq_s64_s16(vld1q_s16(first));
      const int64x2_t b = second == nullptr
                              ? vdupq_n_s64(0)
                              : vreinterpretq_s64_s16(vld1q_s16(second));
      vst1q_s16(out, vreinterpretq_s16_s64(vzip1q_s64(a, b)));
      vst1q_s16(out + quad, vreinterpretq_s16_s64(vzip2q_s64(a, b)));
      first += 36 * 8;
      if (second != nullptr) second += 36 * 8;
    }
  }
}

void GemmS16Rows4x8(int rows, int64_t groups, const int16_t* a,
                    int64_t a_stride, const int16_t* panel, int32_t* c,
                    int64_t c_stride, bool accumulate, const Prefetch&) {
  constexpr decltype(&S16Rows<1>) kTiles[] = {S16Rows<1>, S16Rows<2>,
                                              S16Rows<3>, S16Rows<4>};
  kTiles[rows - 1](groups, a, a_stride, panel, c, c_stride, accumulate);
}

}  // namespace native
}  // namespace yoloq

#endif
