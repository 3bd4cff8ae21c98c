#include "hw/native/tiled_direct.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/aligned_buffer.h"
#include "hw/native/direct_panels.h"
#include "hw/native/finisher.h"
#include "hw/native/gather.h"
#include "hw/native/picture_s8.h"
#include "hw/native/signed_bytes.h"

namespace yoloq {
namespace native {
namespace {

constexpr int64_t kMostRowsInBlock = 48;
constexpr int kMostRowsInTile = 8;
// Kernels read so far beyond what they use.
constexpr int64_t kSlackBytes = 96;

// The kernels and numbers of one precision. Instructions, by a fit to counts:
// of a value of a row that is arranged, for larger kernels and for 1 x 1; of a
// sum and its epilogue, by whole vectors and otherwise; of a residual; of a
// pixel of one group; and of a row of a kernel that is shorter than a vector.
struct Int8Kind {
  using In = uint8_t;
  using A = int8_t;  // in tiles and panels
  using C = int32_t;
  using Finisher = ByteFinisher;
  // Channels whose outputs are finished together, whole panels.
  static constexpr int kRunColumns = 32;
  // Bytes of tiles up to which the threads share the channels where that takes
  // less memory traffic, however many pixels there are.
  static constexpr int64_t kMostSharedBytes = 0;
  static constexpr double kKernelInstructions = 0.35;
  static constexpr double kPointInstructions = 0.1;
  static constexpr double kFinishInstructions = 6.8;
  static constexpr double kPartInstructions = 12.9;
  static constexpr double kAddInstructions = 2.9;
  static constexpr double kPixelInstructions = 0;
  static constexpr double kRunInstructions = 44;
  static bool WantsOtherForm(const ConvolutionTask& task) {
    return task.wants_reals;
  }
  static const GemmS8& gemm(const KernelSet& set) { return set.gemm_s8; }
  static In Outside(const ConvolutionTask& task) {
    return static_cast<In>(task.input_quantization.zero_point());
  }
  static absl::Span<const int8_t> Weights(const ConvolutionTask& task) {
    return task.int8_weights;
  }
  static std::unique_ptr<Finisher> NewFinisher(const ConvolutionTask& task,
                                               const KernelSet& kernels) {
    return std::make_unique<Finisher>(task, BiasOfSignedBytes(task), kernels,
                                      ByteFinisher::BiasedSums{});
  }
  // Rows that a tile of `rows` takes room for.
  static int64_t TileRows(int64_t rows) { return rows; }
  static int64_t PanelValues(const GemmS8& gemm, int64_t groups) {
    return gemm.panel_bytes(groups);
  }
  // Of channels from `channel` on.
  static void Multiply(const GemmS8& gemm, int64_t rows, int64_t groups,
                       const A* a, int panels, const A* panel,
                       const Finisher& finisher, int channel, C* c,
                       int64_t c_stride) {
    gemm.run(rows, groups, a, panels, panel, finisher.bias() + channel, c,
             c_stride);
  }
};
struct RealKind {
  using In = float;
  using A = float;
  using C = float;
  using Finisher = RealFinisher;
  static constexpr int kRunColumns = 128;
  static constexpr int64_t kMostSharedBytes = 16 << 20;
  static constexpr double kKernelInstructions = 1.57;
  static constexpr double kPointInstructions = 1.13;
  static constexpr double kFinishInstructions = 1.74;
  static constexpr double kPartInstructions = 2.6;
  static constexpr double kAddInstructions = 1.2;
  static constexpr double kPixelInstructions = 48;
  static constexpr double kRunInstructions = 40;
  static bool WantsOtherForm(const ConvolutionTask& task) {
    return task.wants_bytes;
  }
  static const GemmTiledF32& gemm(const KernelSet& set) {
    return set.gemm_tiled_f32;
  }
  static In Outside(const ConvolutionTask&) { return 0; }
  static absl::Span<const float> Weights(const ConvolutionTask& task) {
    return task.float_weights;
  }
  static std::unique_ptr<Finisher> NewFinisher(const ConvolutionTask& task,
                                               const KernelSet& kernels) {
    return std::make_unique<Finisher>(task, kernels);
  }
  static int64_t TileRows(int64_t rows) { return RoundUp(rows, 2); }
  static int64_t PanelValues(const GemmTiledF32& gemm, int64_t groups) {
    return groups * gemm.depth * gemm.columns;
  }
  static void Multiply(const GemmTiledF32& gemm, int64_t rows, int64_t groups,
                       const A* a, int panels, const A* panel, const Finisher&,
                       int /*channel*/, C* c, int64_t c_stride) {
    gemm.run(rows, groups, a, panels, panel, c, c_stride);
  }
};

// Parts of whole tiles in which output pixels are computed where there are
// many, the same number for each thread.
int64_t Blocks(int64_t pixels, int64_t row_bytes, int tile_rows,
               const PlanContext& context) {
  const int64_t fitting = std::clamp<int64_t>(
      context.cache_bytes / 4 / row_bytes, tile_rows, kMostRowsInBlock);
  const int64_t rows = fitting / tile_rows * tile_rows;
  return std::min(CeilDivide(pixels, tile_rows),
                  EvenBlocks(CeilDivide(pixels, rows), context));
}

// Weights and tiles from memory and back.
struct PassTraffic {
  double weights = 0;
  double scratch = 0;
  double total() const { return weights + scratch; }
};

// Where threads share blocks of pixels, each block reads the weights.
template <typename Kind>
PassTraffic TrafficByPixels(const ConvolutionTask& task, double packed_bytes,
                            const PlanContext& context) {
  const auto& gemm = Kind::gemm(*context.kernels);
  const int64_t row_bytes =
      MatrixDepth(task, gemm.depth) * int64_t{sizeof(typename Kind::A)};
  const int64_t blocks =
      Blocks(OutputPixels(task), row_bytes, gemm.rows, context);
  return {packed_bytes * PassesFromMemory(packed_bytes, blocks, context), 0};
}

// Where they share the channels, each run of panels reads the tiles.
template <typename Kind>
PassTraffic TrafficByChannels(const ConvolutionTask& task, double packed_bytes,
                              const PlanContext& context) {
  const double tiles_bytes = static_cast<double>(
      OutputPixels(task) *
      MatrixDepth(task, Kind::gemm(*context.kernels).depth) *
      int64_t{sizeof(typename Kind::A)});
  const int64_t runs =
      CeilDivide(task.op.out_channels() / task.op.groups(), Kind::kRunColumns);
  return {packed_bytes,
          ScratchTraffic(tiles_bytes, runs, context) * task.op.groups()};
}

template <typename Kind>
double PackedBytes(const ConvolutionTask& task, const PlanContext& context) {
  const auto& gemm = Kind::gemm(*context.kernels);
  const int groups = task.op.groups();
  return static_cast<double>(
      RoundUp(task.op.out_channels() / groups, gemm.columns) * groups *
      MatrixDepth(task, gemm.depth) * int64_t{sizeof(typename Kind::A)});
}

struct Sharing {
  // All pixels' tiles are made first and the threads share the channels: each
  // weight is read once. Otherwise they share blocks of pixels.
  bool channels = false;
  PassTraffic traffic;
};

template <typename Kind>
Sharing SharingOf(const ConvolutionTask& task, const PlanContext& context) {
  const int64_t pixels = OutputPixels(task);
  const double packed_bytes = PackedBytes<Kind>(task, context);
  const PassTraffic by_channels =
      TrafficByChannels<Kind>(task, packed_bytes, context);
  if (pixels <= kFewPixels) return {true, by_channels};
  const PassTraffic by_pixels =
      TrafficByPixels<Kind>(task, packed_bytes, context);
  const bool fits = pixels *
                        MatrixDepth(task, Kind::gemm(*context.kernels).depth) *
                        int64_t{sizeof(typename Kind::A)} <=
                    Kind::kMostSharedBytes;
  if (fits && by_channels.total() < by_pixels.total()) {
    return {true, by_channels};
  }
  return {false, by_pixels};
}

template <typename Kind>
class TiledDirect : public Convolution {
 public:
  using In = typename Kind::In;
  using A = typename Kind::A;
  using C = typename Kind::C;

