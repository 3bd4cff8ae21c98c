#include "hw/native/gemm_neon.h"

#if defined(__aarch64__)

namespace yoloq {
namespace native {
namespace {

// Sums: v16 to v31, four a row. Rows: two registers each, v0 to v7, eight k.
// Columns: v8 to v11 and v12 to v15 by turns, so that each load has the
// products of one k before its use.

// Sums S0 to S3 of a row, which is lane L of A, with columns B0 to B3.
#define ROW(S0, S1, S2, S3, A, L, B0, B1, B2, B3) \
  "fmla v" S0 ".4s, v" B0 ".4s, v" A ".s[" L      \
  "]\n"                                           \
  "fmla v" S1 ".4s, v" B1 ".4s, v" A ".s[" L      \
  "]\n"                                           \
  "fmla v" S2 ".4s, v" B2 ".4s, v" A ".s[" L      \
  "]\n"                                           \
  "fmla v" S3 ".4s, v" B3 ".4s, v" A ".s[" L "]\n"

// One k of all rows: A0 to A3 are the registers that have it.
#define STEP1(A0, A1, A2, A3, L, B0, B1, B2, B3) \
  ROW("16", "17", "18", "19", A0, L, B0, B1, B2, B3)
#define STEP2(A0, A1, A2, A3, L, B0, B1, B2, B3) \
  STEP1(A0, A1, A2, A3, L, B0, B1, B2, B3)       \
  ROW("20", "21", "22", "23", A1, L, B0, B1, B2, B3)
#define STEP3(A0, A1, A2, A3, L, B0, B1, B2, B3) \
  STEP2(A0, A1, A2, A3, L, B0, B1, B2, B3)       \
  ROW("24", "25", "26", "27", A2, L, B0, B1, B2, B3)
#define STEP4(A0, A1, A2, A3, L, B0, B1, B2, B3) \
  STEP3(A0, A1, A2, A3, L, B0, B1, B2, B3)       \
  ROW("28", "29", "30", "31", A3, L, B0, B1, B2, B3)

// An even k and the next of the first four (LOW) or the last four (HIGH).
#define LOW_EVEN(R, L) STEP##R("0", "2", "4", "6", L, "8", "9", "10", "11")
#define LOW_ODD(R, L) STEP##R("0", "2", "4", "6", L, "12", "13", "14", "15")
#define HIGH_EVEN(R, L) STEP##R("1", "3", "5", "7", L, "8", "9", "10", "11")
#define HIGH_ODD(R, L) STEP##R("1", "3", "5", "7", L, "12", "13", "14", "15")

#define EVEN_B "ld1 {v8.4s, v9.4s, v10.4s, v11.4s}, [%[b]], #64\n"
#define ODD_B "ld1 {v12.4s, v13.4s, v14.4s, v15.4s}, [%[b]], #64\n"
#define LOADS1 "ldp q0, q1, [%[a0]], #32\n"
#define LOADS2 LOADS1 "ldp q2, q3, [%[a1]], #32\n"
#define LOADS3 LOADS2 "ldp q4, q5, [%[a2]], #32\n"
#define LOADS4 LOADS3 "ldp q6, q7, [%[a3]], #32\n"
#define SINGLES1 "ldr s0, [%[a0]], #4\n"
#define SINGLES2 SINGLES1 "ldr s2, [%[a1]], #4\n"
#define SINGLES3 SINGLES2 "ldr s4, [%[a2]], #4\n"
#define SINGLES4 SINGLES3 "ldr s6, [%[a3]], #4\n"

// Eight k. NEXT, NEXT_EVEN and NEXT_ODD load for the eight after them.
#define GROUP(R, NEXT, NEXT_EVEN, NEXT_ODD)                                  \
  LOW_EVEN(R, "0")                                                           \
  EVEN_B LOW_ODD(R, "1") ODD_B LOW_EVEN(R, "2") EVEN_B LOW_ODD(R, "3") ODD_B \
  HIGH_EVEN(R, "0") EVEN_B                                                   \
  HIGH_ODD(R, "1") ODD_B                                                     \
  HIGH_EVEN(R, "2") NEXT_EVEN                                                \
  HIGH_ODD(R, "3") NEXT NEXT_ODD

#define ZERO4(A, B, C, D) \
  "movi v" A              \
  ".4s, #0\n"             \
  "movi v" B              \
  ".4s, #0\n"             \
  "movi v" C              \
  ".4s, #0\n"             \
  "movi v" D ".4s, #0\n"
#define READ4(A, B, C, D) \
  "ld1 {v" A ".4s, v" B ".4s, v" C ".4s, v" D ".4s}, [%[c]], %[cs]\n"
#define WRITE4(A, B, C, D) \
  "st1 {v" A ".4s, v" B ".4s, v" C ".4s, v" D ".4s}, [%[c]], %[cs]\n"
#define ROWS1(DO) DO("16", "17", "18", "19")
#define ROWS2(DO) ROWS1(DO) DO("20", "21", "22", "23")
#define ROWS3(DO) ROWS2(DO) DO("24", "25", "26", "27")
#define ROWS4(DO) ROWS3(DO) DO("28", "29", "30", "31")

// Eights of k, then the rest one by one; nothing beyond is read.
#define TILE(R)                                                                  \
  void F32Rows##R(int64_t k, const float* a0, int64_t a_stride,                  \
                  const float* b, float* c, int64_t c_stride,                    \
                  bool accumulate) {                                             \
    const float* a1 = a0 + a_stride;                                             \
    const float* a2 = a1 + a_stride;                                             \
    const float* a3 = a2 + a_stride;                                             \
    const int64_t row_bytes = c_stride * 4;                                      \
    float* const first = c;                                                      \
    int64_t eights = k / 8;                                                      \
    int64_t rest = k % 8;                                                        \
    asm volatile(                                                              \
        "cbnz %w[acc], 1f\n" ROWS##R(ZERO4)                                    \
        "b 2f\n"                                                               \
        "1:\n" ROWS##R(READ4)                                                  \
        "mov %[c], %[first]\n"                                                 \
        "2:\n"                                                                 \
        "cbz %[n], 5f\n" LOADS##R EVEN_B ODD_B                                 \
        "subs %[n], %[n], #1\n"                                                \
        "b.eq 4f\n"                                                            \
        "# LLVM-MCA-BEGIN gemm_f32_" #R "x16\n"                                \
        "3:\n"                                                                 \
        "subs %[n], %[n], #1\n" GROUP(R, LOADS##R, EVEN_B, ODD_B)              \
        "b.ne 3b\n"                                                            \
        "# LLVM-MCA-END\n"                                                     \
        "4:\n" GROUP(R, "", "", "")                                            \
        "5:\n"                                                                 \
        "cbz %[rest], 7f\n"                                                    \
        "6:\n" SINGLES##R EVEN_B                                               \
        "subs %[rest], %[rest], #1\n" LOW_EVEN(R, "0")                         \
        "b.ne 6b\n"                                                            \
        "7:\n" ROWS##R(WRITE4)                                                 \
        : [a0] "+&r"(a0), [a1] "+&r"(a1), [a2] "+&r"(a2), [a3] "+&r"(a3),      \
          [b] "+&r"(b), [c] "+&r"(c), [n] "+&r"(eights), [rest] "+&r"(rest)    \
        : [cs] "r"(row_bytes), [acc] "r"(accumulate), [first] "r"(first)       \
        : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",      \
          "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",  \
          "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",       \
          "v27", "v28", "v29", "v30", "v31"); \
  }

TILE(1)
TILE(2)
TILE(3)
TILE(4)

}  // namespace

void GemmF32Rows4x16(int rows, int64_t groups, const float* a, int64_t a_stride,
                     const float* panel, float* c, int64_t c_stride,
                     bool accumulate, const Prefetch&) {
  constexpr decltype(&F32Rows1) kTiles[] = {F32Rows1, F32Rows2, F32Rows3,
                                            F32Rows4};
  kTiles[rows - 1](groups, a, a_stride, panel, c, c_stride, accumulate);
}

}  // namespace native
}  // namespace yoloq

#endif
