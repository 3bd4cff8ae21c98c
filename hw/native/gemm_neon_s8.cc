#include "hw/native/gemm_neon.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

namespace yoloq {
namespace native {
namespace {

// Sums: v20 to v31, four a row. Rows: the first 16 bytes of 32 in v0 to v2, the
// others in v3 to v5. Columns: two by two in v6 to v9 and v10 to v13, by turns.
// Sums in 16 bits: v14 to v19, so that as many multiplications lie between one
// and the next on its sum. Each load follows the last use of its registers, and
// at least ten multiplications lie between it and their next use. Each of the
// four loads has its own address: two of them are advanced by additions, which
// go with multiplications, as llvm-mca lets loads that advance their own wait
// for all multiplications before.

#define M1(OP, S, T, A, B) OP " v" T ".8h, v" A "." S ", v" B "." S "\n"

// OP on registers A0 to A2 of the rows with F and G of a pair of columns.
#define PHASE1(OP, S, A0, A1, A2, F, G) \
  M1(OP, S, "14", A0, F) M1(OP, S, "17", A0, G)
#define PHASE2(OP, S, A0, A1, A2, F, G) \
  M1(OP, S, "14", A0, F)                \
  M1(OP, S, "15", A1, F) M1(OP, S, "17", A0, G) M1(OP, S, "18", A1, G)
#define PHASE3(OP, S, A0, A1, A2, F, G) \
  M1(OP, S, "14", A0, F)                \
  M1(OP, S, "15", A1, F)                \
  M1(OP, S, "16", A2, F)                \
  M1(OP, S, "17", A0, G) M1(OP, S, "18", A1, G) M1(OP, S, "19", A2, G)

// The first 16 bytes of the rows, and the others.
#define FIRST(R, OP, S, F, G) PHASE##R(OP, S, "0", "1", "2", F, G)
#define OTHER(R, OP, S, F, G) PHASE##R(OP, S, "3", "4", "5", F, G)

#define D1(S, T) "sadalp v" S ".4s, v" T ".8h\n"
// Adds to columns 0 and 1 (WIDEN_L) or 2 and 3 (WIDEN_R) of each row.
#define WIDEN_L1 D1("20", "14") D1("21", "17")
#define WIDEN_R1 D1("22", "14") D1("23", "17")
#define WIDEN_L2 D1("20", "14") D1("24", "15") D1("21", "17") D1("25", "18")
#define WIDEN_R2 D1("22", "14") D1("26", "15") D1("23", "17") D1("27", "18")
#define WIDEN_L3 \
  D1("20", "14") \
  D1("24", "15") D1("28", "16") D1("21", "17") D1("25", "18") D1("29", "19")
#define WIDEN_R3 \
  D1("22", "14") \
  D1("26", "15") D1("30", "16") D1("23", "17") D1("27", "18") D1("31", "19")

#define LEFT_B "ld1 {v6.16b, v7.16b, v8.16b, v9.16b}, [%[left]]\n"
#define RIGHT_B \
  "ld1 {v10.16b, v11.16b, v12.16b, v13.16b}, [%[right]], %[columns_step]\n"
#define LOAD_FIRST1 "ldr q0, [%[first]]\n"
#define LOAD_FIRST2 "ldp q0, q1, [%[first]]\n"
#define LOAD_FIRST3 "ld1 {v0.16b, v1.16b, v2.16b}, [%[first]]\n"
#define LOAD_OTHER1 "ldr q3, [%[other]], #32\n"
#define LOAD_OTHER2 "ldp q3, q4, [%[other]], #64\n"
#define LOAD_OTHER3 "ld1 {v3.16b, v4.16b, v5.16b}, [%[other]], %[rows_step]\n"
// From what FIRST and LEFT_B loaded to what comes next.
#define ADVANCE                            \
  "add %[first], %[first], %[rows_step]\n" \
  "add %[left], %[left], %[columns_step]\n"

// Four products in 16 bits: the first and the other 16 bytes, low and high.
#define GROUP(R)                                                            \
  ADVANCE RIGHT_B FIRST(R, "smull", "8b", "6", "8")                         \
      FIRST(R, "smlal2", "16b", "6", "8") OTHER(R, "smlal", "8b", "7", "9") \
          OTHER(R, "smlal2", "16b", "7", "9") LEFT_B WIDEN_L##R             \
          FIRST(R, "smull", "8b", "10", "12")                               \
              FIRST(R, "smlal2", "16b", "10", "12") LOAD_FIRST##R           \
              OTHER(R, "smlal", "8b", "11", "13")                           \
                  OTHER(R, "smlal2", "16b", "11", "13")                     \
                      WIDEN_R##R LOAD_OTHER##R

// Two products in 16 bits, for weights that leave no room for four.
#define WIDE_GROUP(R)                                                        \
  ADVANCE RIGHT_B FIRST(R, "smull", "8b", "6", "8")                          \
      FIRST(R, "smlal2", "16b", "6", "8") WIDEN_L##R                         \
      OTHER(R, "smull", "8b", "7", "9") OTHER(R, "smlal2", "16b", "7", "9")  \
          LEFT_B WIDEN_L##R                                                  \
          FIRST(R, "smull", "8b", "10", "12")                                \
              FIRST(R, "smlal2", "16b", "10", "12") LOAD_FIRST##R WIDEN_R##R \
              OTHER(R, "smull", "8b", "11", "13")                            \
                  OTHER(R, "smlal2", "16b", "11", "13")                      \
                      WIDEN_R##R LOAD_OTHER##R

// A sum across lanes starts with its bias in one of them.
#define BIAS4(A, B, C, D) \
  "ldr s" A               \
  ", [%[bias]], #4\n"     \
  "ldr s" B               \
  ", [%[bias]], #4\n"     \
  "ldr s" C               \
  ", [%[bias]], #4\n"     \
  "ldr s" D ", [%[bias]], #4\n"
#define COPY4(A, B, C, D) \
  "mov v" A               \
  ".16b, v20.16b\n"       \
  "mov v" B               \
  ".16b, v21.16b\n"       \
  "mov v" C               \
  ".16b, v22.16b\n"       \
  "mov v" D ".16b, v23.16b\n"
#define START1 BIAS4("20", "21", "22", "23")
#define START2 START1 COPY4("24", "25", "26", "27")
#define START3 START2 COPY4("28", "29", "30", "31")
#define WRITE4(A, B, C, D)         \
  "addp v" A ".4s, v" A ".4s, v" B \
  ".4s\n"                          \
  "addp v" C ".4s, v" C ".4s, v" D \
  ".4s\n"                          \
  "addp v" A ".4s, v" A ".4s, v" C \
  ".4s\n"                          \
  "st1 {v" A ".4s}, [%[to]], %[cs]\n"
#define ROWS1(DO) DO("20", "21", "22", "23")
#define ROWS2(DO) ROWS1(DO) DO("24", "25", "26", "27")
#define ROWS3(DO) ROWS2(DO) DO("28", "29", "30", "31")

// Panel by panel: the runs, then the columns. A run is of groups of four
// products, four in a round of the loop, whose first round begins where it has
// to; between each run and the next lies a wide group.
#define TILE(R)                                                                \
  inline __attribute__((always_inline)) void S8Rows##R(                        \
      const int8_t* row, int64_t panels, const int8_t* b, int64_t runs_bytes,  \
      const int32_t* bias, int32_t* c, int64_t row_bytes) {                    \
    const int8_t* first;                                                       \
    const int8_t* other;                                                       \
    const int8_t* left;                                                        \
    const int8_t* right;                                                       \
    int32_t* to;                                                               \
    const int8_t* runs;                                                        \
    int64_t run;                                                               \
    int64_t rounds;                                                            \
    asm volatile(                                                            \
        "1:\n"                                                               \
        "mov %[runs], %[b]\n"                                                \
        "add %[left], %[b], %[runs_bytes]\n"                                 \
        "add %[right], %[left], #64\n"                                       \
        "mov %[first], %[row]\n"                                             \
        "add %[other], %[row], #16 * " #R "\n" LOAD_FIRST##R LOAD_OTHER##R   \
        LEFT_B                                                               \
        "mov %[to], %[c]\n" START##R                                         \
        "2:\n"                                                               \
        "ldrh %w[run], [%[runs]], #2\n"                                      \
        "lsr %[rounds], %[run], #3\n"                                        \
        "cbz %[rounds], 7f\n"                                                \
        "tbnz %[run], #1, 8f\n"                                              \
        "tbnz %[run], #2, 5f\n"                                              \
        "# LLVM-MCA-BEGIN gemm_s8s8_" #R "x4\n"                              \
        "3:\n" GROUP(R)                                                      \
        "4:\n" GROUP(R)                                                      \
        "5:\n" GROUP(R)                                                      \
        "6:\n"                                                               \
        "subs %[rounds], %[rounds], #1\n" GROUP(R)                           \
        "b.ne 3b\n"                                                          \
        "# LLVM-MCA-END\n"                                                   \
        "7:\n"                                                               \
        "tbnz %[run], #0, 9f\n" WIDE_GROUP(R)                                \
        "b 2b\n"                                                             \
        "8:\n"                                                               \
        "tbnz %[run], #2, 4b\n"                                              \
        "b 6b\n"                                                             \
        "9:\n" ROWS##R(WRITE4)                                               \
        "sub %[b], %[right], #64\n"                                          \
        "add %[c], %[c], #16\n"                                              \
        "subs %[panels], %[panels], #1\n"                                    \
        "b.ne 1b\n"                                                          \
        : [b] "+&r"(b), [c] "+&r"(c), [panels] "+&r"(panels),                \
          [bias] "+&r"(bias), [first] "=&r"(first), [other] "=&r"(other),    \
          [left] "=&r"(left), [right] "=&r"(right), [to] "=&r"(to),          \
          [runs] "=&r"(runs), [run] "=&r"(run), [rounds] "=&r"(rounds)       \
        : [cs] "r"(row_bytes), [row] "r"(row), [runs_bytes] "r"(runs_bytes), \
          [rows_step] "r"(int64_t{32 * R}), [columns_step] "r"(int64_t{128}) \
        : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",    \
          "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",       \
          "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",     \
          "v26", "v27", "v28", "v29", "v30", "v31"); \
  }

TILE(1)
TILE(2)
TILE(3)

constexpr int kRows = 3;
constexpr int kColumns = 4;
constexpr int kDepth = 32;
// Bytes of a register.
constexpr int kHalf = 16;

// In front of a panel: the runs, at most one more than there are groups.
int64_t RunsBytes(int64_t groups) { return (2 * (groups + 1) + 15) / 16 * 16; }

// A run of so many groups: rounds of the loop, where the first begins, and
// whether no wide group follows.
uint16_t RunOf(int groups, bool last) {
  return static_cast<uint16_t>((groups + 3) / 4 * 8 + groups % 4 * 2 + last);
}

// Whether four products with |x| <= 128 fit in 16 bits in each of the 8 lanes.
bool FourFit(const int8_t* weights) {
  for (int lane = 0; lane < 8; ++lane) {
    int sum = 0;
    for (int i = lane; i < kDepth; i += 8) {
      sum += weights[i] < 0 ? -weights[i] : weights[i];
    }
    if (sum > 255) return false;
  }
  return true;
}

}  // namespace

int64_t S8PanelBytes(int64_t groups) {
  return RunsBytes(groups) + groups * kColumns * kDepth;
}

void PackS8Panel(const int8_t* columns, int64_t groups, int8_t* panel) {
  uint16_t* run = reinterpret_cast<uint16_t*>(panel);
  int8_t* to = panel + RunsBytes(groups);
  int count = 0;
  for (int64_t g = 0; g < groups; ++g) {
    bool fit = true;
    for (int j = 0; j < kColumns; ++j, to += kDepth) {
      memcpy(to, columns + (j * groups + g) * kDepth, kDepth);
      fit = fit && FourFit(to);
    }
    if (fit) {
      ++count;
    } else {
      *run++ = RunOf(count, /*last=*/false);
      count = 0;
    }
  }
  *run = RunOf(count, /*last=*/true);
}

template <int kTileRows>
void ArrangeTile(int64_t groups, const uint8_t* const* from, int8_t* to) {
  const int8x16_t sign = vdupq_n_s8(-128);
  const int8_t* row[kTileRows];
  for (int i = 0; i < kTileRows; ++i) {
    row[i] = reinterpret_cast<const int8_t*>(from[i]);
  }
  for (int64_t g = 0; g < groups; ++g) {
    for (int i = 0; i < kTileRows; ++i) {
      const int8x16_t first = vld1q_s8(row[i]);
      const int8x16_t other = vld1q_s8(row[i] + kHalf);
      vst1q_s8(to + i * kHalf, veorq_s8(first, sign));
      vst1q_s8(to + (kTileRows + i) * kHalf, veorq_s8(other, sign));
      row[i] += kDepth;
    }
    to += kTileRows * kDepth;
  }
}

void ArrangeS8(int rows, int64_t groups, const uint8_t* const* from,
               int8_t* to) {
  constexpr decltype(&ArrangeTile<1>) kTiles[] = {
      ArrangeTile<1>, ArrangeTile<2>, ArrangeTile<3>};
  kTiles[rows - 1](groups, from, to);
}

void GemmS8Rows3x4(int64_t rows, int64_t groups, const int8_t* a, int panels,
                   const int8_t* panel, const int32_t* bias, int32_t* c,
                   int64_t c_stride) {
  const int64_t runs_bytes = RunsBytes(groups);
  const int64_t row_bytes = c_stride * int64_t{sizeof(*c)};
  for (; rows >= kRows; rows -= kRows) {
    S8Rows3(a, panels, panel, runs_bytes, bias, c, row_bytes);
    a += kRows * groups * kDepth;
    c += kRows * c_stride;
  }
  if (rows == 2) S8Rows2(a, panels, panel, runs_bytes, bias, c, row_bytes);
  if (rows == 1) S8Rows1(a, panels, panel, runs_bytes, bias, c, row_bytes);
}

}  // namespace native
}  // namespace yoloq

#endif
