// The signatures of all microkernels and the table entry that carries them: one
// KernelSet an instruction set. The grammar of their names is in README.md.
//
// Files of kernels are compiled for instructions that the processor may lack.
// They include this header and intrinsics alone: an inline function of another
// header, compiled there, could be the copy that the linker keeps for all.
#ifndef YOLOQ_HW_NATIVE_KERNELS_H_
#define YOLOQ_HW_NATIVE_KERNELS_H_

#include <stdint.h>

namespace yoloq {
namespace native {

// Weights of the products to come, which are far away: while a Gemm multiplies,
// it may prefetch these bytes, or some more, evenly over its groups of k; up to
// 128 bytes for each of a tile. The address need not be valid.
struct Prefetch {
  const void* panel = nullptr;
  int64_t bytes = 0;
};

// Matrix product of one row or more with a panel: for i < rows and all
// j < columns,
//
//   c[i * c_stride + j] (+)= sum over k of a[i * a_stride + k] * panel(k, j),
//
// k in [0, groups * depth). The panel holds element (k, j) at
// [(k / depth * columns + j) * depth + k % depth]. Integer sums wrap modulo
// 2^32; `a` is read up to k = groups * depth in each row, and no further. The
// kernel cuts the rows into tiles. Rows times groups, and the bytes to
// prefetch, are below 2^31.
template <typename A, typename B, typename C>
struct Gemm {
  const char* name = nullptr;
  int rows = 0;     // MR: the most rows of a tile; with AMX 3 * row_step
  int columns = 0;  // NR: columns of a panel
  int depth = 0;    // KR: values of k that lie together
  // Multiply-accumulates that one core starts each cycle, for the cost model.
  double rate = 0;
  // Rows are multiplied so many at a time, and fewer take as long: who shares
  // out rows does so by multiples of it. Divides `rows`.
  int row_step = 1;
  void (*run)(int64_t rows, int64_t groups, const A* a, int64_t a_stride,
              const B* panel, C* c, int64_t c_stride, bool accumulate,
              const Prefetch& prefetch) = nullptr;
};

using GemmU8 = Gemm<uint8_t, int8_t, int32_t>;
using GemmS16 = Gemm<int16_t, int16_t, int32_t>;
using GemmF32 = Gemm<float, float, float>;

// From sums to a convolution's output, INT8. The steps are those of
// quant/integer_semantics.h. Arrays by column are padded to whole vectors.
struct ByteEpilogue {
  const int32_t* bias = nullptr;  // null where the sums have it in them
  const float* multipliers = nullptr;
  float slope = 1;    // of negative values: 0.1f for leaky, else 1
  float lowest = 0;   // clamp before rounding: -zero_point, 0 for RELU
  float highest = 0;  // 255 - zero_point
  int zero_point = 0;
  // No multiplier is above 1/2 and no ratio above 2^20: the results of all
  // steps can be converted to 32-bit integers.
  bool moderate = false;
  const uint8_t* table = nullptr;  // 256 entries, applied to the bytes
  // The residual sum.
  bool add = false;
  int first_zero_point = 0;  // of the convolution's own output
  float first_ratio = 0;
  int residual_zero_point = 0;
  float residual_ratio = 0;
  float sum_slope = 1;
  float sum_lowest = 0;
  float sum_highest = 0;
  int sum_zero_point = 0;
  // The real form.
  int real_zero_point = 0;
  float real_scale = 0;
};

// The same in FP32.
struct RealEpilogue {
  const float* bias = nullptr;
  float slope = 1;
  float lowest = 0;  // -infinity, 0 for RELU
  bool add = false;
  float sum_slope = 1;
  float sum_lowest = 0;
  // The 8-bit form.
  float reciprocal_scale = 0;
  float byte_lowest = 0;
  float byte_highest = 0;
  int byte_zero_point = 0;
};

// Where a block of rows (pixels) by columns (channels) of the output goes;
// pointers to the first element, distances between rows in elements. Null
// where a form is not wanted.
template <typename T>
struct BlockOutput {
  const T* residual = nullptr;
  int64_t residual_stride = 0;
  uint8_t* bytes = nullptr;
  int64_t bytes_stride = 0;
  float* reals = nullptr;
  int64_t reals_stride = 0;
};

// F(4,3) has tiles of 4, 2 or 1 outputs (index 0, 1, 2) down and across, all
// with its frequencies and weights: frequency f is row f / 6, column f % 6; a
// tile of 2 has the rows or columns 0, 1, 2 and 5, a tile of 1 has 0, 1 and 5.
static constexpr int TileSizeIndex(int outputs) {
  return outputs == 4 ? 0 : outputs == 2 ? 1 : 2;
}

// Winograd's transforms work on one tile of input pixels, two more each way
// than outputs, at stride 2 nine for 4: pixels[i] points to the first channel
// of pixel i, row by row. Element (frequency f, channel c) goes to
// v[f * frequency_stride + c], for c in [0, channels) rounded up to a multiple
// of `lanes`, in FP32 of half as many; what is beyond the channels is 0. At
// stride 2 the frequencies are WinogradForm's planes.
template <typename T, typename V>
using InputTransform = void (*)(const T* const* pixels, int channels,
                                int zero_point, V* v, int64_t frequency_stride);

// The reverse, A^T m A, in two steps, the first of which needs but one row of
// frequencies. Its values, of lines as of those of tiles, are in the order of
// frequencies; at stride 2 those of even pixels, then those of odd ones.
template <typename C>
struct OutputTransform {
  // Along rows, on any number of lines at once: values[j][i], value j of the
  // line of a tile and channel i, to outputs to[k * to_stride + i], for i in
  // [0, count), a multiple of half of `lanes`.
  void (*across)(const C* const* values, int64_t count, C* to,
                 int64_t to_stride) = nullptr;
  // Down the columns, `columns` (a multiple of `lanes`) channels of one tile
  // with `across` outputs in a row: from what the first step made, its output k
  // of the row of frequency f at from[f * value_stride + k * output_stride +
  // c], to y[i * row_stride + k * columns + c], the pixel at row i and column
  // k. Integers: the sum of products and bias[c], exact, times 64 for F(4,3)
  // and 4 for the others, modulo 2^32. Reals: the sum of products; `bias` is
  // not read.
  void (*down)(const C* from, int64_t value_stride, int64_t output_stride,
               int across, const C* bias, int columns, C* y,
               int64_t row_stride) = nullptr;
};

// Tiles of F(4,3) side by side, `across` outputs in a row of each: what
// OutputTransform::across made of `lanes` channels, laid out as `down` takes
// it, tile t's at from + t * lanes.
struct TileLines {
  const int32_t* from = nullptr;
  int64_t value_stride = 0;
  int64_t output_stride = 0;
  int tiles = 0;
  int across = 0;
};

// OutputTransform::down and the epilogue in one: `bias` is that of `down`, that
// of the epilogue is not read. The pixel at row i and column j of the tiles is
// row i * row_pixels + j of `output`; all are written, none may lie outside of
// the map. Returns false, and writes nothing, where the epilogue is not of the
// kind that the kernel is for.
using FinishTilesKernel = bool (*)(const TileLines& lines, const int32_t* bias,
                                   const ByteEpilogue& epilogue,
                                   const BlockOutput<uint8_t>& output,
                                   int64_t row_pixels);

// Winograd's transform of weights for F(4,3), G g G^T, a row of frequencies at
// a time. rows[y] takes blocks of `values` (a multiple of `lanes`) kernels, tap
// t of block b at taps[(b * 9 + t) * values + i], to their frequencies y * 6 +
// x, at u[x * frequency_stride + b * values + i]. G is scaled as README.md
// says, in FP32 too; the output transform makes up for it.
template <typename Weight, typename V>
struct WeightTransform {
  void (*rows[6])(const Weight* taps, int64_t blocks, int values, V* u,
                  int64_t frequency_stride) = {};
};

// Rows x columns sums at acc[i * acc_stride + j] to the output. The sums are
// readable up to a whole vector of columns.
using FinishBytesKernel = void (*)(const int32_t* acc, int64_t acc_stride,
                                   int rows, int columns,
                                   const ByteEpilogue& epilogue,
                                   const BlockOutput<uint8_t>& output);

// Matrix product of bytes in layouts of its own: for i < rows and
// j < panels * columns,
// c[i * c_stride + j] = bias[j] + sum over k of (from[i][k] - 128) * column j's
// weight k. Sums wrap. Reads up to 96 bytes beyond `a` and the panel.
struct GemmS8 {
  const char* name = nullptr;
  int rows = 0;     // of a tile
  int columns = 0;  // of a panel
  int depth = 0;    // values of k in a group
  double rate = 0;  // see Gemm
  // Any number of rows: `a` is whole tiles and one of the rest.
  void (*run)(int64_t rows, int64_t groups, const int8_t* a, int panels,
              const int8_t* panel, const int32_t* bias, int32_t* c,
              int64_t c_stride) = nullptr;
  // A tile, or a part of one, of the rows' groups * depth bytes; it takes as
  // many.
  void (*arrange)(int rows, int64_t groups, const uint8_t* const* from,
                  int8_t* to) = nullptr;
  int64_t (*panel_bytes)(int64_t groups) = nullptr;
  // `weights`: column by column, groups * depth values each, in [-127, 127].
  void (*pack)(const int8_t* weights, int64_t groups, int8_t* panel) = nullptr;
};

// Matrix product of reals in layouts of its own: for i < rows and
// j < panels * columns,
// c[i * c_stride + j] = sum over k of from[i][k] * column j's weight k.
struct GemmTiledF32 {
  const char* name = nullptr;
  int rows = 0;     // of a tile, an even number
  int columns = 0;  // of a panel
  int depth = 0;    // values of k in a group
  double rate = 0;  // see Gemm
  // Any number of rows: `a` is whole tiles and one of the rest.
  void (*run)(int64_t rows, int64_t groups, const float* a, int panels,
              const float* panel, float* c, int64_t c_stride) = nullptr;
  // A tile, or a part of one, of the rows' groups * depth values; it takes as
  // many, and those of one row more where their number is odd.
  void (*arrange)(int rows, int64_t groups, const float* const* from,
                  float* to) = nullptr;
  // `weights`: column by column, groups * depth values each; the panel takes as
  // many.
  void (*pack)(const float* weights, int64_t groups, float* panel) = nullptr;
};

// Matrix product of any number of rows, which `interleave` cut into tiles and
// laid out, with one panel:
// c[i * c_stride + j] = sum over k of row i's value k * panel(k, j), the panel
// as that of Gemm with one value of k together. Integer sums wrap. Reads up to
// 64 bytes beyond `a` and the panel.
template <typename V, typename C>
struct GemmTiles {
  const char* name = nullptr;
  int rows = 0;     // the most rows of a tile
  int columns = 0;  // of a panel
  int depth = 0;    // values of k in a group
  double rate = 0;  // see Gemm
  void (*run)(int64_t rows, int64_t groups, const V* a, const V* panel, C* c,
              int64_t c_stride) = nullptr;
  // Rows of `depth` values, `stride` apart, to `a`: each tile takes an even
  // number of rows, and there are as few tiles as `rows` allows.
  void (*interleave)(int64_t rows, int64_t depth, const V* from, int64_t stride,
                     V* to) = nullptr;
};

// The product of GemmS8 for kernels of 3 x 3 on three channels, which takes its
// values from the picture's rows: `rows` points to the first of three rows of
// pixels of three bytes, row_bytes apart, under the kernel of the first output
// pixel; the next one's is pixel_bytes further. Of each row 16 bytes are read,
// and one panel and its bias beyond the last.
struct PictureGemm {
  const char* name = nullptr;
  int columns = 0;  // of a panel
  int panel_bytes = 0;
  double rate = 0;  // see Gemm
  void (*run)(const uint8_t* rows, int64_t row_bytes, int64_t pixel_bytes,
              int pixels, int panels, const int8_t* panel, const int32_t* bias,
              int32_t* c, int64_t c_stride) = nullptr;
  // `weights`: column by column, 27 values each (kernel row, kernel column,
  // channel), in [-127, 127].
  void (*pack)(const int8_t* weights, int8_t* panel) = nullptr;
};

// The transforms of F(4,3)'s tiles, by TileSizeIndex, in layouts of
// winograd_tiles_neon.inc: transformed values [channel / n][frequency][channel
// % n], n being 8 for bytes and 4 for reals, whatever frequency_stride; sums
// [frequency][column], 16 columns.
struct TileKernels {
  InputTransform<uint8_t, int16_t> input_s16[3][3] = {};
  InputTransform<float, float> input_f32[3][3] = {};
  // y[i * row_stride + j * 16 + c] = 64 times the sum of products and bias[c],
  // modulo 2^32.
  void (*output_s32[3][3])(const int32_t* m, const int32_t* bias, int32_t* y,
                           int64_t row_stride) = {};
  // The sums of products alone.
  void (*output_f32[3][3])(const float* m, float* y, int64_t row_stride) = {};
  // Their rows are one frequency of transformed tiles. `columns` divides 16.
  GemmTiles<int16_t, int32_t> gemm_s16;
  GemmTiles<float, float> gemm_f32;
};

// Multiply-accumulates on registers alone, as many at once as the processor
// takes: what a Gemm could reach at most.
struct PeakLoop {
  double multiplies_per_round = 0;
  void (*run)(int64_t rounds) = nullptr;
};

// What the cost model assumes of a core, a cycle where nothing else is said.
struct CoreModel {
  const char* name = nullptr;    // "cortex_a53"
  double clock_hz = 0;           // 0: not assumed
  double vector_operations = 0;  // of transforms and epilogues, on a vector
  // Of direct.h: a vector of sums, from their tile to the output.
  double finish_operations = 0;
  // Of winograd.h: a vector of transformed input; a vector of sums, from their
  // tile to transformed output.
  double input_operations = 0;
  double output_operations = 0;
  // And of Winograd's: a value of a vector of channels that is not full.
  double part_operations = 0;
  // Instructions that start: all that the rates and vector operations count.
  // 0: cycles do not tell the number of instructions.
  double instructions = 0;
  double core_bytes = 0;       // from beyond the caches, by one core
  double all_cores_bytes = 0;  // by all of them together; 0: no common limit
  // The second-level cache, of one core or for all, and the machine's memory;
  // 0: ask the machine.
  int64_t cache_bytes = 0;
  int64_t memory_bytes = 0;
};

// A set without functions, as kernel_descriptions.cc makes it, can be planned
// with but not run. What a set lacks has no rows.
struct KernelSet {
  const char* name = nullptr;  // "avx512vnni"
  CoreModel core;

