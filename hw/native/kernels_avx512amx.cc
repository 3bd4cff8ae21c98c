// AVX-512 with VNNI, and AMX for the direct INT8 product (AMX-TILE, AMX-INT8).
#include "hw/native/kernels.h"

#if defined(__x86_64__)

#if !defined(YOLOQ_EMULATED_AMX)
#include <immintrin.h>
#endif

namespace yoloq {
namespace native {
namespace {

// A tile register has at most so many rows of so many bytes.
constexpr int kTileRows = 16;
constexpr int kTileBytes = 64;
// Columns of a tile of sums. A panel has two such tiles side by side: its
// groups of k, 128 bytes each, are the rows of two tiles of weights as they
// are, as rows of activations are those of a tile.
constexpr int kTileColumns = kTileBytes / 4;
constexpr int kPanelBytes = 2 * kTileBytes;
// Groups of k, 4 bytes each, in a tile.
constexpr int kTileGroups = kTileBytes / 4;

// What ldtilecfg reads.
struct TileConfiguration {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileConfiguration) == 64, "as the processor has it");

// The shapes of all tiles: `upper` and `lower` rows of activations, one below
// the other, `lower` being 0 where there is but one tile; and `groups` of k.
//
//   tmm6 tmm7       weights, groups x 64 bytes
//   tmm4: tmm0 tmm1 sums of the upper rows; tmm4 is upper x (4 * groups) bytes
//   tmm5: tmm2 tmm3 sums of the lower rows
struct Shape {
  int upper = 0;
  int lower = 0;
  int groups = 0;
};

void Configure(const Shape& shape) {
  TileConfiguration configuration = {};
  configuration.palette = 1;
  const auto set = [&](int tile, int rows, int bytes) {
    // A tile without rows has no bytes a row either: the processor insists.
    configuration.rows[tile] = static_cast<uint8_t>(rows);
    configuration.row_bytes[tile] = static_cast<uint16_t>(rows > 0 ? bytes : 0);
  };
  for (int column = 0; column < 2; ++column) {
    set(column, shape.upper, kTileBytes);
    set(2 + column, shape.lower, kTileBytes);
    set(6 + column, shape.groups, kTileBytes);
  }
  set(4, shape.upper, 4 * shape.groups);
  set(5, shape.lower, 4 * shape.groups);
  // g++ 12 believes that ldtilecfg reads 8 bytes alone.
  __asm__ volatile("" : : "r"(&configuration) : "memory");
  _tile_loadconfig(&configuration);
}

// The weights to come (Prefetch), so many lines at each step that the last step
// has the last of them.
struct Ahead {
  const char* next;
  int64_t lines;

