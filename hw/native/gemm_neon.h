// Matrix products for Cortex-A53: ARMv8.0-A NEON without dot product. Written
// for in-order issue: loads stand between multiplications that do not wait for
// them. The inner loops are marked for llvm-mca (mca.sh).
#ifndef YOLOQ_HW_NATIVE_GEMM_NEON_H_
#define YOLOQ_HW_NATIVE_GEMM_NEON_H_

#include <stdint.h>

#include "hw/native/kernels.h"

namespace yoloq {
namespace native {

// The signatures are those of kernels.h. Prefetches are left to the processor:
// those of the program would be further instructions.

// 6 x 16, rows interleaved by InterleaveS16: SMLAL by element, 4 products an
// instruction. `groups` are of 8 values of k.
void GemmS16Quads6x16(int64_t rows, int64_t groups, const int16_t* a,
                      const int16_t* panel, int32_t* c, int64_t c_stride);

// Rows of `depth` values, `stride` apart, to tiles of at most six, of nearly
// one height, and those to quads: four values of each row by turns, an odd
// number of rows followed by one of 0. A row's values lie in eights, one in
// every 36 (see TileKernels).
void InterleaveS16(int64_t rows, int64_t depth, const int16_t* from,
                   int64_t stride, int16_t* to);

// 4 x 8, rows as they lie.
void GemmS16Rows4x8(int64_t rows, int64_t groups, const int16_t* a,
                    int64_t a_stride, const int16_t* panel, int32_t* c,
                    int64_t c_stride, bool accumulate,
                    const Prefetch& prefetch);

// 8 x 8, rows arranged by ArrangeF32 or InterleaveF32: FMLA by element, 4
// products an instruction. `groups` are of 4 values of k. Rows are whole tiles
// and one of the rest; an odd number takes the room of one more. `panel` is
// what PackF32Panel made, one after another. Overwrites c.
void GemmF32Pairs8x8(int64_t rows, int64_t groups, const float* a, int panels,
                     const float* panel, float* c, int64_t c_stride);
// The same of one panel.
void GemmF32Panel8x8(int64_t rows, int64_t groups, const float* a,
                     const float* panel, float* c, int64_t c_stride);

// Rows of `depth` values, `stride` apart, to tiles: two values of each row by
// turns for each two rows. A row's values lie in fours, one in every 36 (see
// TileKernels).
void InterleaveF32(int64_t rows, int64_t depth, const float* from,
                   int64_t stride, float* to);

// A tile, or a part of one, of rows as they lie.
void ArrangeF32(int rows, int64_t groups, const float* const* from, float* to);

// `columns`: eight columns of groups * 4 weights each.
void PackF32Panel(const float* columns, int64_t groups, float* panel);

// 3 x 4, 32 bytes of k together. Four products are summed in 16 bits (SMULL,
// SMLAL), then pairs of sums in 32 (SADALP): 32 products in 5 instructions.
// Groups of weights that leave no room for four go two by two. `panel` is what
// PackS8Panel made, one after another, `a` what ArrangeS8 made of the rows,
// three by three. Reads up to 96 bytes beyond `a` and 64 beyond the panel;
// overwrites c.
void GemmS8Rows3x4(int64_t rows, int64_t groups, const int8_t* a, int panels,
                   const int8_t* panel, const int32_t* bias, int32_t* c,
                   int64_t c_stride);

// Rows of groups * 32 bytes, each less 128: of each group the first 16 bytes of
// all rows, then the others.
void ArrangeS8(int rows, int64_t groups, const uint8_t* const* from,
               int8_t* to);

// Bytes of a panel of four columns.
int64_t S8PanelBytes(int64_t groups);

// `columns`: four columns of groups * 32 weights each, in [-127, 127].
void PackS8Panel(const int8_t* columns, int64_t groups, int8_t* panel);

// A picture's three channels under a kernel of 3 x 3: two pixels by four
// columns, 28 values of k of which the last is 0. Two products are summed in 16
// bits: 16 products in 3 instructions. See PictureGemm.
void GemmPicture2x4(const uint8_t* rows, int64_t row_bytes, int64_t pixel_bytes,
                    int pixels, int panels, const int8_t* panel,
                    const int32_t* bias, int32_t* c, int64_t c_stride);

void PackPicturePanel(const int8_t* columns, int8_t* panel);

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_GEMM_NEON_H_
