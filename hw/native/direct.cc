#include "hw/native/direct.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "hw/native/direct_panels.h"
#include "hw/native/finisher.h"
#include "hw/native/gather.h"

namespace yoloq {
namespace native {
namespace {

// Rows in a round of gathering that all threads share: few, whatever a tile
// has.
constexpr int64_t kGatheredTogether = 16;

// The most tiles of rows, each `depth` values, that take a slice of a panel one
// after another. Rows, their sums and the slice share the first-level cache:
// with AVX-512 VNNI direct layers took 3 % less time with 56 rows than with
// 112. Short rows keep 112, as what each block costs besides counts for more
// there, and so do AMX's tiles, which are large.
template <typename GemmType>
int64_t MostTilesInBlock(const GemmType& gemm, int64_t depth) {
  constexpr int64_t kMostTiles = 8;
  constexpr int64_t kMostRows = 56;
  constexpr int64_t kShortDepth = 64;
  if (depth < kShortDepth || gemm.row_step > 1) return kMostTiles;
  return std::clamp<int64_t>(kMostRows / gemm.rows, 1, kMostTiles);
}

bool AtFewPixels(const ConvolutionTask& task) {
  return OutputPixels(task) <= kFewPixels;
}

// Whether the rows of the matrix lie in the input as they are.
template <typename In, typename A>
bool InPlace(const ConvolutionTask& task, int depth) {
  return sizeof(In) == sizeof(A) && task.op.kernel() == 1 &&
         task.op.stride() == 1 && task.op.padding() == 0 &&
         GroupChannels(task) % depth == 0 &&
         task.input_stride * sizeof(In) % kAliasBytes != 0;
}

template <typename In, typename GemmType, typename Finisher>
class Direct : public Convolution {
 public:
  using A = typename GemmTypes<GemmType>::A;
  using B = typename GemmTypes<GemmType>::B;
  using C = typename GemmTypes<GemmType>::C;

  template <typename W, typename... Arguments>
  Direct(const ConvolutionTask& task, const PlanContext& context,
         const GemmType& gemm, absl::Span<const W> weights, A outside,
         std::string description, Arguments&&... finisher)
      : workers_(*context.workers),
        gemm_(gemm),
        description_(std::move(description)),
        groups_(task.op.groups()),
        group_inputs_(GroupChannels(task)),
        group_outputs_(task.op.out_channels() / groups_),
        pixels_(OutputPixels(task)),
        input_stride_(task.input_stride),
        depth_(MatrixDepth(task, gemm.depth)),
        panels_(task, gemm, weights),
        in_place_(InPlace<In, A>(task, gemm.depth)),
        few_pixels_(AtFewPixels(task)),
        gatherer_(task, *context.kernels, static_cast<int>(depth_), outside),
        finisher_(task, std::forward<Arguments>(finisher)...) {
    row_stride_ = in_place_ ? input_stride_ : RoundUp(depth_, 64 / sizeof(A));
    if (!in_place_ && row_stride_ * sizeof(A) % kAliasBytes == 0) {
      row_stride_ += 64 / sizeof(A);
    }
    groups_of_k_ = std::max<int64_t>(
        1, kPanelSliceBytes / (gemm.columns * gemm.depth * int64_t{sizeof(B)}));
    PlanBlocks(context);
  }

  int64_t packed_bytes() const override { return panels_.bytes(); }

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
  // Rounds of RunByPixels and the most rows in one.
  void PlanBlocks(const PlanContext& context) {
    const int64_t tiles = CeilDivide(pixels_, gemm_.rows);
    if (few_pixels_) {
      blocks_ = 1;
      block_rows_ = pixels_;
      return;
    }
    const int64_t tile_bytes = gemm_.rows * row_stride_ * int64_t{sizeof(A)};
    const int64_t fitting =
        std::max<int64_t>(1, context.cache_bytes / 5 / tile_bytes);
    const int64_t balanced =
        std::max<int64_t>(1, tiles / (4 * context.threads));
    const int64_t in_block =
        std::min({fitting, balanced, MostTilesInBlock(gemm_, depth_)});
    blocks_ = std::min(tiles, EvenBlocks(CeilDivide(tiles, in_block), context));
    block_rows_ = Parts(pixels_, blocks_, gemm_.row_step).most();
  }

