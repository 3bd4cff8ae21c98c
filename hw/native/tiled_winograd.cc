#include "hw/native/tiled_winograd.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "absl/types/span.h"
#include "hw/native/finisher.h"
#include "hw/native/tile_pixels.h"
#include "hw/native/winograd_panels.h"
#include "hw/native/winograd_tiles.h"
#include "hw/native/winograd_weights.h"

namespace yoloq {
namespace native {
namespace {

constexpr int kSide = 6;
constexpr int kFrequencies = kSide * kSide;
constexpr int kOutputs = 4;
// Tiles of one row whose outputs are finished together.
constexpr int kTilesInRun = 8;
// Columns of the sums that output transforms take: those of one or more panels.
constexpr int kColumns = 16;
// Kernels read so far beyond what they use.
constexpr int64_t kSlackBytes = 64;

WinogradTiles AllTiles(const ConvolutionTask& task) {
  return WinogradTiles(task.output.height(), task.output.width(), kOutputs,
                       /*remainders=*/true);
}

// Of all frequencies, tiles in `blocks` blocks, rounded up to a multiple of
// `rows` in each.
int64_t Products(const WinogradTiles& tiles, int64_t blocks, int rows) {
  int64_t sum = 0;
  for (int f = 0; f < kFrequencies; ++f) {
    const int64_t count =
        tiles.end(f / kSide, f % kSide) - tiles.begin(f / kSide, f % kSide);
    sum += blocks * RoundUp(CeilDivide(count, blocks), rows);
  }
  return sum;
}

// The kernels and numbers of one precision. Instructions a value, by a fit to
// counts: of the input's transform and interleaving, of the sums and the
// output's transform, of the epilogue, and of a residual. kMissingRow: what a
// row that a product's tile has room for takes of the products of one that is
// there.
struct Int8Kind {
  using In = uint8_t;
  using Weight = int8_t;
  using V = int16_t;
  using C = int32_t;
  using Finisher = ByteFinisher;
  static const auto& gemm(const KernelSet& set) { return set.tiles.gemm_s16; }
  static constexpr double kMissingRow = 0;
  static constexpr double kInputInstructions = 1.1;
  // A weight that is transformed in the run, by a count.
  static constexpr double kWeightInstructions = 40;
  static constexpr double kOutputInstructions = 3.1;
  static constexpr double kFinishInstructions = 2.2;
  static constexpr double kAddInstructions = 2.3;
  static auto Input(const TileKernels& tiles, int down, int across) {
    return tiles.input_s16[down][across];
  }
  // The outputs of one tile, of the channels of a panel that begins at
  // `channel`.
  static void Output(const TileKernels& tiles, int down, int across, const C* m,
                     const Finisher& finisher, int channel, C* y,
                     int64_t row_stride) {
    tiles.output_s32[down][across](m, finisher.bias() + channel, y, row_stride);
  }
};
struct RealKind {
  using In = float;
  using Weight = float;
  using V = float;
  using C = float;
  using Finisher = RealFinisher;
  static const auto& gemm(const KernelSet& set) { return set.tiles.gemm_f32; }
  static constexpr double kMissingRow = 18.0 / 146;
  static constexpr double kInputInstructions = 2.3;
  static constexpr double kWeightInstructions = 70.6;
  static constexpr double kOutputInstructions = 4.7;
  static constexpr double kFinishInstructions = 1.6;
  static constexpr double kAddInstructions = 1.0;
  static auto Input(const TileKernels& tiles, int down, int across) {
    return tiles.input_f32[down][across];
  }
  static void Output(const TileKernels& tiles, int down, int across, const C* m,
                     const Finisher&, int /*channel*/, C* y,
                     int64_t row_stride) {
    tiles.output_f32[down][across](m, y, row_stride);
  }
};

// Parts in which the tiles are computed, the same number for each thread.
template <typename Kind>
int64_t Blocks(int64_t tiles, int64_t depth, const PlanContext& context) {
  if (tiles <= kFewTiles) return 1;
  const auto& gemm = Kind::gemm(*context.kernels);
  const int64_t tile_bytes =
      kFrequencies * (2 * depth * int64_t{sizeof(typename Kind::V)} +
                      kColumns * int64_t{sizeof(typename Kind::C)});
  // About five eighths of the cache, in whole tiles of the product.
  const int64_t fitting =
      std::clamp<int64_t>(
          (context.cache_bytes * 5 / 8 / tile_bytes + gemm.rows / 2) /
              gemm.rows,
          1, 4) *
      gemm.rows;
  return EvenBlocks(CeilDivide(tiles, fitting), context);
}

template <typename Kind>
class TiledWinograd : public Convolution {
 public:
  using In = typename Kind::In;
  using Weight = typename Kind::Weight;
  using V = typename Kind::V;
  using C = typename Kind::C;
  using Finisher = typename Kind::Finisher;

