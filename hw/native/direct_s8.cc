#include "hw/native/direct_s8.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/aligned_buffer.h"
#include "hw/native/finisher.h"
#include "hw/native/gather.h"
#include "hw/native/picture_s8.h"
#include "hw/native/signed_bytes.h"

namespace yoloq {
namespace native {
namespace {

// Panels whose outputs are finished together.
constexpr int kPanelsInRun = 8;
// Up to so many output pixels, all are gathered at once and the threads share
// the channels: each weight is read once.
constexpr int64_t kFewPixels = 256;
constexpr int64_t kMostRowsInBlock = 48;
constexpr int kMostRowsInTile = 8;
// Kernels read so far beyond what they use.
constexpr int64_t kSlackBytes = 96;

int64_t Values(const ConvolutionTask& task) {
  return int64_t{task.op.kernel()} * task.op.kernel() * GroupChannels(task);
}

int64_t Depth(const ConvolutionTask& task, const GemmS8& gemm) {
  return RoundUp(Values(task), gemm.depth);
}

// Output pixels that are computed together where there are many: whole tiles.
int64_t RowsInBlock(int64_t depth, int tile_rows, int64_t cache_bytes) {
  const int64_t fitting =
      std::clamp<int64_t>(cache_bytes / 4 / depth, tile_rows, kMostRowsInBlock);
  return fitting / tile_rows * tile_rows;
}

class DirectS8 : public Convolution {
 public:
  DirectS8(const ConvolutionTask& task, const PlanContext& context,
           std::string description)
      : workers_(*context.workers),
        gemm_(context.kernels->gemm_s8),
        description_(std::move(description)),
        groups_(task.op.groups()),
        group_inputs_(GroupChannels(task)),
        group_outputs_(task.op.out_channels() / groups_),
        pixels_(OutputPixels(task)),
        input_stride_(task.input_stride),
        depth_(Depth(task, gemm_)),
        panels_(CeilDivide(group_outputs_, gemm_.columns)),
        runs_(CeilDivide(panels_, kPanelsInRun)),
        in_place_(task.op.kernel() == 1 && task.op.stride() == 1 &&
                  task.op.padding() == 0 && Values(task) == depth_),
        kernel_(task.op.kernel()),
        stride_(task.op.stride()),
        padding_(task.op.padding()),
        input_(task.input),
        out_width_(task.output.width()),
        whole_rows_(!in_place_ && groups_ == 1 &&
                    input_stride_ == group_inputs_ &&
                    kernel_ * group_inputs_ % gemm_.depth == 0),
        few_pixels_(pixels_ <= kFewPixels),
        gatherer_(task, *context.kernels, static_cast<int>(depth_),
                  static_cast<uint8_t>(task.input_quantization.zero_point())),
        finisher_(task, BiasOfSignedBytes(task), *context.kernels,
                  gemm_.finish) {
    PlanBlocks(context.cache_bytes);
    Pack(task);
  }

  int64_t packed_bytes() const override { return packed_.bytes(); }
  std::string description() const override { return description_; }

  int64_t scratch_bytes() const override {
    return shared_bytes() + workers_.places() * place_bytes();
  }

  absl::Status Run(const ConvolutionBuffers& buffers) override {
    for (int group = 0; group < groups_; ++group) {
      if (few_pixels_) {
        RunByChannels(group, buffers);
      } else {
        RunByPixels(group, buffers);
      }
    }
    return absl::OkStatus();
  }

 private:
  // Blocks of whole tiles.
  void PlanBlocks(int64_t cache_bytes) {
    if (few_pixels_) {
      blocks_ = 1;
      block_rows_ = pixels_;
      return;
    }
    block_rows_ = RowsInBlock(depth_, gemm_.rows, cache_bytes);
    blocks_ = CeilDivide(pixels_, block_rows_);
  }

