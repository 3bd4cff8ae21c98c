// Winograd's transform of weights, in integers and in reals.
#ifndef YOLOQ_HW_NATIVE_WINOGRAD_WEIGHTS_H_
#define YOLOQ_HW_NATIVE_WINOGRAD_WEIGHTS_H_

namespace yoloq {
namespace native {

// G scaled to integers, row by row: F(2,3) by 2, F(4,3) by 24 with the last row
// by 6, for which the output transform makes up.
inline constexpr int kIntegerG2[4][3] = {
    {2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
inline constexpr int kIntegerG4[6][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                         {1, 2, 4}, {1, -2, 4},   {0, 0, 6}};
// At stride 2: F(4,2) of the taps 0 and 2 at the points 0, 1, -1, 2 and
// infinity, scaled by 6 but for the last, and tap 1 as it is.
inline constexpr int kIntegerG4Stride2[6][3] = {
    {3, 0, 0}, {-3, 0, -3}, {-1, 0, 1}, {1, 0, 2}, {0, 0, 1}, {0, 1, 0}};

// to = g[0] a + g[1] b + g[2] c, element by element.
template <int kCount, typename Number>
void WeightedSum(const int (&g)[3], const Number (&a)[kCount],
                 const Number (&b)[kCount], const Number (&c)[kCount],
                 Number (&to)[kCount]) {
  const Number g0 = static_cast<Number>(g[0]);
  const Number g1 = static_cast<Number>(g[1]);
  const Number g2 = static_cast<Number>(g[2]);
  for (int i = 0; i < kCount; ++i) {
    to[i] = static_cast<Number>(g0 * a[i] + g1 * b[i] + g2 * c[i]);
  }
}

// G g G^T of kCount kernels at once, `side` frequencies each way: from
// taps[tap] to u[frequency]. Integers wrap; transformed weights fit int16
// (README.md).
template <int kCount, typename Number>
void TransformKernels(const int (*g)[3], int side, const Number (*taps)[kCount],
                      Number (*u)[kCount]) {
  Number rows[6][3][kCount];
  for (int i = 0; i < side; ++i) {
    for (int x = 0; x < 3; ++x) {
      WeightedSum(g[i], taps[x], taps[3 + x], taps[6 + x], rows[i][x]);
    }
  }
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      WeightedSum(g[j], rows[i][0], rows[i][1], rows[i][2], u[i * side + j]);
    }
  }
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WINOGRAD_WEIGHTS_H_
