#include "hw/native/tiled_winograd.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/finisher.h"
#include "hw/native/winograd_panels.h"
#include "hw/native/winograd_weights.h"

namespace yoloq {
namespace native {
namespace {

constexpr int kSide = 6;
constexpr int kFrequencies = kSide * kSide;
constexpr int kOutputs = 4;
// Up to so many tiles, all are transformed at once, the remainders are computed
// by smaller tiles, and the threads share the output channels: each weight is
// read once.
constexpr int64_t kFewTiles = 64;
// Tiles of one row whose outputs are finished together.
constexpr int kTilesInRun = 8;
// Columns of the sums that output transforms take: those of one or more panels.
constexpr int kColumns = 16;
// Kernels read so far beyond what they use.
constexpr int64_t kSlackBytes = 64;

// A tile of outputs: its first pixel and its size.
struct Tile {
  int y = 0;
  int x = 0;
  int down = kOutputs;
  int across = kOutputs;
};

// Index into TileKernels.
int SizeIndex(int outputs) { return outputs == 4 ? 0 : outputs == 2 ? 1 : 2; }

// Whether a tile of that size has that frequency along an axis.
bool HasFrequency(int outputs, int frequency) {
  return outputs == 4 || frequency == 5 || frequency < outputs + 1;
}

// The size of the last tile along an axis of `length` outputs, 0 where whole
// tiles cover it.
int Remainder(int length) { return length % 4 == 3 ? 0 : length % 4; }

// All tiles in an order in which those that have a given frequency are
// neighbours: right edge, whole tiles, lower edge, corner.
class TileList {
 public:
  TileList(int height, int width) {
    const int64_t whole_tiles = CeilDivide(height, 4) * CeilDivide(width, 4);
    const bool few = whole_tiles <= kFewTiles;
    const int down = few ? Remainder(height) : 0;
    const int across = few ? Remainder(width) : 0;
    const int inner_height = height - down;
    const int inner_width = width - across;
    for (int y = 0; across > 0 && y < inner_height; y += 4) {
      tiles_.push_back({y, inner_width, 4, across});
    }
    right_ = tiles_.size();
    for (int y = 0; y < inner_height; y += 4) {
      for (int x = 0; x < inner_width; x += 4) tiles_.push_back({y, x, 4, 4});
    }
    lower_ = tiles_.size();
    for (int x = 0; down > 0 && x < inner_width; x += 4) {
      tiles_.push_back({inner_height, x, down, 4});
    }
    corner_ = tiles_.size();
    if (down > 0 && across > 0) {
      tiles_.push_back({inner_height, inner_width, down, across});
    }
    for (int f = 0; f < kFrequencies; ++f) {
      const bool in_right = across == 0 || HasFrequency(across, f % kSide);
      const bool in_lower = down == 0 || HasFrequency(down, f / kSide);
      begin_[f] = in_right ? 0 : right_;
      end_[f] = !in_lower ? lower_ : in_right ? size() : corner_;
    }
  }

  int64_t size() const { return tiles_.size(); }
  const Tile& operator[](int64_t i) const { return tiles_[i]; }

  // The tiles that have a frequency.
  int64_t begin(int frequency) const { return begin_[frequency]; }
  int64_t end(int frequency) const { return end_[frequency]; }

  int64_t products() const {
    int64_t sum = 0;
    for (int f = 0; f < kFrequencies; ++f) sum += end(f) - begin(f);
    return sum;
  }

  // The same with each block's rounded up to a multiple of `rows`.
  int64_t products(int64_t blocks, int rows) const {
    int64_t sum = 0;
    for (int f = 0; f < kFrequencies; ++f) {
      sum += blocks * RoundUp(CeilDivide(end(f) - begin(f), blocks), rows);
    }
    return sum;
  }

