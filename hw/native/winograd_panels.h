// Weights of Winograd's algorithm as panels of a Gemm, one panel a frequency:
// transformed at load, or kept as they are and transformed each time that they
// are used, where reading four to eight times the bytes would take longer.
#ifndef YOLOQ_HW_NATIVE_WINOGRAD_PANELS_H_
#define YOLOQ_HW_NATIVE_WINOGRAD_PANELS_H_

#include <cstdint>
#include <type_traits>

#include "absl/types/span.h"
#include "hw/native/aligned_buffer.h"
#include "hw/native/kernels.h"
#include "hw/native/winograd_weights.h"
#include "hw/native/workers.h"

namespace yoloq {
namespace native {

// `values` values, rounded up to an odd number of cache lines: at such a
// distance the frequencies of one tile fall into different sets of a cache.
inline int64_t OddLines(int64_t values, int64_t value_bytes) {
  return (CeilDivide(values * value_bytes, 64) | 1) * 64 / value_bytes;
}

// The shape of the panels: `channels` values of k, padded to whole groups of
// `depth`, by `out_channels` in panels of `columns`.
struct PanelShape {
  int channels = 0;
  int out_channels = 0;
  int columns = 0;
  int depth = 0;

  int panels() const {
    return static_cast<int>(CeilDivide(out_channels, columns));
  }
  int64_t groups() const { return CeilDivide(channels, depth); }
  // Values of one group of k.
  int64_t group_values() const { return int64_t{columns} * depth; }
};

// Groups of k of one panel, transformed: those of frequency f are at
// values + f * stride.
template <typename V>
struct Frequencies {
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
  // `transform` by the same G is null where weights are transformed at load.
  WinogradPanels(const PanelShape& shape, int side, const int (*g)[3],
                 absl::Span<const Weight> weights,
                 WeightTransform<Weight, V> transform)
      : shape_(shape), side_(side), transform_(transform) {
    if (in_run()) {
      PackPlain(weights);
    } else {
      PackTransformed(g, weights);
    }
  }

  const PanelShape& shape() const { return shape_; }
  bool in_run() const { return transform_ != nullptr; }
  int64_t bytes() const { return transformed_.bytes() + plain_.bytes(); }

  // What Groups needs for `groups` groups of k.
  int64_t scratch_bytes(int64_t groups) const {
    return in_run() ? side_ * side_ * scratch_stride(groups) *
                          static_cast<int64_t>(sizeof(V))
                    : 0;
  }

  // Groups [first, first + groups) of k of one panel. They are in `scratch`,
  // aligned to 64 bytes, where weights are transformed in the run.
  Frequencies<V> Groups(int panel, int64_t first, int64_t groups,
                        V* scratch) const {
    if (!in_run()) {
      return {transformed_.data() + panel * panel_values() +
                  first * shape_.group_values(),
              frequency_values()};
    }
    const int64_t stride = scratch_stride(groups);
    transform_(plain_.data() + panel * plain_values() +
                   first * kTaps * shape_.group_values(),
               groups, static_cast<int>(shape_.group_values()), scratch,
               stride);
    return {scratch, stride};
  }

 private:
  static constexpr int kTaps = 9;
  // Products read so far beyond a panel.
  static constexpr int64_t kSlackBytes = 64;

  int64_t frequency_values() const {
    return shape_.groups() * shape_.group_values();
  }
  int64_t panel_values() const { return side_ * side_ * frequency_values(); }
  int64_t plain_values() const { return kTaps * frequency_values(); }

  int64_t scratch_stride(int64_t groups) const {
    return OddLines(groups * shape_.group_values(), sizeof(V));
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
  WeightTransform<Weight, V> transform_;
  AlignedBuffer<V> transformed_;
  AlignedBuffer<Weight> plain_;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WINOGRAD_PANELS_H_
