#include "hw/native/shifted.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/direct_panels.h"
#include "hw/native/finisher.h"
#include "hw/native/padded_input.h"

namespace yoloq {
namespace native {
namespace {

constexpr int64_t kMostTilesInBlock = 16;

// What a product of one panel reads and writes.
template <typename A, typename C>
struct Block {
  const A* padded = nullptr;  // the first row that the first output row needs
  int first_row = 0;          // of the output
  int rows = 0;
  C* sums = nullptr;
};

template <typename GemmType, typename Finisher>
class Shifted : public Convolution {
 public:
  using A = typename GemmTypes<GemmType>::A;
  using B = typename GemmTypes<GemmType>::B;
  using C = typename GemmTypes<GemmType>::C;

  template <typename W>
  Shifted(const ConvolutionTask& task, const PlanContext& context,
          const GemmType& gemm, absl::Span<const W> weights, A outside,
          std::unique_ptr<Finisher> finisher, std::string description)
      : workers_(*context.workers),
        gemm_(gemm),
        description_(std::move(description)),
        kernel_(task.op.kernel()),
        stride_(task.op.stride()),
        channels_(task.input.channels()),
        out_channels_(task.op.out_channels()),
        out_width_(task.output.width()),
        out_height_(task.output.height()),
        padded_rows_(task.input.height() + 2 * task.op.padding()),
        few_pixels_(OutputPixels(task) <= kFewPixels),
        groups_in_row_(int64_t{kernel_} * channels_ / gemm.depth),
        padded_(task, outside),
        panels_(task, gemm, weights),
        finisher_(std::move(finisher)) {
    const int64_t slice = std::max<int64_t>(
        1, kPanelSliceBytes / (gemm.columns * gemm.depth * int64_t{sizeof(B)}));
    // Slices of nearly equal length.
    groups_in_slice_ =
        CeilDivide(groups_in_row_, CeilDivide(groups_in_row_, slice));
    blocks_ = few_pixels_ ? 1 : Blocks(context);
    block_rows_ = static_cast<int>(CeilDivide(out_height_, blocks_));
  }

  int64_t packed_bytes() const override { return panels_.bytes(); }
  std::string description() const override { return description_; }
  int64_t scratch_bytes() const override {
    return shared_bytes() + workers_.places() * place_bytes();
  }

  absl::Status Run(const ConvolutionBuffers& buffers) override {
    if (few_pixels_) {
      RunByChannels(buffers);
    } else {
      RunByRows(buffers);
    }
    return absl::OkStatus();
  }

 private:
  // Rounds of RunByRows: a few rows of output each.
  int64_t Blocks(const PlanContext& context) const {
    const int64_t row_bytes = stride_ * padded_.row_values() * sizeof(A);
    const int64_t rows = std::min<int64_t>(
        {context.cache_bytes / 5 / row_bytes,
         kMostTilesInBlock / CeilDivide(out_width_, gemm_.rows),
         out_height_ / (4 * context.threads)});
    const int64_t blocks = CeilDivide(out_height_, std::max<int64_t>(1, rows));
    return std::min<int64_t>(out_height_, EvenBlocks(blocks, context));
  }

  // Rows of padded input under `rows` rows of output.
  int input_rows(int rows) const { return (rows - 1) * stride_ + kernel_; }

  int64_t padded_bytes(int rows) const {
    return RoundUp(rows * padded_.row_values() * sizeof(A), 64);
  }
  int64_t sums_bytes() const {
    return int64_t{block_rows_} * out_width_ * gemm_.columns * sizeof(C);
  }
  int64_t shared_bytes() const {
    return few_pixels_ ? padded_bytes(padded_rows_) : 0;
  }
  int64_t place_bytes() const {
    return RoundUp(sums_bytes(), 64) +
           (few_pixels_ ? 0 : padded_bytes(input_rows(block_rows_)));
  }
  char* place_memory(const ConvolutionBuffers& buffers, int place) const {
    return static_cast<char*>(buffers.scratch) + shared_bytes() +
           place * place_bytes();
  }

  // The rows of a block times one slice of a panel.
  void MultiplySlice(const Block<A, C>& block, int kernel_row, int64_t k,
                     int64_t groups, const B* slice) const {
    const int64_t slice_values = groups * gemm_.depth * gemm_.columns;
    // The rows share in prefetching the next slice.
    Prefetch next;
    next.bytes = CeilDivide(slice_values * int64_t{sizeof(B)}, block.rows);
    next.panel = slice + slice_values;
    for (int row = 0; row < block.rows; ++row) {
      const A* const a = block.padded +
                         (row * stride_ + kernel_row) * padded_.row_values() +
                         k * gemm_.depth;
      C* const sums = block.sums + int64_t{row} * out_width_ * gemm_.columns;
      gemm_.run(out_width_, groups, a, stride_ * channels_, slice, sums,
                gemm_.columns, /*accumulate=*/kernel_row > 0 || k > 0, next);
      next.panel = static_cast<const char*>(next.panel) + next.bytes;
    }
  }

