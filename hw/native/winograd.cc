#include "hw/native/winograd.h"

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

// Up to so many tiles, all are transformed at once and the threads share the
// output channels: each weight is read once.
constexpr int64_t kFewTiles = 64;
// Tiles of one row of tiles whose outputs are finished together.
constexpr int kTilesInRun = 4;
constexpr int kMostPixels = 81;
// FP32 sums so long that what the transforms round stays within the bound of
// README.md. Shorter ones gain nothing by Winograd either.
constexpr int kManyChannels = 16;
// What transforming one vector of kernels takes: measured on Zen 3 with AVX2.
constexpr double kKernelsCycles = 200;

int64_t TilesAlong(int pixels, int outputs) {
  return CeilDivide(pixels, outputs);
}
int64_t Tiles(const ConvolutionTask& task, int outputs) {
  return TilesAlong(task.output.height(), outputs) *
         TilesAlong(task.output.width(), outputs);
}

template <typename In, typename Weight, typename V, typename C,
          typename Finisher>
class Winograd : public Convolution {
 public:
  using GemmType = Gemm<V, V, C>;

  Winograd(const ConvolutionTask& task, const WinogradForm& form,
           const PlanContext& context, const GemmType& gemm,
           WinogradPanels<Weight, V> weights,
           InputTransform<In, V> input_transform,
           OutputTransform<C> output_transform,
           std::unique_ptr<Finisher> finisher, std::string description)
      : workers_(*context.workers),
        gemm_(gemm),
        weights_(std::move(weights)),
        input_transform_(input_transform),
        output_transform_(output_transform),
        finisher_(std::move(finisher)),
        description_(std::move(description)),
        form_(form),
        outputs_(form.outputs),
        side_(form.pixels()),
        planes_(side_ * side_),
        channels_(task.input.channels()),
        out_channels_(task.op.out_channels()),
        input_(task.input),
        output_(task.output),
        padding_(task.op.padding()),
        input_stride_(task.input_stride),
        zero_point_(std::is_same_v<In, uint8_t>
                        ? task.input_quantization.zero_point()
                        : 0),
        tiles_across_(TilesAlong(task.output.width(), outputs_)),
        tiles_(Tiles(task, outputs_)),
        depth_(RoundUp(channels_, context.kernels->lanes)),
        outside_(channels_, static_cast<In>(zero_point_)) {
    const int64_t alias = 4096 / sizeof(V);
    tile_stride_ =
        depth_ % alias == 0 ? depth_ + int64_t{64} / sizeof(V) : depth_;
    PlanBlocks(context.cache_bytes);
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
  void PlanBlocks(int64_t cache_bytes) {
    few_tiles_ = tiles_ <= kFewTiles;
    if (few_tiles_) {
      blocks_ = 1;
    } else {
      const int64_t tile_bytes = planes_ * (tile_stride_ * int64_t{sizeof(V)} +
                                            gemm_.columns * int64_t{sizeof(C)});
      const int64_t fitting =
          std::max<int64_t>(gemm_.rows, cache_bytes * 5 / 8 / tile_bytes);
      // Whole tiles of the Gemm where that costs little balance.
      const int64_t wanted =
          std::min<int64_t>(fitting / gemm_.rows * gemm_.rows, 4 * gemm_.rows);
      blocks_ = CeilDivide(tiles_, wanted);
      // The same number of blocks for every thread.
      if (blocks_ < 4 * workers_.places()) {
        blocks_ = RoundUp(blocks_, workers_.places());
      }
    }
    block_tiles_ = CeilDivide(tiles_, blocks_);
    v_stride_ = OddLines(block_tiles_ * tile_stride_, sizeof(V));
    m_stride_ = OddLines(block_tiles_ * gemm_.columns, sizeof(C));
  }

  int64_t v_bytes() const { return planes_ * v_stride_ * sizeof(V); }
  int64_t m_bytes() const { return planes_ * m_stride_ * sizeof(C); }
  int64_t run_values() const {
    return int64_t{kTilesInRun} * outputs_ * outputs_ * gemm_.columns;
  }
  int64_t shared_bytes() const { return few_tiles_ ? v_bytes() : 0; }
  int64_t place_bytes() const {
    return m_bytes() + weights_.scratch_bytes() +
           RoundUp(run_values() * sizeof(C), 64) + (few_tiles_ ? 0 : v_bytes());
  }
  char* place_memory(const ConvolutionBuffers& buffers, int place) const {
    return static_cast<char*>(buffers.scratch) + shared_bytes() +
           place * place_bytes();
  }

  // Tile `tile` of the picture to v, its first plane's place.
  void TransformTile(const In* input, int64_t tile, V* v) const {
    const In* pixels[kMostPixels];
    const int top =
        static_cast<int>(tile / tiles_across_) * outputs_ * form_.stride -
        padding_;
    const int left =
        static_cast<int>(tile % tiles_across_) * outputs_ * form_.stride -
        padding_;
    for (int i = 0; i < side_; ++i) {
      const int y = top + i;
      for (int j = 0; j < side_; ++j) {
        const int x = left + j;
        const bool inside =
            y >= 0 && y < input_.height() && x >= 0 && x < input_.width();
        pixels[i * side_ + j] =
            inside ? input + (int64_t{y} * input_.width() + x) * input_stride_
                   : outside_.data();
      }
    }
    input_transform_(pixels, channels_, zero_point_, v, v_stride_);
  }

  // Memory of one round.
  struct Memory {
    C* m = nullptr;    // products of one panel, [plane][tile][column]
    V* u = nullptr;    // transformed weights, where they are made in the run
    C* run = nullptr;  // outputs of a run of tiles
    V* v = nullptr;    // transformed tiles, [plane][tile][channel]
  };
  Memory MemoryOf(const ConvolutionBuffers& buffers, int place) const {
    char* const memory = place_memory(buffers, place);
    char* const u = memory + m_bytes();
    char* const run = u + weights_.scratch_bytes();
    void* const v = few_tiles_ ? buffers.scratch
                               : run + RoundUp(run_values() * sizeof(C), 64);
    return {reinterpret_cast<C*>(memory), reinterpret_cast<V*>(u),
            reinterpret_cast<C*>(run), static_cast<V*>(v)};
  }

  // Products of one panel with `tiles` transformed tiles.
  void Multiply(const Memory& memory, int64_t tiles, int panel) const {
    int plane = 0;
    for (int row = 0; row < form_.frequencies(); ++row) {
      const FrequencyRow<V> weights = weights_.Row(panel, row, memory.u);
      for (int x = 0; x < form_.frequencies(); ++x) {
        const int planes = form_.PlanesAlong(row) * form_.PlanesAlong(x);
        for (int i = 0; i < planes; ++i) {
          MultiplyPlane(memory, tiles, plane++,
                        weights.values + x * weights.stride, weights.stride);
        }
      }
    }
  }

  // `stride` values lie between a frequency's weights and the next one's.
  void MultiplyPlane(const Memory& memory, int64_t tiles, int plane,
                     const V* weights, int64_t stride) const {
    const int64_t parts = CeilDivide(tiles, gemm_.rows);
    const int64_t groups = weights_.shape().groups;
    // The tiles share in prefetching the next frequency's weights.
    const int64_t frequency_bytes = stride * sizeof(V);
    const int64_t step = CeilDivide(frequency_bytes, parts * groups);
    Prefetch prefetch;
    prefetch.step = step;
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t begin = PartBegin(tiles, parts, part);
      const int64_t end = PartBegin(tiles, parts, part + 1);
      prefetch.panel = reinterpret_cast<const char*>(weights) +
                       frequency_bytes + part * groups * step;
      gemm_.run(static_cast<int>(end - begin), groups,
                memory.v + plane * v_stride_ + begin * tile_stride_,
                tile_stride_, weights,
                memory.m + plane * m_stride_ + begin * gemm_.columns,
                gemm_.columns, /*accumulate=*/false, prefetch);
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

  // Outputs of `tiles` tiles from `first` on, of one panel's channels.
  void Finish(const C* m, int64_t first, int64_t tiles, int panel, C* run,
              const ConvolutionBuffers& buffers) const {
    const int channel = panel * gemm_.columns;
    const int columns = std::min(gemm_.columns, out_channels_ - channel);
    const C* const bias = BiasOfSums(channel);
    for (int64_t done = 0; done < tiles;) {
      const int64_t across = (first + done) % tiles_across_;
      const int64_t count = std::min<int64_t>(
          {tiles - done, tiles_across_ - across, int64_t{kTilesInRun}});
      const int64_t row_stride = count * outputs_ * gemm_.columns;
      for (int64_t i = 0; i < count; ++i) {
        output_transform_(m + (done + i) * gemm_.columns, m_stride_, bias,
                          gemm_.columns, run + i * outputs_ * gemm_.columns,
                          row_stride);
      }
      const int x = static_cast<int>(across) * outputs_;
      const int y = static_cast<int>((first + done) / tiles_across_) * outputs_;
      const int width = static_cast<int>(
          std::min<int64_t>(count * outputs_, output_.width() - x));
      const int height = std::min(outputs_, output_.height() - y);
      for (int i = 0; i < height; ++i) {
        finisher_->Finish(run + i * row_stride, gemm_.columns,
                          int64_t{y + i} * output_.width() + x, width, channel,
                          columns, buffers);
      }
      done += count;
    }
  }

  void RunByTiles(const ConvolutionBuffers& buffers) {
    const In* const input = static_cast<const In*>(buffers.input);
    workers_.Loop(blocks_, [&](int64_t block, int place) {
      const int64_t first = PartBegin(tiles_, blocks_, block);
      const int64_t tiles = PartBegin(tiles_, blocks_, block + 1) - first;
      const Memory memory = MemoryOf(buffers, place);
      for (int64_t i = 0; i < tiles; ++i) {
        TransformTile(input, first + i, memory.v + i * tile_stride_);
      }
      for (int panel = 0; panel < weights_.shape().panels(); ++panel) {
        Multiply(memory, tiles, panel);
        Finish(memory.m, first, tiles, panel, memory.run, buffers);
      }
    });
  }

  void RunByChannels(const ConvolutionBuffers& buffers) {
    const In* const input = static_cast<const In*>(buffers.input);
    V* const v = static_cast<V*>(buffers.scratch);
    workers_.pool().Loop(tiles_, [&](int64_t tile) {
      TransformTile(input, tile, v + tile * tile_stride_);
    });
    workers_.Loop(weights_.shape().panels(), [&](int64_t panel, int place) {
      const Memory memory = MemoryOf(buffers, place);
      Multiply(memory, tiles_, static_cast<int>(panel));
      Finish(memory.m, 0, tiles_, static_cast<int>(panel), memory.run, buffers);
    });
  }

  Workers& workers_;
  const GemmType gemm_;
  const WinogradPanels<Weight, V> weights_;
  const InputTransform<In, V> input_transform_;
  const OutputTransform<C> output_transform_;
  const std::unique_ptr<Finisher> finisher_;
  const std::string description_;
  const WinogradForm form_;
  const int outputs_;  // side of a tile of outputs
  const int side_;     // of a tile of inputs
  const int planes_;
  const int channels_;
  const int out_channels_;
  const Shape input_;
  const Shape output_;
  const int padding_;
  const int64_t input_stride_;
  const int zero_point_;
  const int64_t tiles_across_;
  const int64_t tiles_;
  const int64_t depth_;            // transformed channels, whole vectors
  const std::vector<In> outside_;  // a pixel of padding
  bool few_tiles_ = false;
  int64_t tile_stride_ = 0;
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

template <typename Weight, typename GemmType>
Cost CostOf(const ConvolutionTask& task, const WinogradForm& form,
            const PlanContext& context, const GemmType& gemm, int value_bytes) {
  const int planes = form.pixels() * form.pixels();
  const int frequencies = form.frequencies() * form.frequencies();
  const int64_t tiles = Tiles(task, form.outputs);
  const int64_t depth = RoundUp(task.input.channels(), gemm.depth);
  const int64_t columns = RoundUp(task.op.out_channels(), gemm.columns);
  const double vector = context.kernels->lanes / 2;
  const CoreModel& core = context.kernels->core;
  Cost cost;
  cost.multiplies = static_cast<double>(tiles) * planes * depth * columns;
  cost.multiply_cycles = cost.multiplies / gemm.rate;
  const double operations =
      (static_cast<double>(tiles) * planes *
           (core.input_operations * depth * value_bytes / 4 +
            core.output_operations * columns) +
       static_cast<double>(OutputPixels(task)) * columns *
           core.finish_operations) /
      vector;
  cost.transform_cycles = operations / core.vector_operations;
  if (task.input.channels() % context.kernels->lanes != 0) {
    cost.transform_cycles += static_cast<double>(tiles) * planes *
                             context.kernels->lanes * core.part_operations;
  }
  const int64_t passes =
      tiles <= kFewTiles ? 1 : CeilDivide(tiles, gemm.rows * 3);
  if (form.weights_in_run) {
    cost.transform_cycles +=
        kKernelsCycles * passes * depth * columns * value_bytes / 4 / vector;
    cost.packed_bytes = 9 * depth * columns * int64_t{sizeof(Weight)};
  } else {
    cost.packed_bytes = frequencies * depth * columns * value_bytes;
  }
  cost.traffic = TensorTraffic(task);
  cost.traffic.weights =
      cost.packed_bytes * PassesFromMemory(cost.packed_bytes, passes, context);
  if (tiles <= kFewTiles) {
    cost.traffic.scratch = ScratchTraffic(
        static_cast<double>(tiles * planes * depth * value_bytes),
        columns / gemm.columns, context);
  }
  return cost;
}

InputTransform<uint8_t, int16_t> Int8Input(const WinogradForm& form,
                                           const KernelSet& kernels) {
  if (form.stride == 2) return kernels.input_4_stride_2_s16;
  return form.outputs == 4 ? kernels.input_4_s16 : kernels.input_2_s16;
}

OutputTransform<int32_t> Int8Output(const WinogradForm& form,
                                    const KernelSet& kernels) {
  if (form.stride == 2) return kernels.output_4_stride_2_s32;
  return form.outputs == 4 ? kernels.output_4_s32 : kernels.output_2_s32;
}

// What Int8Output writes.
ByteFinisher::BiasedSums Int8Sums(const WinogradForm& form) {
  return {form.outputs == 4 && form.stride == 1 ? 6 : 2};
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
        stride_2 ? kernels.input_4_stride_2_f32 : kernels.input_4_f32,
        stride_2 ? kernels.output_4_stride_2_f32 : kernels.output_4_f32,
        std::make_unique<RealFinisher>(task, kernels), std::move(description));
  }
  WinogradPanels<int8_t, int16_t> weights(
      ShapeOf(task, kernels.gemm_s16), form.frequencies(), g, task.int8_weights,
      InRun(form, kernels.weights_4_s16));
  return std::make_unique<Int8Winograd>(
      task, form, context, kernels.gemm_s16, std::move(weights),
      Int8Input(form, kernels), Int8Output(form, kernels),
      std::make_unique<ByteFinisher>(task, task.int32_bias, kernels,
                                     Int8Sums(form)),
      std::move(description));
}

}  // namespace native
}  // namespace yoloq