  TiledDirect(const ConvolutionTask& task, const PlanContext& context,
              std::string description)
      : workers_(*context.workers),
        gemm_(Kind::gemm(*context.kernels)),
        description_(std::move(description)),
        groups_(task.op.groups()),
        group_inputs_(GroupChannels(task)),
        group_outputs_(task.op.out_channels() / groups_),
        pixels_(OutputPixels(task)),
        input_stride_(task.input_stride),
        depth_(MatrixDepth(task, gemm_.depth)),
        panels_(CeilDivide(group_outputs_, gemm_.columns)),
        runs_(CeilDivide(panels_, run_panels())),
        in_place_(task.op.kernel() == 1 && task.op.stride() == 1 &&
                  task.op.padding() == 0 && group_inputs_ == depth_),
        kernel_(task.op.kernel()),
        stride_(task.op.stride()),
        padding_(task.op.padding()),
        input_(task.input),
        out_width_(task.output.width()),
        whole_rows_(!in_place_ && groups_ == 1 &&
                    input_stride_ == group_inputs_ &&
                    kernel_ * group_inputs_ % gemm_.depth == 0),
        shares_channels_(SharingOf<Kind>(task, context).channels),
        gatherer_(task, *context.kernels, static_cast<int>(depth_),
                  Kind::Outside(task)),
        finisher_(Kind::NewFinisher(task, *context.kernels)) {
    PlanBlocks(context);
    Pack(task);
  }