  void Multiply(const Block<A, C>& block, int panel,
                const ConvolutionBuffers& buffers) const {
    const B* slice = panels_.panel(0, panel);
    for (int kernel_row = 0; kernel_row < kernel_; ++kernel_row) {
      for (int64_t k = 0; k < groups_in_row_; k += groups_in_slice_) {
        const int64_t groups = std::min(groups_in_slice_, groups_in_row_ - k);
        MultiplySlice(block, kernel_row, k, groups, slice);
        slice += groups * gemm_.depth * gemm_.columns;
      }
    }
    const int column = panel * gemm_.columns;
    finisher_->Finish(block.sums, gemm_.columns,
                      int64_t{block.first_row} * out_width_,
                      block.rows * out_width_, column,
                      std::min(gemm_.columns, out_channels_ - column), buffers);
  }

  void RunByRows(const ConvolutionBuffers& buffers) {
    const A* const input = static_cast<const A*>(buffers.input);
    const Parts blocks(out_height_, blocks_);
    workers_.Loop(blocks_, [&](int64_t i, int place) {
      char* const memory = place_memory(buffers, place);
      A* const padded =
          reinterpret_cast<A*>(memory + RoundUp(sums_bytes(), 64));
      Block<A, C> block;
      block.first_row = static_cast<int>(blocks.begin(i));
      block.rows = static_cast<int>(blocks.end(i)) - block.first_row;
      block.padded = padded;
      block.sums = reinterpret_cast<C*>(memory);
      for (int row = 0; row < input_rows(block.rows); ++row) {
        padded_.CopyRow(input, block.first_row * stride_ + row,
                        padded + row * padded_.row_values());
      }
      for (int panel = 0; panel < panels_.panels(); ++panel) {
        Multiply(block, panel, buffers);
      }
    });
  }

  void RunByChannels(const ConvolutionBuffers& buffers) {
    const A* const input = static_cast<const A*>(buffers.input);
    A* const padded = static_cast<A*>(buffers.scratch);
    workers_.pool().Loop(padded_rows_, [&](int64_t row) {
      padded_.CopyRow(input, static_cast<int>(row),
                      padded + row * padded_.row_values());
    });
    workers_.Loop(panels_.panels(), [&](int64_t panel, int place) {
      Block<A, C> block;
      block.rows = out_height_;
      block.padded = padded;
      block.sums = reinterpret_cast<C*>(place_memory(buffers, place));
      Multiply(block, static_cast<int>(panel), buffers);
    });
  }

  Workers& workers_;
  const GemmType gemm_;
  const std::string description_;
  const int kernel_;
  const int stride_;
  const int64_t channels_;
  const int out_channels_;
  const int out_width_;
  const int out_height_;
  const int padded_rows_;
  const bool few_pixels_;
  const int64_t groups_in_row_;  // of k, in one row of the kernel
  const PaddedInput<A> padded_;
  const DirectPanels<B> panels_;
  const std::unique_ptr<Finisher> finisher_;
  int64_t groups_in_slice_ = 0;
  int64_t blocks_ = 0;
  int block_rows_ = 0;  // the most of a block
};

// Groups of k in a row of the kernel: with fewer, sums that go through memory
// once a row cost more than gathering. Measured for INT8 with AVX-512: 3.1 ms
// against 2.9 with 24 groups (32 channels), equal from 96 on.
constexpr int kFewestGroups = 96;

// A product that takes several rows at a time would get them here from one row
// of output, a few channels deep: it is better off with gathered ones.
template <typename GemmType>
bool Fits(const ConvolutionTask& task, const GemmType& gemm) {
  const int64_t distance = int64_t{task.op.stride()} * task.input.channels() *
                           sizeof(typename GemmTypes<GemmType>::A);
  return gemm.rows > 0 && gemm.row_step == 1 && task.op.kernel() > 1 &&
         task.op.groups() == 1 && task.input.channels() % gemm.depth == 0 &&
         task.op.kernel() * task.input.channels() / gemm.depth >=
             kFewestGroups &&
         distance % kAliasBytes != 0;
}

}  // namespace

bool ShiftedPays(const ConvolutionTask& task, const PlanContext& context) {
  return task.precision == FP32 ? Fits(task, context.kernels->gemm_f32)
                                : Fits(task, context.kernels->gemm_u8);
}

std::unique_ptr<Convolution> NewShifted(const ConvolutionTask& task,
                                        const PlanContext& context,
                                        std::string description) {
  const KernelSet& kernels = *context.kernels;
  if (task.precision == FP32) {
    return std::make_unique<Shifted<GemmF32, RealFinisher>>(
        task, context, kernels.gemm_f32, task.float_weights, 0.0f,
        std::make_unique<RealFinisher>(task, kernels), std::move(description));
  }
  return std::make_unique<Shifted<GemmU8, ByteFinisher>>(
      task, context, kernels.gemm_u8, task.int8_weights,
      static_cast<uint8_t>(task.input_quantization.zero_point()),
      std::make_unique<ByteFinisher>(task, BiasOfBytes(task), kernels),
      std::move(description));
}

}  // namespace native
}  // namespace yoloq