  // Null where nobody measures. INT8 with the instructions of exact products.
  PeakLoop peak_int8;
  PeakLoop peak_f32;

  GemmU8 gemm_u8;  // none where it would be slower than s16
  GemmS16 gemm_s16;
  GemmF32 gemm_f32;  // none where there are those of tiles

  // Preferred to gemm_u8 and gemm_s16 for direct convolution where it is there.
  GemmS8 gemm_s8;
  // Preferred to gemm_s8.
  PictureGemm picture;
  // Preferred to gemm_f32 for direct convolution where it is there.
  GemmTiledF32 gemm_tiled_f32;
  // Preferred for F(4,3) where its products are there.
  TileKernels tiles;

  // Channels are handled in vectors: arrays written by transforms have room for
  // a multiple of this many elements. Divides `columns` of every Gemm.
  int lanes = 0;

  InputTransform<uint8_t, int16_t> input_2_s16 = nullptr;
  OutputTransform<int32_t> output_2_s32;
  // Of tiles of F(4,3), by TileSizeIndex down and across; for the output of the
  // one or the other.
  InputTransform<uint8_t, int16_t> input_4_s16[3][3] = {};
  InputTransform<float, float> input_4_f32[3][3] = {};
  OutputTransform<int32_t> output_4_s32[3];
  OutputTransform<float> output_4_f32[3];
  // By TileSizeIndex down; null where the set has none. As many columns as
  // gemm_s16 has in a panel.
  FinishTilesKernel finish_tiles_4[3] = {};
  // At stride 2, where `winograd_stride_2`.
  bool winograd_stride_2 = false;
  InputTransform<uint8_t, int16_t> input_4_stride_2_s16 = nullptr;
  InputTransform<float, float> input_4_stride_2_f32 = nullptr;
  OutputTransform<int32_t> output_4_stride_2_s32;
  OutputTransform<float> output_4_stride_2_f32;
  WeightTransform<int8_t, int16_t> weights_4_s16;
  WeightTransform<float, float> weights_4_f32;

