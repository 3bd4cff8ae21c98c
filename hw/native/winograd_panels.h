// Weights of Winograd's algorithm as panels of a Gemm, one panel a frequency:
// transformed at load, or kept as they are and transformed each time that they
// are used, where reading four to eight times the bytes would take longer.
#ifndef YOLOQ_HW_NATIVE_WINOGRAD_PANELS_H_
#define YOLOQ_HW_NATIVE_WINOGRAD_PANELS_H_

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
    if (transform.has_value()) {
      PackPlain(weights);
    } else {
      PackTransformed(g, weights);
    }
  }

  const PanelShape& shape() const { return shape_; }
  int64_t bytes() const { return transformed_.bytes() + plain_.bytes(); }

  // What Row needs.
  int64_t scratch_bytes() const {
    return transform_.has_value()
               ? RoundUp(side_ * scratch_stride() * int64_t{sizeof(V)} +
                             kSlackBytes,
                         64)
               : 0;
  }

  // Frequencies row * side to row * side + side - 1 of a panel. They are in
  // `scratch`, aligned to 64 bytes, where weights are transformed in the run.
  FrequencyRow<V> Row(int panel, int row, V* scratch) const {
    if (!transform_.has_value()) {
      return {transformed_.data() + panel * panel_values() +
                  row * side_ * frequency_values(),
              frequency_values()};
    }
    transform_->rows[row](plain_.data() + panel * plain_values(), shape_.groups,
                          static_cast<int>(shape_.group_values()), scratch,
                          scratch_stride());
    return {scratch, scratch_stride()};
  }

 private:
  static constexpr int kTaps = 9;
  // Products read so far beyond a panel.
  static constexpr int64_t kSlackBytes = 64;

  int64_t frequency_values() const {
    return shape_.groups * shape_.group_values();
  }
  int64_t panel_values() const { return side_ * side_ * frequency_values(); }
  int64_t plain_values() const { return kTaps * frequency_values(); }

  int64_t scratch_stride() const {
    return OddLines(frequency_values(), sizeof(V));
  }

  // [panel][group of k][tap][column][k in the group].
  void PackPlain(absl::Span<const Weight> weights) {
    plain_ = AlignedBuffer<Weight>(shape_.panels() * plain_values());
    ForEachKernel(weights, [&](int panel, int64_t place, const Weight* kernel) {
      const int64_t group = place / shape_.group_values();
      Weight* const to = plain_.data() + panel * plain_values() + place +
                         group * (kTaps - 1) * shape_.group_values();
      for (int tap = 0; tap < kTaps; ++tap) {
        to[tap * shape_.group_values()] = kernel[tap];
      }
    });
  }

  // [panel][frequency][group of k][column][k in the group].
  void PackTransformed(const int (*g)[3], absl::Span<const Weight> weights) {
    using Number = std::conditional_t<std::is_integral_v<Weight>, int, double>;
    transformed_ =
        AlignedBuffer<V>(shape_.panels() * panel_values() +
                         kSlackBytes / static_cast<int64_t>(sizeof(V)));
    ForEachKernel(weights, [&](int panel, int64_t place, const Weight* kernel) {
      Number u[36];
      TransformKernel(g, side_, kernel, u);
      V* const to = transformed_.data() + panel * panel_values() + place;
      for (int f = 0; f < side_ * side_; ++f) {
        to[f * frequency_values()] = static_cast<V>(u[f]);
      }
    });
  }

  // With the panel of each kernel and its place in [group of k][column][k in
  // the group].
  template <typename Function>
  void ForEachKernel(absl::Span<const Weight> weights,
                     Function function) const {
    for (int n = 0; n < shape_.out_channels; ++n) {
      for (int c = 0; c < shape_.channels; ++c) {
        const int64_t place = c / shape_.depth * shape_.group_values() +
                              n % shape_.columns * shape_.depth +
                              c % shape_.depth;
        function(n / shape_.columns, place,
                 weights.data() + (int64_t{n} * shape_.channels + c) * kTaps);
      }
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
