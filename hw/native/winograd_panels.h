// Weights of Winograd's algorithm as panels of a Gemm, one panel a frequency:
// transformed at load, or kept as they are and transformed each time that they
// are used, where reading four to eight times the bytes would take longer.
#ifndef YOLOQ_HW_NATIVE_WINOGRAD_PANELS_H_
#define YOLOQ_HW_NATIVE_WINOGRAD_PANELS_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "hw/native/aligned_buffer.h"
#include "hw/native/kernels.h"
#include "hw/native/winograd_form.h"
#include "hw/native/winograd_weights.h"
#include "hw/native/workers.h"

namespace yoloq {
namespace native {

// `values` values, rounded up to an odd number of cache lines: at such a
// distance the frequencies of one tile fall into different sets of a cache.
inline int64_t OddLines(int64_t values, int64_t value_bytes) {
  return (CeilDivide(values * value_bytes, 64) | 1) * 64 / value_bytes;
}

// The shape of the panels: `groups` groups of `depth` values of k, of which the
// first `channels` are not padding, by `out_channels` in panels of `columns`.
struct PanelShape {
  int channels = 0;
  int out_channels = 0;
  int columns = 0;
  int depth = 0;
  int64_t groups = 0;

  int panels() const {
    return static_cast<int>(CeilDivide(out_channels, columns));
  }
  // Values of one group of k.
  int64_t group_values() const { return int64_t{columns} * depth; }
};

// The transform where a form asks for it.
template <typename Transform>
absl::optional<Transform> InRun(const WinogradForm& form,
                                const Transform& transform) {
  if (!form.weights_in_run) return absl::nullopt;
  return transform;
}

// A row of frequencies of one panel: the x-th is at values + x * stride.
template <typename V>
struct FrequencyRow {
  const V* values = nullptr;
  int64_t stride = 0;
};

// `Weight` is int8_t or float, `V` its transformed type. Both ways give the
// same integers; reals are rounded once at load, and after each step in the
// run.
template <typename Weight, typename V>
class WinogradPanels {
 public:
  // `weights`: [out channel][channel][row][column]; g: the `side` rows of G.
  // `transform` by the same G where weights are transformed in the run.
  WinogradPanels(const PanelShape& shape, int side, const int (*g)[3],
                 absl::Span<const Weight> weights,
                 absl::optional<WeightTransform<Weight, V>> transform)
      : shape_(shape), side_(side), transform_(transform) {
    PackPlain(weights);
    if (transform.has_value()) return;
    Transform(g);
    plain_ = AlignedBuffer<Weight>();
  }

  const PanelShape& shape() const { return shape_; }
  int64_t bytes() const { return transformed_.bytes() + plain_.bytes(); }

  bool in_run() const { return transform_.has_value(); }

  // What Row needs for so many groups of k.
  int64_t scratch_bytes(int64_t groups) const {
    return in_run()
               ? RoundUp(side_ * scratch_stride(groups) * int64_t{sizeof(V)} +
                             kSlackBytes,
                         64)
               : 0;
  }

  // Frequencies row * side to row * side + side - 1 of a panel, groups of k
  // [first, first + groups). They are in `scratch`, aligned to 64 bytes, where
  // weights are transformed in the run.
  FrequencyRow<V> Row(int panel, int row, int64_t first, int64_t groups,
                      V* scratch) const {
    if (!in_run()) {
      return {transformed_.data() + panel * panel_values() +
                  row * side_ * frequency_values() +
                  first * shape_.group_values(),
              frequency_values()};
    }
    transform_->rows[row](plain_.data() + panel * plain_values() +
                              first * kTaps * shape_.group_values(),
                          groups, static_cast<int>(shape_.group_values()),
                          scratch, scratch_stride(groups));
    return {scratch, scratch_stride(groups)};
  }

 private:
  static constexpr int kTaps = 9;
  // Products read so far beyond a panel.
  static constexpr int64_t kSlackBytes = 64;
  // Kernels transformed together at load.
  static constexpr int kBlock = 8;

  int64_t frequency_values() const {
    return shape_.groups * shape_.group_values();
  }
  int64_t panel_values() const { return side_ * side_ * frequency_values(); }
  int64_t plain_values() const { return kTaps * frequency_values(); }

  int64_t scratch_stride(int64_t groups) const {
    return OddLines(groups * shape_.group_values(), sizeof(V));
  }

  // [panel][group of k][tap][column][k in the group].
  void PackPlain(absl::Span<const Weight> weights) {
    plain_ = AlignedBuffer<Weight>(shape_.panels() * plain_values());
    const Weight* kernel = weights.data();
    for (int n = 0; n < shape_.out_channels; ++n) {
      Weight* const column = plain_.data() +
                             n / shape_.columns * plain_values() +
                             n % shape_.columns * shape_.depth;
      for (int c = 0; c < shape_.channels; ++c, kernel += kTaps) {
        Weight* const to = column +
                           c / shape_.depth * kTaps * shape_.group_values() +
                           c % shape_.depth;
        for (int tap = 0; tap < kTaps; ++tap) {
          to[tap * shape_.group_values()] = kernel[tap];
        }
      }
    }
  }

  // From the plain weights: [panel][frequency][group of k][column][k in the
  // group].
  void Transform(const int (*g)[3]) {
    transformed_ =
        AlignedBuffer<V>(shape_.panels() * panel_values() +
                         kSlackBytes / static_cast<int64_t>(sizeof(V)));
    for (int panel = 0; panel < shape_.panels(); ++panel) {
      const Weight* from = plain_.data() + panel * plain_values();
      V* to = transformed_.data() + panel * panel_values();
      for (int64_t group = 0; group < shape_.groups; ++group) {
        for (int64_t i = 0; i < shape_.group_values(); i += kBlock) {
          TransformBlock(g, from + i, to + i);
        }
        from += kTaps * shape_.group_values();
        to += shape_.group_values();
      }
    }
  }

  // kBlock kernels, which divide a group.
  void TransformBlock(const int (*g)[3], const Weight* from, V* to) {
    using Number =
        std::conditional_t<std::is_integral_v<Weight>, int16_t, double>;
    Number taps[kTaps][kBlock];
    for (int tap = 0; tap < kTaps; ++tap) {
      std::copy_n(from + tap * shape_.group_values(), kBlock, taps[tap]);
    }
    Number u[36][kBlock];
    TransformKernels(g, side_, taps, u);
    for (int f = 0; f < side_ * side_; ++f) {
      std::copy_n(u[f], kBlock, to + f * frequency_values());
    }
  }

  PanelShape shape_;
  int side_;
  absl::optional<WeightTransform<Weight, V>> transform_;
  AlignedBuffer<V> transformed_;
  AlignedBuffer<Weight> plain_;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WINOGRAD_PANELS_H_