  inline __attribute__((always_inline)) void Step() {
    // To the second level: the first has no room for another panel.
    for (int64_t i = 0; i < lines; ++i) __builtin_prefetch(next + 64 * i, 0, 2);
    next += 64 * lines;
  }
};

// Two tiles of columns by one tile of rows or, kLower, by two: four products
// that do not wait for one another, as many as it takes to hide their latency,
// from four loads.
template <bool kLower>
void MultiplyTiles(int64_t steps, int groups, const uint8_t* a,
                   int64_t a_stride, const int8_t* panel, int32_t* c,
                   int64_t c_stride, bool accumulate, Ahead* ahead) {
  const uint8_t* lower_a = kLower ? a + kTileRows * a_stride : nullptr;
  int32_t* const lower_c = kLower ? c + kTileRows * c_stride : nullptr;
  const int64_t c_bytes = c_stride * 4;
  if (accumulate) {
    _tile_loadd(0, c, c_bytes);
    _tile_loadd(1, c + kTileColumns, c_bytes);
    if constexpr (kLower) {
      _tile_loadd(2, lower_c, c_bytes);
      _tile_loadd(3, lower_c + kTileColumns, c_bytes);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (kLower) {
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  for (int64_t i = 0; i < steps; ++i) {
    _tile_loadd(6, panel, kPanelBytes);
    _tile_loadd(4, a, a_stride);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, panel + kTileBytes, kPanelBytes);
    _tile_dpbusd(1, 4, 7);
    if constexpr (kLower) {
      _tile_loadd(5, lower_a, a_stride);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
      lower_a += groups * 4;
    }
    ahead->Step();
    panel += groups * kPanelBytes;
    a += groups * 4;
  }
  _tile_stored(0, c, c_bytes);
  _tile_stored(1, c + kTileColumns, c_bytes);
  if constexpr (kLower) {
    _tile_stored(2, lower_c, c_bytes);
    _tile_stored(3, lower_c + kTileColumns, c_bytes);
  }
}

// All rows by `steps` steps of `groups` of k. Few rows at the end have tiles of
// their own shape, and so a configuration; `shape` is that of the last one.
void MultiplySteps(int64_t rows, int64_t steps, int groups, const uint8_t* a,
                   int64_t a_stride, const int8_t* panel, int32_t* c,
                   int64_t c_stride, bool accumulate, Shape* shape,
                   Ahead* ahead) {
  for (int64_t row = 0; row < rows; row += 2 * kTileRows) {
    const int left = static_cast<int>(
        rows - row < 2 * kTileRows ? rows - row : 2 * kTileRows);
    Shape wanted;
    wanted.upper = left < kTileRows ? left : kTileRows;
    wanted.lower = left - wanted.upper;
    wanted.groups = groups;
    if (wanted.upper != shape->upper || wanted.lower != shape->lower ||
        wanted.groups != shape->groups) {
      Configure(wanted);
      *shape = wanted;
    }
    const auto multiply =
        wanted.lower > 0 ? MultiplyTiles<true> : MultiplyTiles<false>;
    multiply(steps, groups, a + row * a_stride, a_stride, panel,
             c + row * c_stride, c_stride, accumulate, ahead);
  }
}

// How groups of k are cut into steps: `steps` of `groups` each and, where
// `rest` is not 0, one of that many.
struct Cut {
  int64_t steps = 0;
  int groups = 0;
  int rest = 0;
};

// A tile takes as long whatever its groups, so that the fewest steps are best;
// equal ones need no second configuration and no second way of the sums through
// memory. These cost more than one step more.
Cut CutGroups(int64_t groups) {
  const int64_t fewest = (groups + kTileGroups - 1) / kTileGroups;
  for (int64_t steps = fewest; steps <= fewest + 1; ++steps) {
    if (groups % steps == 0)
      return {steps, static_cast<int>(groups / steps), 0};
  }
  return {groups / kTileGroups, kTileGroups,
          static_cast<int>(groups % kTileGroups)};
}

// By tdpbusd: exact, four products of bytes summed in 32 bits.
void GemmOnTiles(int64_t rows, int64_t groups, const uint8_t* a,
                 int64_t a_stride, const int8_t* panel, int32_t* c,
                 int64_t c_stride, bool accumulate, const Prefetch& prefetch) {
  const Cut cut = CutGroups(groups);
  const int64_t row_pairs = (rows + 2 * kTileRows - 1) / (2 * kTileRows);
  const int64_t all_steps = row_pairs * (cut.steps + (cut.rest > 0 ? 1 : 0));
  const int64_t lines = (prefetch.bytes + 63) / 64;
  Ahead ahead = {static_cast<const char*>(prefetch.panel),
                 (lines + all_steps - 1) / all_steps};
  // None is known to be there: others of this process may use tiles, too.
  Shape shape;
  MultiplySteps(rows, cut.steps, cut.groups, a, a_stride, panel, c, c_stride,
                accumulate, &shape, &ahead);
  if (cut.rest > 0) {
    const int64_t done = cut.steps * cut.groups;
    MultiplySteps(rows, 1, cut.rest, a + done * 4, a_stride,
                  panel + done * kPanelBytes, c, c_stride,
                  /*accumulate=*/true, &shape, &ahead);
  }
  // The next call configures anyway. Until then the thread has no 8 KB of tiles
  // that the kernel would save when it switches, nor do they keep an idle core
  // from sleeping deeply. It takes about as long as one product.
  _tile_release();
}

// PeakLoop: sums that do not wait for one another.
void PeakRounds(int64_t rounds) {
  Configure({kTileRows, kTileRows, kTileGroups});
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  for (int64_t i = 0; i < rounds; ++i) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
}

KernelSet MakeKernels() {
  const KernelSet described = DescribeAvx512Amx();
  KernelSet set = *Avx512VnniKernels();
  set.name = described.name;
  set.core = described.core;
  set.gemm_u8 = described.gemm_u8;
  set.gemm_u8.run = GemmOnTiles;
  set.peak_int8 = {4.0 * kTileRows * kTileColumns * kTileBytes, PeakRounds};
  return set;
}

}  // namespace

const KernelSet* Avx512AmxKernels() {
  static const KernelSet set = MakeKernels();
  return &set;
}

}  // namespace native
}  // namespace yoloq

#else

const yoloq::native::KernelSet* yoloq::native::Avx512AmxKernels() {
  return nullptr;
}

#endif