 private:
  std::vector<Tile> tiles_;
  int64_t right_ = 0;
  int64_t lower_ = 0;
  int64_t corner_ = 0;
  int64_t begin_[kFrequencies];
  int64_t end_[kFrequencies];
};

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
  static constexpr double kFinishInstructions = 2.0;
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

// Parts in which the tiles are computed.
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
  return CeilDivide(tiles, fitting);
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
        input_(task.input),
        output_(task.output),
        padding_(task.op.padding()),
        input_stride_(task.input_stride),
        zero_point_(std::is_same_v<In, uint8_t>
                        ? task.input_quantization.zero_point()
                        : 0),
        tiles_(task.output.height(), task.output.width()),
        depth_(RoundUp(channels_, gemm_.depth)),
        outside_(channels_, static_cast<In>(zero_point_)) {
    few_tiles_ = tiles_.size() <= kFewTiles;
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
    if (few_tiles_) {
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
  int64_t u_bytes() const { return round_panels() * weights_.scratch_bytes(); }
  int64_t shared_bytes() const { return few_tiles_ ? all_v_bytes() : 0; }
  int64_t place_bytes() const {
    return RoundUp(m_bytes() + outputs_bytes(), 64) + u_bytes() +
           (few_tiles_ ? 0 : all_v_bytes());
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
    return {std::max(block.begin, tiles_.begin(f)),
            std::min(block.end, tiles_.end(f))};
  }

  void TransformTile(const In* input, const Tile& tile, V* v) const {
    const In* pixels[kFrequencies];
    const int across = tile.across + 2;
    for (int i = 0; i < tile.down + 2; ++i) {
      const int y = tile.y - padding_ + i;
      const bool row_inside = y >= 0 && y < input_.height();
      for (int j = 0; j < across; ++j) {
        const int x = tile.x - padding_ + j;
        pixels[i * across + j] =
            row_inside && x >= 0 && x < input_.width()
                ? input + (int64_t{y} * input_.width() + x) * input_stride_
                : outside_.data();
      }
    }
    Kind::Input(kernels_, SizeIndex(tile.down), SizeIndex(tile.across))(
        pixels, channels_, zero_point_, v, /*frequency_stride=*/0);
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
              first_panel + i, f / kSide,
              u + i * weights_.scratch_bytes() / int64_t{sizeof(V)});
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
      const Tile& tile = tiles_[t];
      const int64_t count = RunOfTiles(t, block.end);
      const int64_t tile_columns = int64_t{tile.across} * kColumns;
      const int64_t row_stride = count * tile_columns;
      for (int64_t i = 0; i < count; ++i, ++t) {
        Kind::Output(kernels_, SizeIndex(tile.down), SizeIndex(tile.across),
                     m + (t - block.begin) * kFrequencies * kColumns,
                     *finisher_, channel, outputs + i * tile_columns,
                     row_stride);
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

  // How many tiles from t on are neighbours in one row and of one size.
  int64_t RunOfTiles(int64_t t, int64_t end) const {
    const Tile& first = tiles_[t];
    int64_t count = 1;
    while (count < kTilesInRun && t + count < end &&
           tiles_[t + count].y == first.y &&
           tiles_[t + count].across == first.across &&
           tiles_[t + count].down == first.down) {
      ++count;
    }
    return count;
  }

  void RunByTiles(const ConvolutionBuffers& buffers) {
    const In* const input = static_cast<const In*>(buffers.input);
    workers_.Loop(blocks_, [&](int64_t i, int place) {
      const Range block = {PartBegin(tiles_.size(), blocks_, i),
                           PartBegin(tiles_.size(), blocks_, i + 1)};
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
  const Shape input_;
  const Shape output_;
  const int padding_;
  const int64_t input_stride_;
  const int zero_point_;
  const TileList tiles_;
  const int64_t depth_;            // transformed channels, whole groups
  const std::vector<In> outside_;  // a pixel of padding
  bool few_tiles_ = false;
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
  const TileList tiles(task.output.height(), task.output.width());
  const int64_t depth = RoundUp(task.input.channels(), gemm.depth);
  const int64_t columns = RoundUp(task.op.out_channels(), gemm.columns);
  const int64_t value_bytes = sizeof(typename Kind::V);
  const double products = tiles.products();
  const double outputs = static_cast<double>(OutputPixels(task)) * columns;
  Cost cost;
  cost.multiplies = products * depth * columns;
  const int64_t blocks = Blocks<Kind>(tiles.size(), depth, context);
  const double missing = tiles.products(blocks, gemm.rows) - products;
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
  if (tiles.size() <= kFewTiles) {
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