  TiledWinograd(const ConvolutionTask& task, const PlanContext& context,
                WinogradPanels<Weight, V> weights,
                std::unique_ptr<Finisher> finisher, std::string description)
      : workers_(*context.workers),
        gemm_(Kind::gemm(*context.kernels)),
        weights_(std::move(weights)),
        kernels_(context.kernels->tiles),
        finisher_(std::move(finisher)),
        description_(std::move(description)),
        channels_(task.input.channels()),
        out_channels_(task.op.out_channels()),
        output_(task.output),
        pixels_(task),
        tiles_(AllTiles(task)),
        depth_(RoundUp(channels_, gemm_.depth)) {
    blocks_ = Blocks<Kind>(tiles_.size(), depth_, context);
    block_tiles_ = CeilDivide(tiles_.size(), blocks_);
    // One more for the row that interleaving adds to an odd number in each
    // part.
    v_stride_ = (block_tiles_ + CeilDivide(block_tiles_, gemm_.rows)) * depth_;
  }

  int64_t packed_bytes() const override { return weights_.bytes(); }
  std::string description() const override { return description_; }

  int64_t scratch_bytes() const override {
    return shared_bytes() + workers_.places() * place_bytes();
  }

  absl::Status Run(const ConvolutionBuffers& buffers) override {
    if (tiles_.few()) {
      RunByChannels(buffers);
    } else {
      RunByTiles(buffers);
    }
    return absl::OkStatus();
  }

 private:
  // Consecutive tiles.
  struct Range {
    int64_t begin = 0;
    int64_t end = 0;
    int64_t size() const { return end - begin; }
  };

  int64_t v_bytes() const {
    return RoundUp(kFrequencies * v_stride_ * int64_t{sizeof(V)} + kSlackBytes,
                   64);
  }
  // Tiles as the transform writes them, and interleaved.
  int64_t all_v_bytes() const { return 2 * v_bytes(); }
  int64_t m_bytes() const {
    return block_tiles_ * kFrequencies * kColumns * sizeof(C);
  }
  int64_t outputs_bytes() const {
    return kTilesInRun * kOutputs * kOutputs * kColumns * sizeof(C);
  }
  // Of the weights of all panels of a round.
  int64_t panel_u_bytes() const {
    return weights_.scratch_bytes(weights_.shape().groups);
  }
  int64_t u_bytes() const { return round_panels() * panel_u_bytes(); }
  int64_t shared_bytes() const { return tiles_.few() ? all_v_bytes() : 0; }
  int64_t place_bytes() const {
    return RoundUp(m_bytes() + outputs_bytes(), 64) + u_bytes() +
           (tiles_.few() ? 0 : all_v_bytes());
  }
  char* place_memory(const ConvolutionBuffers& buffers, int place) const {
    return static_cast<char*>(buffers.scratch) + shared_bytes() +
           place * place_bytes();
  }

  // A round computes kColumns channels: the sums that finishing takes.
  int round_panels() const { return kColumns / gemm_.columns; }
  int64_t rounds() const { return CeilDivide(out_channels_, kColumns); }

  // What one round takes.
  struct RoundMemory {
    V* u = nullptr;        // weights that are transformed in the run
    C* m = nullptr;        // products
    C* outputs = nullptr;  // of a run of tiles
  };
  RoundMemory MemoryOfRound(char* memory) const {
    char* const m = memory + u_bytes();
    return {reinterpret_cast<V*>(memory), reinterpret_cast<C*>(m),
            reinterpret_cast<C*>(m + m_bytes())};
  }

  // Where the i-th tile of a block is transformed to.
  V* TileV(V* v, int64_t i) const { return v + i * depth_ * kFrequencies; }

  V* interleaved(V* v) const { return v + v_bytes() / int64_t{sizeof(V)}; }

  // The tiles of a block that have frequency f.
  Range TilesOf(int f, const Range& block) const {
    return {std::max(block.begin, tiles_.begin(f / kSide, f % kSide)),
            std::min(block.end, tiles_.end(f / kSide, f % kSide))};
  }

  void TransformTile(const In* input, const WinogradTile& tile, V* v) const {
    const In* pixels[TilePixels<In>::kMost];
    pixels_.Find(input, tile, pixels);
    Kind::Input(kernels_, TileSizeIndex(tile.down), TileSizeIndex(tile.across))(
        pixels, channels_, pixels_.zero_point(), v, /*frequency_stride=*/0);
  }