  int64_t gathered_bytes(int64_t rows) const {
    return in_place_ ? 0 : RoundUp(rows * row_stride_ * sizeof(A), 64);
  }
  int64_t sums_bytes() const {
    return RoundUp(block_rows_ * gemm_.columns * int64_t{sizeof(C)}, 64);
  }
  int64_t shared_bytes() const {
    return few_pixels_ ? gathered_bytes(pixels_) : 0;
  }
  int64_t place_bytes() const {
    return sums_bytes() + (few_pixels_ ? 0 : gathered_bytes(block_rows_));
  }
  char* place_memory(const ConvolutionBuffers& buffers, int place) const {
    return static_cast<char*>(buffers.scratch) + shared_bytes() +
           place * place_bytes();
  }

  const In* group_input(int group, const ConvolutionBuffers& buffers) const {
    return static_cast<const In*>(buffers.input) + group * group_inputs_;
  }

  // One panel times rows [0, rows) of `a`, which are the output's pixels from
  // `pixel` on.
  void Multiply(const A* a, int64_t pixel, int64_t rows, int group, int panel,
                C* sums, const ConvolutionBuffers& buffers) const {
    const B* const weights = panels_.panel(group, panel);
    const int64_t all_groups = depth_ / gemm_.depth;
    for (int64_t k = 0; k < all_groups; k += groups_of_k_) {
      const int64_t groups = std::min(groups_of_k_, all_groups - k);
      const B* const slice = weights + k * gemm_.depth * gemm_.columns;
      const int64_t slice_values = groups * gemm_.depth * gemm_.columns;
      Prefetch next;
      next.panel = slice + slice_values;
      next.bytes = slice_values * int64_t{sizeof(B)};
      gemm_.run(rows, groups, a + k * gemm_.depth, row_stride_, slice, sums,
                gemm_.columns, k > 0, next);
    }
    const int column = panel * gemm_.columns;
    finisher_.Finish(sums, gemm_.columns, pixel, static_cast<int>(rows),
                     group * group_outputs_ + column,
                     std::min(gemm_.columns, group_outputs_ - column), buffers);
  }

  void RunByPixels(int group, const ConvolutionBuffers& buffers) {
    const In* const input = group_input(group, buffers);
    const Parts blocks(pixels_, blocks_, gemm_.row_step);
    workers_.Loop(blocks_, [&](int64_t block, int place) {
      const int64_t pixel = blocks.begin(block);
      const int64_t rows = blocks.end(block) - pixel;
      char* const memory = place_memory(buffers, place);
      const A* a = nullptr;
      if (in_place_) {
        a = reinterpret_cast<const A*>(input) + pixel * input_stride_;
      } else {
        A* const gathered = reinterpret_cast<A*>(memory + sums_bytes());
        gatherer_.Gather(input, pixel, static_cast<int>(rows), gathered,
                         row_stride_);
        a = gathered;
      }
      for (int panel = 0; panel < panels_.panels(); ++panel) {
        Multiply(a, pixel, rows, group, panel, reinterpret_cast<C*>(memory),
                 buffers);
      }
    });
  }

  void RunByChannels(int group, const ConvolutionBuffers& buffers) {
    const In* const input = group_input(group, buffers);
    const A* a = reinterpret_cast<const A*>(input);
    if (!in_place_) {
      A* const gathered = static_cast<A*>(buffers.scratch);
      const Parts parts(pixels_, CeilDivide(pixels_, kGatheredTogether));
      workers_.pool().Loop(parts.size(), [&](int64_t part) {
        const int64_t begin = parts.begin(part);
        const int64_t end = parts.end(part);
        gatherer_.Gather(input, begin, static_cast<int>(end - begin),
                         gathered + begin * row_stride_, row_stride_);
      });
      a = gathered;
    }
    workers_.Loop(panels_.panels(), [&](int64_t panel, int place) {
      Multiply(a, 0, pixels_, group, static_cast<int>(panel),
               reinterpret_cast<C*>(place_memory(buffers, place)), buffers);
    });
  }