  void Pack(const ConvolutionTask& task) {
    packed_ =
        AlignedBuffer<int8_t>(groups_ * panels_ * panel_bytes() + kSlackBytes);
    const int taps = task.op.kernel() * task.op.kernel();
    std::vector<int8_t> columns(gemm_.columns * depth_);
    for (int group = 0; group < groups_; ++group) {
      for (int panel = 0; panel < panels_; ++panel) {
        std::fill(columns.begin(), columns.end(), 0);
        const int first = panel * gemm_.columns;
        const int count = std::min(gemm_.columns, group_outputs_ - first);
        for (int j = 0; j < count; ++j) {
          const int64_t n = int64_t{group} * group_outputs_ + first + j;
          const int8_t* const from =
              task.int8_weights.data() + n * group_inputs_ * taps;
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
  int64_t panel_bytes() const { return gemm_.panel_bytes(groups_of_k()); }
  int8_t* Panel(int group, int panel) {
    return packed_.data() + (int64_t{group} * panels_ + panel) * panel_bytes();
  }
  const int8_t* Panel(int group, int panel) const {
    return packed_.data() + (int64_t{group} * panels_ + panel) * panel_bytes();
  }

  int64_t tiles_bytes(int64_t rows) const {
    return RoundUp(rows * depth_ + kSlackBytes, 64);
  }
  int64_t sums_bytes() const {
    return block_rows_ * run_columns() * int64_t{sizeof(int32_t)};
  }
  // From one gathered row to the next: a kernel's last row may be copied with
  // up to 15 bytes too much.
  int64_t gathered_stride() const { return depth_ + 16; }
  int64_t gathered_bytes() const { return gemm_.rows * gathered_stride(); }
  int64_t run_columns() const { return kPanelsInRun * gemm_.columns; }
  int64_t shared_bytes() const {
    return few_pixels_ ? tiles_bytes(pixels_) : 0;
  }
  int64_t place_bytes() const {
    return RoundUp(sums_bytes() + gathered_bytes(), 64) +
           (few_pixels_ ? 0 : tiles_bytes(block_rows_));
  }
  char* place_memory(const ConvolutionBuffers& buffers, int place) const {
    return static_cast<char*>(buffers.scratch) + shared_bytes() +
           place * place_bytes();
  }
  uint8_t* gathered(char* memory) const {
    return reinterpret_cast<uint8_t*>(memory + sums_bytes());
  }

  const uint8_t* group_input(int group,
                             const ConvolutionBuffers& buffers) const {
    return static_cast<const uint8_t*>(buffers.input) + group * group_inputs_;
  }

  // The tile of output pixels [pixel, pixel + rows). `gathered` is memory for
  // its rows.
  void MakeTile(const uint8_t* input, int64_t pixel, int rows,
                uint8_t* gathered, int8_t* tile) const {
    if (whole_rows_ && ArrangeRows(input, pixel, rows, tile)) return;
    const uint8_t* from[kMostRowsInTile];
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
  bool ArrangeRows(const uint8_t* input, int64_t pixel, int rows,
                   int8_t* tile) const {
    const int64_t row_bytes = int64_t{input_.width()} * group_inputs_;
    const uint8_t* from[kMostRowsInTile];
    int64_t y = pixel / out_width_;
    int64_t x = pixel % out_width_;
    for (int i = 0; i < rows; ++i) {
      const int64_t top = y * stride_ - padding_;
      const int64_t left = x * stride_ - padding_;
      if (top < 0 || top + kernel_ > input_.height() || left < 0 ||
          left + kernel_ > input_.width()) {
        return false;
      }
      from[i] = input + top * row_bytes + left * group_inputs_;
      if (++x == out_width_) {
        x = 0;
        ++y;
      }
    }
    const int64_t groups = groups_of_k() / kernel_;
    for (int k = 0; k < kernel_; ++k) {
      gemm_.arrange(rows, groups, from, tile);
      tile += rows * groups * gemm_.depth;
      for (int i = 0; i < rows; ++i) from[i] += row_bytes;
    }
    return true;
  }

  // Tiles of `rows` output pixels from `pixel` on.
  void MakeTiles(const uint8_t* input, int64_t pixel, int64_t rows,
                 uint8_t* gathered, int8_t* tiles) const {
    for (int64_t i = 0; i < rows; i += gemm_.rows) {
      MakeTile(input, pixel + i,
               static_cast<int>(std::min<int64_t>(gemm_.rows, rows - i)),
               gathered, tiles + i * depth_);
    }
  }

  // Outputs of `rows` pixels from `pixel` on for the panels of one run.
  void Multiply(const int8_t* tiles, int64_t pixel, int64_t rows, int group,
                int run, int32_t* sums,
                const ConvolutionBuffers& buffers) const {
    const int first = run * kPanelsInRun;
    const int last = std::min(first + kPanelsInRun, panels_);
    const int column = first * gemm_.columns;
    const int channel = group * group_outputs_ + column;
    gemm_.run(rows, groups_of_k(), tiles, last - first, Panel(group, first),
              finisher_.bias() + channel, sums, run_columns());
    finisher_.Finish(
        sums, run_columns(), pixel, static_cast<int>(rows), channel,
        std::min(last * gemm_.columns, group_outputs_) - column, buffers);
  }

  void RunByPixels(int group, const ConvolutionBuffers& buffers) {
    const uint8_t* const input = group_input(group, buffers);
    workers_.Loop(blocks_, [&](int64_t block, int place) {
      const int64_t pixel = block * block_rows_;
      const int64_t rows = std::min(block_rows_, pixels_ - pixel);
      char* const memory = place_memory(buffers, place);
      int8_t* const tiles = reinterpret_cast<int8_t*>(memory + place_bytes() -
                                                      tiles_bytes(block_rows_));
      MakeTiles(input, pixel, rows, gathered(memory), tiles);
      for (int run = 0; run < runs_; ++run) {
        Multiply(tiles, pixel, rows, group, run,
                 reinterpret_cast<int32_t*>(memory), buffers);
      }
    });
  }

  void RunByChannels(int group, const ConvolutionBuffers& buffers) {
    const uint8_t* const input = group_input(group, buffers);
    int8_t* const tiles = static_cast<int8_t*>(buffers.scratch);
    workers_.Loop(CeilDivide(pixels_, gemm_.rows), [&](int64_t i, int place) {
      const int64_t pixel = i * gemm_.rows;
      MakeTiles(input, pixel, std::min<int64_t>(gemm_.rows, pixels_ - pixel),
                gathered(place_memory(buffers, place)), tiles + pixel * depth_);
    });
    workers_.Loop(runs_, [&](int64_t run, int place) {
      Multiply(tiles, 0, pixels_, group, static_cast<int>(run),
               reinterpret_cast<int32_t*>(place_memory(buffers, place)),
               buffers);
    });
  }

  Workers& workers_;
  const GemmS8 gemm_;
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
  const bool few_pixels_;
  const Gatherer<uint8_t, uint8_t> gatherer_;
  const ByteFinisher finisher_;
  int64_t blocks_ = 0;
  int64_t block_rows_ = 0;  // the most of a block
  AlignedBuffer<int8_t> packed_;
};

// Many pixels: each block reads the weights. Few: each run of panels reads the
// tiles.
void AddTraffic(const ConvolutionTask& task, int64_t depth,
                const PlanContext& context, Cost* cost) {
  const GemmS8& gemm = context.kernels->gemm_s8;
  const int64_t pixels = OutputPixels(task);
  const double packed_bytes = static_cast<double>(cost->packed_bytes);
  if (pixels > kFewPixels) {
    const int64_t rows = RowsInBlock(depth, gemm.rows, context.cache_bytes);
    cost->traffic.weights =
        packed_bytes *
        PassesFromMemory(packed_bytes, CeilDivide(pixels, rows), context);
    return;
  }
  cost->traffic.weights = packed_bytes;
  const double tiles_bytes = static_cast<double>(pixels * depth);
  const int64_t runs = CeilDivide(task.op.out_channels() / task.op.groups(),
                                  kPanelsInRun * gemm.columns);
  cost->traffic.scratch =
      ScratchTraffic(tiles_bytes, runs, context) * task.op.groups();
}

}  // namespace

bool HasDirectS8(const KernelSet& kernels) { return kernels.gemm_s8.rows > 0; }

const char* DirectS8GemmName(const ConvolutionTask& task,
                             const KernelSet& kernels) {
  return PictureS8IsPossible(task, kernels) ? kernels.picture.name
                                            : kernels.gemm_s8.name;
}

Cost DirectS8Cost(const ConvolutionTask& task, const PlanContext& context) {
  if (PictureS8IsPossible(task, *context.kernels)) {
    return PictureS8Cost(task, context);
  }
  const GemmS8& gemm = context.kernels->gemm_s8;
  const int groups = task.op.groups();
  const double pixels = OutputPixels(task);
  const int64_t depth = Depth(task, gemm);
  const int64_t columns =
      RoundUp(task.op.out_channels() / groups, gemm.columns) * groups;
  Cost cost;
  cost.multiplies = pixels * depth * columns;
  cost.multiply_cycles = cost.multiplies / gemm.rate;
  // Instructions, by a fit to counts: arranging a byte; a sum across lanes and
  // its epilogue, which takes 16 bytes at once where it can; and rows of a
  // kernel of less than a vector.
  const bool by_vectors = task.op.out_channels() % 16 == 0 && !task.wants_reals;
  cost.transform_cycles =
      pixels * ((task.op.kernel() > 1 ? 0.35 : 0.1) * depth * groups +
                (by_vectors ? 6.8 : 27.0) * columns);
  if (task.add.has_value()) cost.transform_cycles += pixels * 2.9 * columns;
  if (task.op.kernel() > 1 && task.op.kernel() * GroupChannels(task) < 16) {
    cost.transform_cycles += pixels * groups * task.op.kernel() * 44;
  }
  cost.packed_bytes = columns * depth;
  cost.traffic = TensorTraffic(task);
  AddTraffic(task, depth, context, &cost);
  return cost;
}

std::unique_ptr<Convolution> NewDirectS8(const ConvolutionTask& task,
                                         const PlanContext& context,
                                         std::string description) {
  if (PictureS8IsPossible(task, *context.kernels)) {
    return NewPictureS8(task, context, std::move(description));
  }
  return std::make_unique<DirectS8>(task, context, std::move(description));
}

}  // namespace native
}  // namespace yoloq