  // One frequency of a block's tiles to the layout that products want.
  void Interleave(V* v, int f, const Range& block) const {
    const Range range = TilesOf(f, block);
    gemm_.interleave(range.size(), depth_,
                     v + (range.begin - block.begin) * kFrequencies * depth_ +
                         f * gemm_.depth,
                     kFrequencies * depth_, interleaved(v) + f * v_stride_);
  }

  // Products of a round's panels with a block's transformed tiles. Columns that
  // have no panel are left as they are. Weights that are transformed in the run
  // come to `u`.
  void Multiply(V* v, const Range& block, int64_t round, V* u, C* m) const {
    const int first_panel = static_cast<int>(round) * round_panels();
    const int panels =
        std::min(round_panels(), weights_.shape().panels() - first_panel);
    FrequencyRow<V> weights[kColumns];
    for (int f = 0; f < kFrequencies; ++f) {
      const Range range = TilesOf(f, block);
      const int64_t first = range.begin - block.begin;
      for (int i = 0; i < panels; ++i) {
        if (f % kSide == 0) {
          weights[i] = weights_.Row(
              first_panel + i, f / kSide, /*first=*/0, weights_.shape().groups,
              u + i * panel_u_bytes() / int64_t{sizeof(V)});
        }
        gemm_.run(range.size(), depth_ / gemm_.depth,
                  interleaved(v) + f * v_stride_,
                  weights[i].values + f % kSide * weights[i].stride,
                  m + (first * kFrequencies + f) * kColumns + i * gemm_.columns,
                  kFrequencies * kColumns);
      }
    }
  }

  // Outputs of a block's tiles, of one round's channels.
  void Finish(const C* m, const Range& block, int64_t round, C* outputs,
              const ConvolutionBuffers& buffers) const {
    const int channel = static_cast<int>(round) * kColumns;
    const int columns = std::min(kColumns, out_channels_ - channel);
    for (int64_t t = block.begin; t < block.end;) {
      const WinogradTile& tile = tiles_[t];
      const int64_t count =
          tiles_.SideBySide(t, std::min<int64_t>(kTilesInRun, block.end - t));
      const int64_t tile_columns = int64_t{tile.across} * kColumns;
      const int64_t row_stride = count * tile_columns;
      for (int64_t i = 0; i < count; ++i, ++t) {
        Kind::Output(
            kernels_, TileSizeIndex(tile.down), TileSizeIndex(tile.across),
            m + (t - block.begin) * kFrequencies * kColumns, *finisher_,
            channel, outputs + i * tile_columns, row_stride);
      }
      const int height = std::min(tile.down, output_.height() - tile.y);
      const int width = static_cast<int>(
          std::min<int64_t>(count * tile.across, output_.width() - tile.x));
      for (int i = 0; i < height; ++i) {
        finisher_->Finish(outputs + i * row_stride, kColumns,
                          int64_t{tile.y + i} * output_.width() + tile.x, width,
                          channel, columns, buffers);
      }
    }
  }

  void Compute(V* v, const Range& block, int64_t round,
               const RoundMemory& memory,
               const ConvolutionBuffers& buffers) const {
    Multiply(v, block, round, memory.u, memory.m);
    Finish(memory.m, block, round, memory.outputs, buffers);
  }

  void RunByTiles(const ConvolutionBuffers& buffers) {
    const In* const input = static_cast<const In*>(buffers.input);
    const Parts blocks(tiles_.size(), blocks_);
    workers_.Loop(blocks_, [&](int64_t i, int place) {
      const Range block = {blocks.begin(i), blocks.end(i)};
      char* const memory = place_memory(buffers, place);
      V* const v = reinterpret_cast<V*>(memory);
      const RoundMemory m = MemoryOfRound(memory + all_v_bytes());
      for (int64_t t = block.begin; t < block.end; ++t) {
        TransformTile(input, tiles_[t], TileV(v, t - block.begin));
      }
      for (int f = 0; f < kFrequencies; ++f) Interleave(v, f, block);
      for (int64_t round = 0; round < rounds(); ++round) {
        Compute(v, block, round, m, buffers);
      }
    });
  }

  void RunByChannels(const ConvolutionBuffers& buffers) {
    const In* const input = static_cast<const In*>(buffers.input);
    V* const v = static_cast<V*>(buffers.scratch);
    const Range all = {0, tiles_.size()};
    workers_.pool().Loop(tiles_.size(), [&](int64_t t) {
      TransformTile(input, tiles_[t], TileV(v, t));
    });
    workers_.pool().Loop(kFrequencies, [&](int64_t f) {
      Interleave(v, static_cast<int>(f), all);
    });
    workers_.Loop(rounds(), [&](int64_t round, int place) {
      Compute(v, all, round, MemoryOfRound(place_memory(buffers, place)),
              buffers);
    });
  }