  FinishBytesKernel finish_bytes = nullptr;
  void (*finish_reals)(const float* acc, int64_t acc_stride, int rows,
                       int columns, const RealEpilogue& epilogue,
                       const BlockOutput<float>& output) = nullptr;

  // Runs of bytes, one for each row of a kernel, of `pixels` neighbours:
  // run i of pixel p, at from + p * pixel_step + i * row_step, goes to
  // to + p * to_step + i * run_bytes. Up to 15 bytes too much are read, and
  // written where to_step has room for them.
  void (*gather_runs)(const uint8_t* from, int64_t pixel_step, int64_t row_step,
                      int kernel, int64_t run_bytes, int pixels, uint8_t* to,
                      int64_t to_step) = nullptr;

  // to[i] = from[i].
  void (*widen)(const uint8_t* from, int64_t count, int16_t* to) = nullptr;

  // One pixel of a depthwise convolution: acc[c] = sum over taps t of
  // (pixels[t][c] - zero_point) * weights[t * weight_stride + c].
  void (*depthwise_u8)(const uint8_t* const* pixels, int taps, int channels,
                       int zero_point, const int16_t* weights,
                       int64_t weight_stride, int32_t* acc) = nullptr;
  void (*depthwise_f32)(const float* const* pixels, int taps, int channels,
                        const float* weights, int64_t weight_stride,
                        float* acc) = nullptr;
};

// The sets without their functions.
KernelSet DescribePortable();
KernelSet DescribeAvx2();
KernelSet DescribeAvx512Vnni();
KernelSet DescribeAvx512Amx();
KernelSet DescribeNeonA53();

// Exist where the compiler builds for the architecture; null elsewhere.
const KernelSet* PortableKernels();
const KernelSet* Avx2Kernels();
const KernelSet* Avx512VnniKernels();
const KernelSet* Avx512AmxKernels();
const KernelSet* NeonA53Kernels();

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_KERNELS_H_