  int64_t packed_bytes() const override { return packed_.bytes(); }
  std::string description() const override { return description_; }

  int64_t scratch_bytes() const override {
    return shared_bytes() + workers_.places() * place_bytes();
  }

  absl::Status Run(const ConvolutionBuffers& buffers) override {
    for (int group = 0; group < groups_; ++group) {
      if (shares_channels_) {
        RunByChannels(group, buffers);
      } else {
        RunByPixels(group, buffers);
      }
    }
    return absl::OkStatus();
  }

 private:
  void PlanBlocks(const PlanContext& context) {
    if (shares_channels_) {
      blocks_ = 1;
      block_rows_ = pixels_;
      return;
    }
    blocks_ = Blocks(pixels_, depth_ * int64_t{sizeof(A)}, gemm_.rows, context);
    block_rows_ = Parts(pixels_, blocks_, gemm_.rows).most();
  }

  void Pack(const ConvolutionTask& task) {
    packed_ = AlignedBuffer<A>(groups_ * panels_ * panel_values() +
                               kSlackBytes / int64_t{sizeof(A)});
    const int taps = task.op.kernel() * task.op.kernel();
    std::vector<A> columns(gemm_.columns * depth_);
    for (int group = 0; group < groups_; ++group) {
      for (int panel = 0; panel < panels_; ++panel) {
        std::fill(columns.begin(), columns.end(), 0);
        const int first = panel * gemm_.columns;
        const int count = std::min(gemm_.columns, group_outputs_ - first);
        for (int j = 0; j < count; ++j) {
          const int64_t n = int64_t{group} * group_outputs_ + first + j;
          const A* const from =
              Kind::Weights(task).data() + n * group_inputs_ * taps;
          for (int c = 0; c < group_inputs_; ++c) {
            for (int t = 0; t < taps; ++t) {
              columns[j * depth_ + int64_t{t} * group_inputs_ + c] =
                  from[c * taps + t];
            }
          }
        }
        gemm_.pack(columns.data(), groups_of_k(), Panel(group, panel));
      }
    }
  }

  int64_t groups_of_k() const { return depth_ / gemm_.depth; }
  int64_t panel_values() const {
    return Kind::PanelValues(gemm_, groups_of_k());
  }
  A* Panel(int group, int panel) {
    return packed_.data() + (int64_t{group} * panels_ + panel) * panel_values();
  }
  const A* Panel(int group, int panel) const {
    return packed_.data() + (int64_t{group} * panels_ + panel) * panel_values();
  }
  int run_panels() const { return Kind::kRunColumns / gemm_.columns; }

  int64_t tiles_bytes(int64_t rows) const {
    return RoundUp(
        Kind::TileRows(rows) * depth_ * int64_t{sizeof(A)} + kSlackBytes, 64);
  }
  int64_t sums_bytes() const {
    return block_rows_ * Kind::kRunColumns * int64_t{sizeof(C)};
  }
  // From one gathered row to the next: a kernel's last row may be copied with
  // up to 15 bytes too much.
  int64_t gathered_stride() const { return depth_ + 16 / int64_t{sizeof(In)}; }
  int64_t gathered_bytes() const {
    return gemm_.rows * gathered_stride() * int64_t{sizeof(In)};
  }
  int64_t shared_bytes() const {
    return shares_channels_ ? tiles_bytes(pixels_) : 0;
  }
  int64_t place_bytes() const {
    return RoundUp(sums_bytes() + gathered_bytes(), 64) +
           (shares_channels_ ? 0 : tiles_bytes(block_rows_));
  }
  char* place_memory(const ConvolutionBuffers& buffers, int place) const {
    return static_cast<char*>(buffers.scratch) + shared_bytes() +
           place * place_bytes();
  }
  In* gathered(char* memory) const {
    return reinterpret_cast<In*>(memory + sums_bytes());
  }

