#include "hw/native/gemm_neon.h"

#if defined(__aarch64__)

namespace yoloq {
namespace native {
namespace {

constexpr int kColumns = 4;
constexpr int kRows = 3;
constexpr int kRowTaps = 9;
constexpr int kTaps = kRows * kRowTaps;
// Taps in a register of weights, with four columns.
constexpr int kTapsTogether = 4;
constexpr int kRegisters = 7;
constexpr int kPanelBytes = 16 * kRegisters;

// Where the four taps of register `r` lie that fill byte `i`: a pair of taps in
// each column's two bytes, the next pair in the upper half.
constexpr int TapOf(int r, int i) {
  return kTapsTogether * r + 2 * (i / 8) + i % 2;
}

// Indices for TBL into three registers, one of each of the kernel's rows: the
// taps of a pixel in the order of the weights. Beyond them TBL gives 0.
struct Taps {
  Taps() {
    for (int r = 0; r < kRegisters; ++r) {
      for (int i = 0; i < 16; ++i) {
        const int tap = TapOf(r, i);
        index[16 * r + i] = static_cast<uint8_t>(
            tap < kTaps ? tap / kRowTaps * 16 + tap % kRowTaps : 255);
      }
    }
  }
  uint8_t index[kPanelBytes];
};

// Registers. A pixel's rows: v0 to v2. Taps of the first pixel: v4 to v10, of
// the second: v11 to v17. Weights: v18 to v24. Sums: v25 and v26. Sums of two
// products in 16 bits: v27 to v31 and v3, in three pairs by turns, and v0 and
// v1 for the last register of weights, so that the next panel begins with the
// same pair as this one.

#define LOAD_ROWS(P)             \
  "ldr q0, [%[" P                \
  "]]\n"                         \
  "ldr q1, [%[" P                \
  "], %[row1]]\n"                \
  "ldr q2, [%[" P                \
  "], %[row2]]\n"                \
  "eor v0.16b, v0.16b, v3.16b\n" \
  "eor v1.16b, v1.16b, v3.16b\n" \
  "eor v2.16b, v2.16b, v3.16b\n"
#define TAPS(TO, INDEX) \
  "tbl v" TO ".16b, {v0.16b, v1.16b, v2.16b}, v" INDEX ".16b\n"

// A register of weights: two for sums of its products, its own, and the taps of
// the first and of the second pixel.
#define REGISTER0 "27", "28", "18", "4", "11"
#define REGISTER1 "29", "30", "19", "5", "12"
#define REGISTER2 "31", "3", "20", "6", "13"
#define REGISTER3 "27", "28", "21", "7", "14"
#define REGISTER4 "29", "30", "22", "8", "15"
#define REGISTER5 "31", "3", "23", "9", "16"
#define REGISTER6 "0", "1", "24", "10", "17"

// Of register N the first product, the second, and both added to the sums.
#define LOW(N) APPLY(LOW_OPERANDS, REGISTER##N)
#define HIGH(N) APPLY(HIGH_OPERANDS, REGISTER##N)
#define WIDEN(N) APPLY(WIDEN_OPERANDS, REGISTER##N)
// Makes arguments of their own of a register's operands.
#define APPLY(MACRO, ...) MACRO(__VA_ARGS__)

#define LOW_OPERANDS(T, U, W, X, Y) \
  "smull v" T ".8h, v" W ".8b, v" X \
  ".8b\n"                           \
  "smull v" U ".8h, v" W ".8b, v" Y ".8b\n"
#define HIGH_OPERANDS(T, U, W, X, Y)  \
  "smlal2 v" T ".8h, v" W ".16b, v" X \
  ".16b\n"                            \
  "smlal2 v" U ".8h, v" W ".16b, v" Y ".16b\n"
#define WIDEN_OPERANDS(T, U, W, X, Y) \
  "sadalp v25.4s, v" T                \
  ".8h\n"                             \
  "sadalp v26.4s, v" U ".8h\n"

// Weights of a panel, the first four registers and the others. Nothing advances
// its own address: such an instruction waits for all multiplications before it
// (cortex_a53.md).
#define WEIGHTS_FIRST "ld1 {v18.16b, v19.16b, v20.16b, v21.16b}, [%[first]]\n"
#define WEIGHTS_OTHER "ld1 {v22.16b, v23.16b, v24.16b}, [%[other]]\n"
#define SUMS_OF_BIAS               \
  "ldr q25, [%[bias], %[panel]]\n" \
  "ldr q26, [%[bias], %[panel]]\n"
#define ADVANCE                    \
  "add %[first], %[first], #112\n" \
  "add %[other], %[other], #112\n" \
  "adds %[panel], %[panel], #16\n"

// Two pixels, whose kernels' first rows begin at p0 and p1, with all panels.
// The loop is at work on three registers of weights at a time: it begins a
// panel's first three, and reads its weights, while the panel before it ends.
// Behind the last one it reads one panel of weights and one of bias that
// nothing is made of.
inline __attribute__((always_inline)) void Pair(
    const uint8_t* p0, const uint8_t* p1, int64_t row_bytes,
    const uint8_t* index, int64_t panels, const int8_t* w, const int32_t* bias,
    int32_t* c0, int32_t* c1) {
  const int8_t* other = w + 64;
  // Bytes of sums, from their end. Sums of bias are loaded a panel earlier.
  int64_t panel = -16 * (panels + 1);
  // clang-format off
  asm volatile(
      "movi v3.16b, #0x80\n"
      "ld1 {v4.16b, v5.16b, v6.16b, v7.16b}, [%[index]]\n"
      "ldp q8, q9, [%[index], #64]\n"
      "ldr q10, [%[index], #96]\n"
      LOAD_ROWS("p1")
      TAPS("11", "4") TAPS("12", "5") TAPS("13", "6") TAPS("14", "7")
      TAPS("15", "8") TAPS("16", "9") TAPS("17", "10")
      LOAD_ROWS("p0")
      TAPS("4", "4") TAPS("5", "5") TAPS("6", "6") TAPS("7", "7")
      TAPS("8", "8") TAPS("9", "9") TAPS("10", "10")
      WEIGHTS_FIRST
      WEIGHTS_OTHER
      SUMS_OF_BIAS
      ADVANCE
      LOW(0) LOW(1) LOW(2) HIGH(0) HIGH(1)
      "# LLVM-MCA-BEGIN gemm_s8s8_2x4c28\n"
      "1:\n"
      WIDEN(0) LOW(3) HIGH(2)
      WIDEN(1) LOW(4) HIGH(3)
      WIDEN(2) LOW(5) HIGH(4)
      WEIGHTS_FIRST
      WIDEN(3) LOW(6) HIGH(5)
      WIDEN(4) LOW(0) HIGH(6)
      WEIGHTS_OTHER
      WIDEN(5) LOW(1) HIGH(0)
      WIDEN(6) LOW(2) HIGH(1)
      "str q25, [%[c0], %[panel]]\n"
      "str q26, [%[c1], %[panel]]\n"
      SUMS_OF_BIAS
      ADVANCE
      "b.ne 1b\n"
      "# LLVM-MCA-END\n"
      : [first] "+&r"(w), [other] "+&r"(other), [panel] "+&r"(panel)
      : [p0] "r"(p0), [p1] "r"(p1), [row1] "r"(row_bytes),
        [row2] "r"(2 * row_bytes), [index] "r"(index),
        [bias] "r"(bias + 4 * panels + 4), [c0] "r"(c0 + 4 * panels),
        [c1] "r"(c1 + 4 * panels)
      : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8",
        "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",
        "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
        "v29", "v30", "v31");
  // clang-format on
}

}  // namespace

void PackPicturePanel(const int8_t* columns, int8_t* panel) {
  for (int r = 0; r < kRegisters; ++r) {
    for (int i = 0; i < 16; ++i, ++panel) {
      const int tap = TapOf(r, i);
      const int column = i % 8 / 2;
      *panel = tap < kTaps ? columns[column * kTaps + tap] : int8_t{0};
    }
  }
}

void GemmPicture2x4(const uint8_t* rows, int64_t row_bytes, int64_t pixel_bytes,
                    int pixels, int panels, const int8_t* panel,
                    const int32_t* bias, int32_t* c, int64_t c_stride) {
  static const Taps taps;
  for (int i = 0; i < pixels; i += 2) {
    // A last pixel that has no neighbour is computed twice.
    const int64_t next = i + 1 < pixels ? 1 : 0;
    Pair(rows, rows + next * pixel_bytes, row_bytes, taps.index, panels, panel,
         bias, c, c + next * c_stride);
    rows += 2 * pixel_bytes;
    c += 2 * c_stride;
  }
}

}  // namespace native
}  // namespace yoloq

#endif
