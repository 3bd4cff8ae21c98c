#include "hw/native/winograd.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/finisher.h"
#include "hw/native/tile_pixels.h"
#include "hw/native/winograd_panels.h"
#include "hw/native/winograd_tiles.h"
#include "hw/native/winograd_weights.h"

namespace yoloq {
namespace native {
namespace {

// Tiles of one row of tiles whose outputs are finished together.
constexpr int kTilesInRun = 4;
// Of a line of a tile, at stride 2.
constexpr int kMostValues = 9;
// FP32 sums so long that what the transforms round stays within the bound of
// README.md. Shorter ones gain nothing by Winograd either.
constexpr int kManyChannels = 16;
// What transforming one vector of kernels takes: measured on Zen 3 with AVX2.
constexpr double kKernelsCycles = 200;

// Bytes of weights that are transformed at once in the run, for the
// second-level cache. Slices for the first one, of 24 KB, take 3 to 9 % longer
// with AVX2: their products of few k carry sums through memory.
constexpr int64_t kSliceBytes = 96 * 1024;

WinogradTiles AllTiles(const ConvolutionTask& task, const WinogradForm& form) {
  return WinogradTiles(task.output.height(), task.output.width(), form.outputs,
                       /*remainders=*/form.is_f4_3());
}

// The transforms of a form: of F(4,3) by the size of tiles, else one.
template <typename In, typename V, typename C>
struct Transforms {
  bool by_size = false;
  const InputTransform<In, V>* input = nullptr;
  const OutputTransform<C>* output = nullptr;

  int Index(int size) const { return by_size ? TileSizeIndex(size) : 0; }
  InputTransform<In, V> Input(const WinogradTile& tile) const {
    return input[3 * Index(tile.down) + Index(tile.across)];
  }
  const OutputTransform<C>& Output(int size) const {
    return output[Index(size)];
  }
};

// The frequency of value j of a line of F(4,3) with so many outputs.
int FrequencyOf(int outputs, int j) { return j == outputs + 1 ? 5 : j; }

template <typename In, typename Weight, typename V, typename C,
          typename Finisher>
class Winograd : public Convolution {
 public:
  using GemmType = Gemm<V, V, C>;