  Workers& workers_;
  const GemmType gemm_;
  const std::string description_;
  const int groups_;
  const int group_inputs_;
  const int group_outputs_;
  const int64_t pixels_;
  const int64_t input_stride_;
  const int64_t depth_;  // values of k, with padding
  const DirectPanels<B> panels_;
  const bool in_place_;
  const bool few_pixels_;
  Gatherer<In, A> gatherer_;
  Finisher finisher_;
  int64_t row_stride_ = 0;   // of gathered rows, or of the input
  int64_t groups_of_k_ = 0;  // in one pass over a block's tiles
  int64_t blocks_ = 0;
  int64_t block_rows_ = 0;  // the most of a block
};

template <typename In, typename GemmType>
Cost CostOf(const ConvolutionTask& task, const PlanContext& context,
            const GemmType& gemm) {
  using A = typename GemmTypes<GemmType>::A;
  using B = typename GemmTypes<GemmType>::B;
  const int groups = task.op.groups();
  const int64_t pixels = OutputPixels(task);
  const int64_t depth = MatrixDepth(task, gemm.depth);
  const int64_t columns =
      RoundUp(task.op.out_channels() / groups, gemm.columns) * groups;
  const CoreModel& core = context.kernels->core;
  // Operations on vectors of 32-bit values, two for each that is gathered.
  const double vector = context.kernels->lanes / 2;
  Cost cost;
  cost.multiplies =
      static_cast<double>(RoundUp(pixels, gemm.row_step)) * depth * columns;
  cost.multiply_cycles = cost.multiplies / gemm.rate;
  double operations =
      static_cast<double>(pixels) * columns * core.finish_operations / vector;
  if (!InPlace<In, A>(task, gemm.depth)) {
    operations += static_cast<double>(pixels) * groups * depth * sizeof(A) * 2 /
                  (4 * vector);
  }
  cost.transform_cycles = operations / core.vector_operations;
  cost.packed_bytes = columns * depth * sizeof(B);
  const int64_t passes =
      AtFewPixels(task)
          ? 1
          : CeilDivide(pixels, gemm.rows * MostTilesInBlock(gemm, depth));
  cost.traffic = TensorTraffic(task);
  cost.traffic.weights =
      cost.packed_bytes * PassesFromMemory(cost.packed_bytes, passes, context);
  return cost;
}

}  // namespace

Cost DirectCost(const ConvolutionTask& task, const PlanContext& context) {
  if (task.precision == FP32) {
    return CostOf<float>(task, context, context.kernels->gemm_f32);
  }
  if (context.kernels->gemm_u8.rows > 0) {
    return CostOf<uint8_t>(task, context, context.kernels->gemm_u8);
  }
  return CostOf<uint8_t>(task, context, context.kernels->gemm_s16);
}

std::unique_ptr<Convolution> NewDirect(const ConvolutionTask& task,
                                       const PlanContext& context,
                                       std::string description) {
  const KernelSet& kernels = *context.kernels;
  if (task.precision == FP32) {
    return std::make_unique<Direct<float, GemmF32, RealFinisher>>(
        task, context, kernels.gemm_f32, task.float_weights, 0.0f,
        std::move(description), kernels);
  }
  const std::vector<int32_t> bias = BiasOfBytes(task);
  const int zero_point = task.input_quantization.zero_point();
  if (kernels.gemm_u8.run != nullptr) {
    return std::make_unique<Direct<uint8_t, GemmU8, ByteFinisher>>(
        task, context, kernels.gemm_u8, task.int8_weights,
        static_cast<uint8_t>(zero_point), std::move(description),
        absl::MakeConstSpan(bias), kernels);
  }
  return std::make_unique<Direct<uint8_t, GemmS16, ByteFinisher>>(
      task, context, kernels.gemm_s16, task.int8_weights,
      static_cast<int16_t>(zero_point), std::move(description),
      absl::MakeConstSpan(bias), kernels);
}

}  // namespace native
}  // namespace yoloq
