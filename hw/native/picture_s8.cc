#include "hw/native/picture_s8.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "hw/native/aligned_buffer.h"
#include "hw/native/finisher.h"
#include "hw/native/signed_bytes.h"

namespace yoloq {
namespace native {
namespace {

constexpr int kKernel = 3;
constexpr int kChannels = 3;
constexpr int kTaps = kKernel * kKernel * kChannels;
// Output pixels whose sums are finished together.
constexpr int kPixelsInRun = 32;
// Kernels read so far beyond a row, and epilogues take whole blocks of sums.
constexpr int64_t kSlackBytes = 16;
constexpr int64_t kBlock = 16;

class PictureS8 : public Convolution {
 public:
  PictureS8(const ConvolutionTask& task, const PlanContext& context,
            std::string description)
      : workers_(*context.workers),
        gemm_(context.kernels->picture),
        description_(std::move(description)),
        out_channels_(task.op.out_channels()),
        panels_(static_cast<int>(CeilDivide(out_channels_, gemm_.columns))),
        columns_(RoundUp(out_channels_, kBlock)),
        input_(task.input),
        output_(task.output),
        stride_(task.op.stride()),
        padding_(task.op.padding()),
        zero_point_(task.input_quantization.zero_point()),
        row_bytes_((int64_t{input_.width()} + 2 * padding_) * kChannels +
                   kSlackBytes),
        finisher_(task, BiasOfSignedBytes(task), *context.kernels,
                  ByteFinisher::BiasedSums{}),
        packed_((int64_t{panels_} + 1) * gemm_.panel_bytes) {
    std::vector<int8_t> columns(gemm_.columns * kTaps);
    for (int panel = 0; panel < panels_; ++panel) {
      std::fill(columns.begin(), columns.end(), 0);
      const int first = panel * gemm_.columns;
      const int count = std::min(gemm_.columns, out_channels_ - first);
      for (int j = 0; j < count; ++j) {
        const int8_t* const from =
            task.int8_weights.data() + int64_t{first + j} * kTaps;
        for (int k = 0; k < kTaps; ++k) {
          columns[j * kTaps + k] =
              from[k % kChannels * kKernel * kKernel + k / kChannels];
        }
      }
      gemm_.pack(columns.data(), packed_.data() + panel * gemm_.panel_bytes);
    }
  }

  int64_t packed_bytes() const override { return packed_.bytes(); }
  std::string description() const override { return description_; }

  int64_t scratch_bytes() const override {
    return workers_.places() * place_bytes();
  }

  absl::Status Run(const ConvolutionBuffers& buffers) override {
    workers_.Loop(output_.height(), [&](int64_t y, int place) {
      char* const memory =
          static_cast<char*>(buffers.scratch) + place * place_bytes();
      uint8_t* const rows = reinterpret_cast<uint8_t*>(memory + sums_bytes());
      CopyRows(static_cast<const uint8_t*>(buffers.input), static_cast<int>(y),
               rows);
      FinishRow(rows, static_cast<int>(y), reinterpret_cast<int32_t*>(memory),
                buffers);
    });
    return absl::OkStatus();
  }

 private:
  int64_t sums_bytes() const {
    return kPixelsInRun * columns_ * int64_t{sizeof(int32_t)};
  }
  int64_t place_bytes() const {
    return RoundUp(sums_bytes() + kKernel * row_bytes_, 64);
  }

  // The rows under output row y, with padding.
  void CopyRows(const uint8_t* input, int y, uint8_t* to) const {
    const int64_t bytes = int64_t{input_.width()} * kChannels;
    for (int i = 0; i < kKernel; ++i, to += row_bytes_) {
      const int from = y * stride_ - padding_ + i;
      if (from < 0 || from >= input_.height()) {
        std::memset(to, zero_point_, row_bytes_);
        continue;
      }
      const int64_t left = padding_ * kChannels;
      std::memset(to, zero_point_, left);
      std::memcpy(to + left, input + from * bytes, bytes);
      std::memset(to + left + bytes, zero_point_, row_bytes_ - left - bytes);
    }
  }

  void FinishRow(const uint8_t* rows, int y, int32_t* sums,
                 const ConvolutionBuffers& buffers) const {
    const int64_t pixel_bytes = int64_t{stride_} * kChannels;
    for (int x = 0; x < output_.width(); x += kPixelsInRun) {
      const int pixels = std::min(kPixelsInRun, output_.width() - x);
      gemm_.run(rows + x * pixel_bytes, row_bytes_, pixel_bytes, pixels,
                panels_, packed_.data(), finisher_.bias(), sums, columns_);
      finisher_.Finish(sums, columns_, int64_t{y} * output_.width() + x, pixels,
                       0, out_channels_, buffers);
    }
  }

  Workers& workers_;
  const PictureGemm gemm_;
  const std::string description_;
  const int out_channels_;
  const int panels_;
  const int64_t columns_;  // of sums
  const Shape input_;
  const Shape output_;
  const int stride_;
  const int padding_;
  const int zero_point_;
  const int64_t row_bytes_;  // of a copied row
  const ByteFinisher finisher_;
  AlignedBuffer<int8_t> packed_;
};

}  // namespace

bool PictureS8IsPossible(const ConvolutionTask& task,
                         const KernelSet& kernels) {
  return kernels.picture.columns > 0 && task.op.kernel() == kKernel &&
         task.op.groups() == 1 && task.input.channels() == kChannels &&
         task.input_stride == kChannels;
}

Cost PictureS8Cost(const ConvolutionTask& task, const PlanContext& context) {
  const PictureGemm& gemm = context.kernels->picture;
  const double pixels = OutputPixels(task);
  const int64_t columns = RoundUp(task.op.out_channels(), gemm.columns);
  Cost cost;
  cost.multiplies = pixels * (kTaps + 1) * columns;
  cost.multiply_cycles = cost.multiplies / gemm.rate;
  // Instructions: a pixel's taps, and the epilogue.
  cost.transform_cycles = pixels * (31.0 + 2.5 * columns);
  cost.packed_bytes = columns / gemm.columns * gemm.panel_bytes;
  cost.traffic = TensorTraffic(task);
  cost.traffic.weights = static_cast<double>(cost.packed_bytes);
  return cost;
}

std::unique_ptr<Convolution> NewPictureS8(const ConvolutionTask& task,
                                          const PlanContext& context,
                                          std::string description) {
  return std::make_unique<PictureS8>(task, context, std::move(description));
}

}  // namespace native
}  // namespace yoloq