  Workers& workers_;
  const std::decay_t<decltype(Kind::gemm(std::declval<KernelSet>()))> gemm_;
  const WinogradPanels<Weight, V> weights_;
  const TileKernels kernels_;
  const std::unique_ptr<Finisher> finisher_;
  const std::string description_;
  const int channels_;
  const int out_channels_;
  const Shape output_;
  const TilePixels<In> pixels_;
  const WinogradTiles tiles_;
  const int64_t depth_;  // transformed channels, whole groups
  int64_t blocks_ = 0;
  int64_t block_tiles_ = 0;  // the most of a block
  int64_t v_stride_ = 0;     // from one frequency to the next
};

template <typename Kind>
PanelShape ShapeOf(const ConvolutionTask& task, const PlanContext& context) {
  return {task.input.channels(), task.op.out_channels(),
          Kind::gemm(*context.kernels).columns, /*depth=*/1,
          RoundUp(task.input.channels(), Kind::gemm(*context.kernels).depth)};
}

template <typename Kind>
Cost CostOf(const ConvolutionTask& task, const WinogradForm& form,
            const PlanContext& context) {
  const auto& gemm = Kind::gemm(*context.kernels);
  const WinogradTiles tiles = AllTiles(task);
  const int64_t depth = RoundUp(task.input.channels(), gemm.depth);
  const int64_t columns = RoundUp(task.op.out_channels(), gemm.columns);
  const int64_t value_bytes = sizeof(typename Kind::V);
  const double products = Products(tiles, /*blocks=*/1, /*rows=*/1);
  const double outputs = static_cast<double>(OutputPixels(task)) * columns;
  Cost cost;
  cost.multiplies = products * depth * columns;
  const int64_t blocks = Blocks<Kind>(tiles.size(), depth, context);
  const double missing = Products(tiles, blocks, gemm.rows) - products;
  cost.multiply_cycles =
      (products + Kind::kMissingRow * missing) * depth * columns / gemm.rate;
  cost.transform_cycles =
      products * (Kind::kInputInstructions * depth +
                  Kind::kOutputInstructions * columns) +
      outputs * (Kind::kFinishInstructions +
                 (task.add.has_value() ? Kind::kAddInstructions : 0));
  if (task.input.channels() % gemm.depth != 0) {
    // The last vector of channels is filled value by value.
    cost.transform_cycles +=
        products * gemm.depth * context.kernels->core.part_operations;
  }
  if (form.weights_in_run) {
    cost.transform_cycles +=
        Kind::kWeightInstructions * blocks * depth * columns;
    cost.packed_bytes =
        9 * depth * columns * int64_t{sizeof(typename Kind::Weight)};
  } else {
    cost.packed_bytes = kFrequencies * depth * columns * value_bytes;
  }
  cost.traffic = TensorTraffic(task);
  const double packed_bytes = static_cast<double>(cost.packed_bytes);
  cost.traffic.weights =
      packed_bytes * PassesFromMemory(packed_bytes, blocks, context);
  if (tiles.few()) {
    cost.traffic.scratch = ScratchTraffic(
        products * depth * value_bytes, CeilDivide(columns, kColumns), context);
  }
  return cost;
}

}  // namespace

bool HasTiledWinograd(const KernelSet& kernels) {
  return kernels.tiles.gemm_s16.rows > 0 && kernels.tiles.gemm_f32.rows > 0;
}

Cost TiledWinogradCost(const ConvolutionTask& task, const WinogradForm& form,
                       const PlanContext& context) {
  return task.precision == FP32 ? CostOf<RealKind>(task, form, context)
                                : CostOf<Int8Kind>(task, form, context);
}

std::unique_ptr<Convolution> NewTiledWinograd(const ConvolutionTask& task,
                                              const WinogradForm& form,
                                              const PlanContext& context,
                                              std::string description) {
  const KernelSet& kernels = *context.kernels;
  if (task.precision == FP32) {
    return std::make_unique<TiledWinograd<RealKind>>(
        task, context,
        WinogradPanels<float, float>(ShapeOf<RealKind>(task, context), kSide,
                                     kIntegerG4, task.float_weights,
                                     InRun(form, kernels.weights_4_f32)),
        std::make_unique<RealFinisher>(task, kernels), std::move(description));
  }
  return std::make_unique<TiledWinograd<Int8Kind>>(
      task, context,
      WinogradPanels<int8_t, int16_t>(ShapeOf<Int8Kind>(task, context), kSide,
                                      kIntegerG4, task.int8_weights,
                                      InRun(form, kernels.weights_4_s16)),
      std::make_unique<ByteFinisher>(task, task.int32_bias, kernels,
                                     ByteFinisher::BiasedSums{6}),
      std::move(description));
}

}  // namespace native
}  // namespace yoloq