  Winograd(const ConvolutionTask& task, const WinogradForm& form,
           const PlanContext& context, const GemmType& gemm,
           WinogradPanels<Weight, V> weights,
           const Transforms<In, V, C>& transforms,
           std::unique_ptr<Finisher> finisher, std::string description)
      : workers_(*context.workers),
        gemm_(gemm),
        weights_(std::move(weights)),
        transforms_(transforms),
        finisher_(std::move(finisher)),
        description_(std::move(description)),
        form_(form),
        planes_(form.pixels() * form.pixels()),
        channels_(task.input.channels()),
        out_channels_(task.op.out_channels()),
        output_(task.output),
        pixels_(task),
        tiles_(AllTiles(task, form)),
        depth_(RoundUp(channels_, context.kernels->lanes)) {
    const int64_t alias = 4096 / sizeof(V);
    tile_stride_ =
        depth_ % alias == 0 ? depth_ + int64_t{64} / sizeof(V) : depth_;
    PlanBlocks(context);
    const int64_t groups = weights_.shape().groups;
    slice_groups_ = groups;
    if (weights_.in_run()) {
      const int64_t group_bytes = form.frequencies() *
                                  weights_.shape().group_values() *
                                  int64_t{sizeof(V)};
      slice_groups_ =
          CeilDivide(groups, CeilDivide(groups * group_bytes, kSliceBytes));
    }
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
  void PlanBlocks(const PlanContext& context) {
    if (tiles_.few()) {
      blocks_ = 1;
    } else {
      const int64_t tile_bytes =
          planes_ * tile_stride_ * int64_t{sizeof(V)} +
          (m_planes() + n_planes()) * gemm_.columns * int64_t{sizeof(C)};
      const int64_t fitting = std::max<int64_t>(
          gemm_.rows, context.cache_bytes * 5 / 8 / tile_bytes);
      // Whole tiles of the Gemm where that costs little balance. Weights that
      // stay in the cache can be read more often, for fewer products at once.
      const int most = weights_.bytes() <= context.cache_bytes / 3 ? 2 : 4;
      const int64_t wanted = std::min<int64_t>(
          fitting / gemm_.rows * gemm_.rows, most * gemm_.rows);
      blocks_ = EvenBlocks(CeilDivide(tiles_.size(), wanted), context);
    }
    block_tiles_ = CeilDivide(tiles_.size(), blocks_);
    v_stride_ = OddLines(block_tiles_ * tile_stride_, sizeof(V));
    m_stride_ = OddLines(block_tiles_ * gemm_.columns, sizeof(C));
  }

  int64_t v_bytes() const { return planes_ * v_stride_ * sizeof(V); }
  // Of the row of frequencies that has most.
  int64_t m_planes() const {
    return form_.PlanesInRow(form_.frequencies() - 1);
  }
  int64_t n_planes() const { return form_.pixels() * form_.outputs; }
  int64_t m_bytes() const { return m_planes() * m_stride_ * sizeof(C); }
  int64_t n_bytes() const { return n_planes() * m_stride_ * sizeof(C); }
  int64_t run_values() const {
    return int64_t{kTilesInRun} * form_.outputs * form_.outputs * gemm_.columns;
  }
  int64_t u_bytes() const { return weights_.scratch_bytes(slice_groups_); }
  int64_t shared_bytes() const { return tiles_.few() ? v_bytes() : 0; }
  int64_t place_bytes() const {
    return m_bytes() + n_bytes() + u_bytes() +
           RoundUp(run_values() * sizeof(C), 64) +
           (tiles_.few() ? 0 : v_bytes());
  }
  char* place_memory(const ConvolutionBuffers& buffers, int place) const {
    return static_cast<char*>(buffers.scratch) + shared_bytes() +
           place * place_bytes();
  }

  // A tile of the picture to v, its first plane's place.
  void TransformTile(const In* input, const WinogradTile& tile, V* v) const {
    const In* pixels[TilePixels<In>::kMost];
    pixels_.Find(input, tile, pixels);
    transforms_.Input(tile)(pixels, channels_, pixels_.zero_point(), v,
                            v_stride_);
  }

  // Memory of one round.
  struct Memory {
    C* m = nullptr;    // a panel's products, [plane in a row][tile][column]
    C* n = nullptr;    // rows of outputs of these, [line][output][tile][column]
    V* u = nullptr;    // transformed weights, where they are made in the run
    C* run = nullptr;  // outputs of a run of tiles
    V* v = nullptr;    // transformed tiles, [plane][tile][channel]
  };
  Memory MemoryOf(const ConvolutionBuffers& buffers, int place) const {
    char* const memory = place_memory(buffers, place);
    char* const n = memory + m_bytes();
    char* const u = n + n_bytes();
    char* const run = u + u_bytes();
    void* const v = tiles_.few() ? buffers.scratch
                                 : run + RoundUp(run_values() * sizeof(C), 64);
    return {reinterpret_cast<C*>(memory), reinterpret_cast<C*>(n),
            reinterpret_cast<V*>(u), reinterpret_cast<C*>(run),
            static_cast<V*>(v)};
  }

  // Tiles [begin, end).
  struct Range {
    int64_t begin = 0;
    int64_t end = 0;
  };

  // Groups of k [begin, end) of one panel's weights.
  struct Slice {
    FrequencyRow<V> weights;
    int64_t begin = 0;
    int64_t end = 0;
  };

  // Products of one panel with the transformed tiles of a block, and the first
  // step of their output transform, a row of frequencies at a time: the
  // products of one are few enough for the first-level cache.
  void Multiply(const Memory& memory, const Range& block, int panel) const {
    const int64_t groups = weights_.shape().groups;
    int plane = 0;
    for (int row = 0; row < form_.frequencies(); ++row) {
      for (int64_t k = 0; k < groups; k += slice_groups_) {
        Slice slice;
        slice.begin = k;
        slice.end = std::min(groups, k + slice_groups_);
        slice.weights =
            weights_.Row(panel, row, k, slice.end - slice.begin, memory.u);
        MultiplyRow(memory, block, row, plane, slice);
      }
      TransformRow(memory, block, row);
      plane += form_.PlanesInRow(row);
    }
  }

  // A row of frequencies, whose planes begin at `first_plane`.
  void MultiplyRow(const Memory& memory, const Range& block, int row,
                   int first_plane, const Slice& slice) const {
    const int64_t groups = slice.end - slice.begin;
    const V* v = memory.v + first_plane * v_stride_ + slice.begin * gemm_.depth;
    C* m = memory.m;
    const V* weights = slice.weights.values;
    for (int x = 0; x < form_.frequencies(); ++x) {
      const Range tiles = TilesOf(block, row, x);
      const int planes = form_.PlanesAlong(row) * form_.PlanesAlong(x);
      Prefetch next;
      next.panel = weights + slice.weights.stride;
      next.bytes = slice.weights.stride * int64_t{sizeof(V)};
      for (int i = 0; i < planes; ++i, v += v_stride_, m += m_stride_) {
        if (tiles.end <= tiles.begin) continue;
        gemm_.run(tiles.end - tiles.begin, groups,
                  v + tiles.begin * tile_stride_, tile_stride_, weights,
                  m + tiles.begin * gemm_.columns, gemm_.columns,
                  /*accumulate=*/slice.begin > 0, next);
      }
      weights += slice.weights.stride;
    }
  }

  // Those of a block that have a frequency, from its begin.
  Range TilesOf(const Range& block, int row, int column) const {
    return {std::max(tiles_.begin(row, column), block.begin) - block.begin,
            std::min(tiles_.end(row, column), block.end) - block.begin};
  }

  // The first step of the output transform of a row of frequencies.
  void TransformRow(const Memory& memory, const Range& block, int row) const {
    // All sizes of tiles have column 0.
    const Range tiles = TilesOf(block, row, 0);
    for (int64_t t = tiles.begin; t < tiles.end;) {
      const int across = tiles_[block.begin + t].across;
      const int64_t end =
          std::min(tiles.end, tiles_.EndOfWidth(block.begin + t) - block.begin);
      const int values = (across - 1) * form_.stride + 3;
      const C* from[kMostValues];
      for (int line = 0; line < form_.PlanesAlong(row); ++line) {
        for (int j = 0; j < values; ++j) {
          const int value = transforms_.by_size ? FrequencyOf(across, j) : j;
          from[j] = memory.m + form_.PlaneInRow(row, line, value) * m_stride_ +
                    t * gemm_.columns;
        }
        transforms_.Output(across).across(
            from, (end - t) * gemm_.columns,
            memory.n + (row + line) * form_.outputs * m_stride_ +
                t * gemm_.columns,
            m_stride_);
      }
      t = end;
    }
  }

  // What the output transform adds.
  const C* BiasOfSums(int channel) const {
    if constexpr (std::is_same_v<C, int32_t>) {
      return finisher_->bias() + channel;
    } else {
      return nullptr;
    }
  }

  // Outputs of a block's tiles, of one panel's channels.
  void Finish(const Memory& memory, const Range& block, int panel,
              const ConvolutionBuffers& buffers) const {
    for (int64_t t = block.begin; t < block.end;) {
      const int64_t side_by_side = tiles_.SideBySide(t, block.end - t);
      const C* const n = memory.n + (t - block.begin) * gemm_.columns;
      int64_t count = FinishAtOnce(n, t, side_by_side, panel, buffers);
      if (count == 0) {
        count = std::min<int64_t>(side_by_side, kTilesInRun);
        FinishInSteps(n, t, count, panel, memory.run, buffers);
      }
      t += count;
    }
  }

  // Tiles from t on, at most `most` that lie side by side, without a step
  // between; returns how many, 0 where there is no kernel for them.
  int64_t FinishAtOnce(const C* n, int64_t t, int64_t most, int panel,
                       const ConvolutionBuffers& buffers) const {
    if constexpr (std::is_same_v<C, int32_t>) {
      const WinogradTile& tile = tiles_[t];
      const int channel = panel * gemm_.columns;
      const int64_t whole = (output_.width() - tile.x) / tile.across;
      const int64_t count = std::min(most, whole);
      if (!transforms_.by_size || count == 0 ||
          tile.y + tile.down > output_.height() ||
          channel + gemm_.columns > out_channels_) {
        return 0;
      }
      TileLines lines;
      lines.from = n;
      lines.value_stride = form_.outputs * m_stride_;
      lines.output_stride = m_stride_;
      lines.tiles = static_cast<int>(count);
      lines.across = tile.across;
      const bool done = finisher_->FinishTiles(
          lines, tile.down, int64_t{tile.y} * output_.width() + tile.x, channel,
          output_.width(), buffers);
      return done ? count : 0;
    } else {
      return 0;
    }
  }

  // `count` tiles from t on, at most kTilesInRun.
  void FinishInSteps(const C* n, int64_t t, int64_t count, int panel, C* run,
                     const ConvolutionBuffers& buffers) const {
    const WinogradTile& tile = tiles_[t];
    const auto down = transforms_.Output(tile.down).down;
    const int channel = panel * gemm_.columns;
    const int columns = std::min(gemm_.columns, out_channels_ - channel);
    const C* const bias = BiasOfSums(channel);
    const int64_t tile_columns = int64_t{tile.across} * gemm_.columns;
    const int64_t row_stride = count * tile_columns;
    for (int64_t i = 0; i < count; ++i, n += gemm_.columns) {
      down(n, form_.outputs * m_stride_, m_stride_, tile.across, bias,
           gemm_.columns, run + i * tile_columns, row_stride);
    }
    const int width = static_cast<int>(
        std::min<int64_t>(count * tile.across, output_.width() - tile.x));
    const int height = std::min(tile.down, output_.height() - tile.y);
    for (int i = 0; i < height; ++i) {
      finisher_->Finish(run + i * row_stride, gemm_.columns,
                        int64_t{tile.y + i} * output_.width() + tile.x, width,
                        channel, columns, buffers);
    }
  }

  void RunByTiles(const ConvolutionBuffers& buffers) {
    const In* const input = static_cast<const In*>(buffers.input);
    const Parts blocks(tiles_.size(), blocks_);
    workers_.Loop(blocks_, [&](int64_t i, int place) {
      const Range block = {blocks.begin(i), blocks.end(i)};
      const Memory memory = MemoryOf(buffers, place);
      for (int64_t t = block.begin; t < block.end; ++t) {
        TransformTile(input, tiles_[t],
                      memory.v + (t - block.begin) * tile_stride_);
      }
      for (int panel = 0; panel < weights_.shape().panels(); ++panel) {
        Multiply(memory, block, panel);
        Finish(memory, block, panel, buffers);
      }
    });
  }

  void RunByChannels(const ConvolutionBuffers& buffers) {
    const In* const input = static_cast<const In*>(buffers.input);
    V* const v = static_cast<V*>(buffers.scratch);
    const Range all = {0, tiles_.size()};
    workers_.pool().Loop(tiles_.size(), [&](int64_t t) {
      TransformTile(input, tiles_[t], v + t * tile_stride_);
    });
    workers_.Loop(weights_.shape().panels(), [&](int64_t panel, int place) {
      const Memory memory = MemoryOf(buffers, place);
      Multiply(memory, all, static_cast<int>(panel));
      Finish(memory, all, static_cast<int>(panel), buffers);
    });
  }

  Workers& workers_;
  const GemmType gemm_;
  const WinogradPanels<Weight, V> weights_;
  const Transforms<In, V, C> transforms_;
  const std::unique_ptr<Finisher> finisher_;
  const std::string description_;
  const WinogradForm form_;
  const int planes_;
  const int channels_;
  const int out_channels_;
  const Shape output_;
  const TilePixels<In> pixels_;
  const WinogradTiles tiles_;
  const int64_t depth_;  // transformed channels, whole vectors
  int64_t tile_stride_ = 0;
  int64_t slice_groups_ = 0;  // groups of k that are multiplied at once
  int64_t blocks_ = 0;
  int64_t block_tiles_ = 0;  // the most of a block
  int64_t v_stride_ = 0;     // from one plane to the next
  int64_t m_stride_ = 0;
};

using Int8Winograd = Winograd<uint8_t, int8_t, int16_t, int32_t, ByteFinisher>;
using RealWinograd = Winograd<float, float, float, float, RealFinisher>;

template <typename GemmType>
PanelShape ShapeOf(const ConvolutionTask& task, const GemmType& gemm) {
  return {task.input.channels(), task.op.out_channels(), gemm.columns,
          gemm.depth, CeilDivide(task.input.channels(), gemm.depth)};
}

// Of transformed tiles with a panel each, on all planes.
double Products(const WinogradTiles& tiles, const WinogradForm& form) {
  double sum = 0;
  for (int row = 0; row < form.frequencies(); ++row) {
    for (int x = 0; x < form.frequencies(); ++x) {
      sum += static_cast<double>(tiles.end(row, x) - tiles.begin(row, x)) *
             form.PlanesAlong(row) * form.PlanesAlong(x);
    }
  }
  return sum;
}

template <typename Weight, typename GemmType>
Cost CostOf(const ConvolutionTask& task, const WinogradForm& form,
            const PlanContext& context, const GemmType& gemm, int value_bytes) {
  const WinogradTiles tiles = AllTiles(task, form);
  const double products = Products(tiles, form);
  const int64_t depth = RoundUp(task.input.channels(), gemm.depth);
  const int64_t columns = RoundUp(task.op.out_channels(), gemm.columns);
  const double vector = context.kernels->lanes / 2;
  const CoreModel& core = context.kernels->core;
  Cost cost;
  cost.multiplies = products * depth * columns;
  cost.multiply_cycles = cost.multiplies / gemm.rate;
  const double operations =
      (products * (core.input_operations * depth * value_bytes / 4 +
                   core.output_operations * columns) +
       static_cast<double>(OutputPixels(task)) * columns *
           core.finish_operations) /
      vector;
  cost.transform_cycles = operations / core.vector_operations;
  if (task.input.channels() % context.kernels->lanes != 0) {
    cost.transform_cycles +=
        products * context.kernels->lanes * core.part_operations;
  }
  const int64_t passes =
      tiles.few() ? 1 : CeilDivide(tiles.size(), gemm.rows * 3);
  if (form.weights_in_run) {
    cost.transform_cycles +=
        kKernelsCycles * passes * depth * columns * value_bytes / 4 / vector;
    cost.packed_bytes = 9 * depth * columns * int64_t{sizeof(Weight)};
  } else {
    cost.packed_bytes =
        form.frequencies() * form.frequencies() * depth * columns * value_bytes;
  }
  cost.traffic = TensorTraffic(task);
  cost.traffic.weights =
      cost.packed_bytes * PassesFromMemory(cost.packed_bytes, passes, context);
  if (tiles.few()) {
    cost.traffic.scratch = ScratchTraffic(products * depth * value_bytes,
                                          columns / gemm.columns, context);
  }
  return cost;
}

Transforms<uint8_t, int16_t, int32_t> Int8Transforms(const WinogradForm& form,
                                                     const KernelSet& set) {
  if (form.stride == 2) {
    return {false, &set.input_4_stride_2_s16, &set.output_4_stride_2_s32};
  }
  if (form.outputs == 2) return {false, &set.input_2_s16, &set.output_2_s32};
  return {true, set.input_4_s16[0], set.output_4_s32};
}

Transforms<float, float, float> RealTransforms(const WinogradForm& form,
                                               const KernelSet& set) {
  if (form.stride == 2) {
    return {false, &set.input_4_stride_2_f32, &set.output_4_stride_2_f32};
  }
  return {true, set.input_4_f32[0], set.output_4_f32};
}

// What the output transforms write.
ByteFinisher::BiasedSums Int8Sums(const WinogradForm& form) {
  return {form.is_f4_3() ? 6 : 2};
}

}  // namespace

int64_t LargestSum(const ConvolutionTask& task) {
  const int64_t per_channel =
      static_cast<int64_t>(task.int8_weights.size()) / task.op.out_channels();
  const int zero_point = task.input_quantization.zero_point();
  int64_t largest = 0;
  for (int n = 0; n < task.op.out_channels(); ++n) {
    int64_t positive = 0;
    int64_t negative = 0;
    for (const int8_t w :
         task.int8_weights.subspan(n * per_channel, per_channel)) {
      // Without a branch: signs are as good as random.
      positive += std::max<int>(w, 0);
      negative += std::min<int>(w, 0);
    }
    const int64_t bias = task.int32_bias[n];
    const int64_t highest = positive * (255 - zero_point) -
                            negative * zero_point + std::max<int64_t>(bias, 0);
    const int64_t lowest = negative * (255 - zero_point) -
                           positive * zero_point + std::min<int64_t>(bias, 0);
    largest = std::max({largest, highest, -lowest});
  }
  return largest;
}

std::vector<WinogradForm> PossibleWinogradForms(const ConvolutionTask& task,
                                                const KernelSet& kernels) {
  const ConvolutionOp& op = task.op;
  if (op.kernel() != 3 || op.groups() != 1) return {};
  if (op.stride() != 1 && !(op.stride() == 2 && kernels.winograd_stride_2)) {
    return {};
  }
  if (task.precision == FP32 && task.input.channels() < kManyChannels) {
    return {};
  }
  // The transformed sum is 4, 36 = 9 * 4 or 576 = 9 * 64 times the sum, modulo
  // 2^32.
  const int64_t largest = task.precision == FP32 ? 0 : LargestSum(task);
  if (largest >= int64_t{1} << 29) return {};
  if (op.stride() == 2) return {{4, 2, false}};
  std::vector<WinogradForm> forms;
  if (task.precision == INT8) forms.push_back({2, 1, false});
  if (largest < int64_t{1} << 25) {
    forms.push_back({4, 1, false});
    forms.push_back({4, 1, true});
  }
  return forms;
}

Cost WinogradCost(const ConvolutionTask& task, const WinogradForm& form,
                  const PlanContext& context) {
  if (task.precision == FP32) {
    return CostOf<float>(task, form, context, context.kernels->gemm_f32,
                         sizeof(float));
  }
  return CostOf<int8_t>(task, form, context, context.kernels->gemm_s16,
                        sizeof(int16_t));
}

std::unique_ptr<Convolution> NewWinograd(const ConvolutionTask& task,
                                         const WinogradForm& form,
                                         const PlanContext& context,
                                         std::string description) {
  const KernelSet& kernels = *context.kernels;
  const bool stride_2 = form.stride == 2;
  const auto* const g = stride_2            ? kIntegerG4Stride2
                        : form.outputs == 4 ? kIntegerG4
                                            : kIntegerG2;
  if (task.precision == FP32) {
    WinogradPanels<float, float> weights(
        ShapeOf(task, kernels.gemm_f32), form.frequencies(), g,
        task.float_weights, InRun(form, kernels.weights_4_f32));
    return std::make_unique<RealWinograd>(
        task, form, context, kernels.gemm_f32, std::move(weights),
        RealTransforms(form, kernels),
        std::make_unique<RealFinisher>(task, kernels), std::move(description));
  }
  WinogradPanels<int8_t, int16_t> weights(
      ShapeOf(task, kernels.gemm_s16), form.frequencies(), g, task.int8_weights,
      InRun(form, kernels.weights_4_s16));
  return std::make_unique<Int8Winograd>(
      task, form, context, kernels.gemm_s16, std::move(weights),
      Int8Transforms(form, kernels),
      std::make_unique<ByteFinisher>(task, task.int32_bias, kernels,
                                     Int8Sums(form)),
      std::move(description));
}

}  // namespace native
}  // namespace yoloq