  const In* group_input(int group, const ConvolutionBuffers& buffers) const {
    return static_cast<const In*>(buffers.input) + group * group_inputs_;
  }

  // The tile of output pixels [pixel, pixel + rows). `gathered` is memory for
  // its rows.
  void MakeTile(const In* input, int64_t pixel, int rows, In* gathered,
                A* tile) const {
    if (whole_rows_ && ArrangeRows(input, pixel, rows, tile)) return;
    const In* from[kMostRowsInTile];
    for (int i = 0; i < rows; ++i) {
      from[i] = in_place_ ? input + (pixel + i) * input_stride_
                          : gathered + i * gathered_stride();
    }
    if (!in_place_)
      gatherer_.Gather(input, pixel, rows, gathered, gathered_stride());
    gemm_.arrange(rows, groups_of_k(), from, tile);
  }

  // MakeTile without gathering, kernel row by kernel row; false where a kernel
  // reaches beyond the picture.
  bool ArrangeRows(const In* input, int64_t pixel, int rows, A* tile) const {
    const int64_t row_values = int64_t{input_.width()} * group_inputs_;
    const In* from[kMostRowsInTile];
    int64_t y = pixel / out_width_;
    int64_t x = pixel % out_width_;
    for (int i = 0; i < rows; ++i) {
      const int64_t top = y * stride_ - padding_;
      const int64_t left = x * stride_ - padding_;
      if (top < 0 || top + kernel_ > input_.height() || left < 0 ||
          left + kernel_ > input_.width()) {
        return false;
      }
      from[i] = input + top * row_values + left * group_inputs_;
      if (++x == out_width_) {
        x = 0;
        ++y;
      }
    }
    const int64_t groups = groups_of_k() / kernel_;
    for (int k = 0; k < kernel_; ++k) {
      gemm_.arrange(rows, groups, from, tile);
      tile += Kind::TileRows(rows) * groups * gemm_.depth;
      for (int i = 0; i < rows; ++i) from[i] += row_values;
    }
    return true;
  }

  // Tiles of `rows` output pixels from `pixel` on.
  void MakeTiles(const In* input, int64_t pixel, int64_t rows, In* gathered,
                 A* tiles) const {
    for (int64_t i = 0; i < rows; i += gemm_.rows) {
      MakeTile(input, pixel + i,
               static_cast<int>(std::min<int64_t>(gemm_.rows, rows - i)),
               gathered, tiles + i * depth_);
    }
  }

  // Outputs of `rows` pixels from `pixel` on for the panels of one run.
  void Multiply(const A* tiles, int64_t pixel, int64_t rows, int group, int run,
                C* sums, const ConvolutionBuffers& buffers) const {
    const int first = run * run_panels();
    const int last = std::min(first + run_panels(), panels_);
    const int column = first * gemm_.columns;
    const int channel = group * group_outputs_ + column;
    Kind::Multiply(gemm_, rows, groups_of_k(), tiles, last - first,
                   Panel(group, first), *finisher_, channel, sums,
                   Kind::kRunColumns);
    finisher_->Finish(
        sums, Kind::kRunColumns, pixel, static_cast<int>(rows), channel,
        std::min(last * gemm_.columns, group_outputs_) - column, buffers);
  }

  void RunByPixels(int group, const ConvolutionBuffers& buffers) {
    const In* const input = group_input(group, buffers);
    const Parts blocks(pixels_, blocks_, gemm_.rows);
    workers_.Loop(blocks_, [&](int64_t block, int place) {
      const int64_t pixel = blocks.begin(block);
      const int64_t rows = blocks.end(block) - pixel;
      char* const memory = place_memory(buffers, place);
      A* const tiles = reinterpret_cast<A*>(memory + place_bytes() -
                                            tiles_bytes(block_rows_));
      MakeTiles(input, pixel, rows, gathered(memory), tiles);
      for (int run = 0; run < runs_; ++run) {
        Multiply(tiles, pixel, rows, group, run, reinterpret_cast<C*>(memory),
                 buffers);
      }
    });
  }

