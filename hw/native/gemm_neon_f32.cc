#include "hw/native/gemm_neon.h"

#if defined(__aarch64__)

namespace yoloq {
namespace native {
namespace {

// Sums: v12 to v31, four a row. Rows: v0 to v4, four k each. Columns: v5 to v8.

// Row A (sums S0 to S3) by lane L.
#define ROW(S0, S1, S2, S3, A, L)       \
  "fmla v" S0 ".4s, v5.4s, v" A ".s[" L \
  "]\n"                                 \
  "fmla v" S1 ".4s, v6.4s, v" A ".s[" L \
  "]\n"                                 \
  "fmla v" S2 ".4s, v7.4s, v" A ".s[" L \
  "]\n"                                 \
  "fmla v" S3 ".4s, v8.4s, v" A ".s[" L "]\n"

// One k of all rows.
#define STEP1(L) ROW("12", "13", "14", "15", "0", L)
#define STEP2(L) STEP1(L) ROW("16", "17", "18", "19", "1", L)
#define STEP3(L) STEP2(L) ROW("20", "21", "22", "23", "2", L)
#define STEP4(L) STEP3(L) ROW("24", "25", "26", "27", "3", L)
#define STEP5(L) STEP4(L) ROW("28", "29", "30", "31", "4", L)

#define LOAD_B "ld1 {v5.4s, v6.4s, v7.4s, v8.4s}, [%[b]], #64\n"
#define LOAD_A(N) "ldr q" #N ", [%[a" #N "]], #16\n"
#define LOAD_S(N) "ldr s" #N ", [%[a" #N "]], #4\n"

#define LOADS1(DO) DO(0)
#define LOADS2(DO) LOADS1(DO) DO(1)
#define LOADS3(DO) LOADS2(DO) DO(2)
#define LOADS4(DO) LOADS3(DO) DO(3)
#define LOADS5(DO) LOADS4(DO) DO(4)

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
#define ROWS1(DO) DO("12", "13", "14", "15")
#define ROWS2(DO) ROWS1(DO) DO("16", "17", "18", "19")
#define ROWS3(DO) ROWS2(DO) DO("20", "21", "22", "23")
#define ROWS4(DO) ROWS3(DO) DO("24", "25", "26", "27")
#define ROWS5(DO) ROWS4(DO) DO("28", "29", "30", "31")

// Fours of k, then the rest one by one; nothing beyond is read.
#define TILE(R)                                                                 \
  void F32Rows##R(int64_t k, const float* a0, int64_t a_stride,                 \
                  const float* b, float* c, int64_t c_stride,                   \
                  bool accumulate) {                                            \
    const float* a1 = a0 + a_stride;                                            \
    const float* a2 = a1 + a_stride;                                            \
    const float* a3 = a2 + a_stride;                                            \
    const float* a4 = a3 + a_stride;                                            \
    const int64_t row_bytes = c_stride * 4;                                     \
    float* const first = c;                                                     \
    int64_t fours = k / 4;                                                      \
    int64_t rest = k % 4;                                                       \
    asm volatile(                                                             \
        "cbnz %w[acc], 1f\n" ROWS##R(ZERO4) "b 2f\n"                          \
        "1:\n" ROWS##R(READ4)                                                 \
        "mov %[c], %[first]\n"                                                \
        "2:\n"                                                                \
        "cbz %[n], 5f\n"                                                      \
        "# LLVM-MCA-BEGIN gemm_f32_" #R "x16\n"                               \
        "3:\n" LOADS##R(LOAD_A) LOAD_B                                        \
        "subs %[n], %[n], #1\n"                                               \
        STEP##R("0") LOAD_B STEP##R("1") LOAD_B STEP##R("2") LOAD_B           \
        STEP##R("3")                                                          \
        "b.ne 3b\n"                                                           \
        "# LLVM-MCA-END\n"                                                    \
        "5:\n"                                                                \
        "cbz %[rest], 7f\n"                                                   \
        "6:\n" LOADS##R(LOAD_S) LOAD_B                                        \
        "subs %[rest], %[rest], #1\n"                                         \
        STEP##R("0")                                                          \
        "b.ne 6b\n"                                                           \
        "7:\n" ROWS##R(WRITE4)                                                \
        : [a0] "+&r"(a0), [a1] "+&r"(a1), [a2] "+&r"(a2), [a3] "+&r"(a3),         \
          [a4] "+&r"(a4), [b] "+&r"(b), [c] "+&r"(c), [n] "+&r"(fours),           \
          [rest] "+&r"(rest)                                                   \
        : [cs] "r"(row_bytes), [acc] "r"(accumulate), [first] "r"(first)      \
        : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",     \
          "v8", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",       \
          "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",      \
          "v29", "v30", "v31"); \
  }

TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)

}  // namespace

void GemmF32Rows5x16(int rows, int64_t groups, const float* a, int64_t a_stride,
                     const float* panel, float* c, int64_t c_stride,
                     bool accumulate, const Prefetch&) {
  constexpr decltype(&F32Rows1) kTiles[] = {F32Rows1, F32Rows2, F32Rows3,
                                            F32Rows4, F32Rows5};
  kTiles[rows - 1](groups, a, a_stride, panel, c, c_stride, accumulate);
}

}  // namespace native
}  // namespace yoloq

#endif