  void RunByChannels(int group, const ConvolutionBuffers& buffers) {
    const In* const input = group_input(group, buffers);
    A* const tiles = static_cast<A*>(buffers.scratch);
    workers_.Loop(CeilDivide(pixels_, gemm_.rows), [&](int64_t i, int place) {
      const int64_t pixel = i * gemm_.rows;
      MakeTiles(input, pixel, std::min<int64_t>(gemm_.rows, pixels_ - pixel),
                gathered(place_memory(buffers, place)), tiles + pixel * depth_);
    });
    workers_.Loop(runs_, [&](int64_t run, int place) {
      Multiply(tiles, 0, pixels_, group, static_cast<int>(run),
               reinterpret_cast<C*>(place_memory(buffers, place)), buffers);
    });
  }

  Workers& workers_;
  const std::decay_t<decltype(Kind::gemm(std::declval<KernelSet>()))> gemm_;
  const std::string description_;
  const int groups_;
  const int group_inputs_;
  const int group_outputs_;
  const int64_t pixels_;
  const int64_t input_stride_;
  const int64_t depth_;  // values of k, with padding
  const int panels_;     // of a group
  const int runs_;
  const bool in_place_;  // rows are read from the input as they lie
  const int kernel_;
  const int stride_;
  const int padding_;
  const Shape input_;
  const int out_width_;
  const bool whole_rows_;  // groups of k do not reach beyond a kernel's row
  const bool shares_channels_;
  const Gatherer<In, In> gatherer_;
  const std::unique_ptr<typename Kind::Finisher> finisher_;
  int64_t blocks_ = 0;
  int64_t block_rows_ = 0;  // the most of a block
  AlignedBuffer<A> packed_;
};

template <typename Kind>
Cost CostOf(const ConvolutionTask& task, const PlanContext& context) {
  const auto& gemm = Kind::gemm(*context.kernels);
  const int groups = task.op.groups();
  const double pixels = OutputPixels(task);
  const int64_t depth = MatrixDepth(task, gemm.depth);
  const int64_t columns =
      RoundUp(task.op.out_channels() / groups, gemm.columns) * groups;
  Cost cost;
  cost.multiplies = pixels * depth * columns;
  cost.multiply_cycles = cost.multiplies / gemm.rate;
  const bool by_vectors =
      task.op.out_channels() % 16 == 0 && !Kind::WantsOtherForm(task);
  const double row_instructions =
      (task.op.kernel() > 1 ? Kind::kKernelInstructions
                            : Kind::kPointInstructions) *
          depth +
      Kind::kPixelInstructions;
  cost.transform_cycles = pixels * (row_instructions * groups +
                                    (by_vectors ? Kind::kFinishInstructions
                                                : Kind::kPartInstructions) *
                                        columns);
  if (task.add.has_value()) {
    cost.transform_cycles += pixels * Kind::kAddInstructions * columns;
  }
  if (task.op.kernel() > 1 && task.op.kernel() * GroupChannels(task) < 16) {
    cost.transform_cycles +=
        pixels * groups * task.op.kernel() * Kind::kRunInstructions;
  }
  cost.packed_bytes = static_cast<int64_t>(PackedBytes<Kind>(task, context));
  cost.traffic = TensorTraffic(task);
  const PassTraffic traffic = SharingOf<Kind>(task, context).traffic;
  cost.traffic.weights = traffic.weights;
  cost.traffic.scratch = traffic.scratch;
  return cost;
}

}  // namespace

bool HasTiledDirect(Precision precision, const KernelSet& kernels) {
  return (precision == FP32 ? kernels.gemm_tiled_f32.rows
                            : kernels.gemm_s8.rows) > 0;
}

const char* TiledDirectGemmName(const ConvolutionTask& task,
                                const KernelSet& kernels) {
  if (task.precision == FP32) return kernels.gemm_tiled_f32.name;
  return PictureS8IsPossible(task, kernels) ? kernels.picture.name
                                            : kernels.gemm_s8.name;
}

Cost TiledDirectCost(const ConvolutionTask& task, const PlanContext& context) {
  if (task.precision == FP32) return CostOf<RealKind>(task, context);
  return PictureS8IsPossible(task, *context.kernels)
             ? PictureS8Cost(task, context)
             : CostOf<Int8Kind>(task, context);
}

std::unique_ptr<Convolution> NewTiledDirect(const ConvolutionTask& task,
                                            const PlanContext& context,
                                            std::string description) {
  if (task.precision == FP32) {
    return std::make_unique<TiledDirect<RealKind>>(task, context,
                                                   std::move(description));
  }
  if (PictureS8IsPossible(task, *context.kernels)) {
    return NewPictureS8(task, context, std::move(description));
  }
  return std::make_unique<TiledDirect<Int8Kind>>(task, context,
                                                 std::move(description));
}

}  // namespace native
}  // namespace yoloq
