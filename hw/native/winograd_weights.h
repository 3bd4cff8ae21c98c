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
// G g G^T of one kernel; `side` frequencies each way.
template <typename G, typename Number, typename Weight>
void TransformKernel(const G (*g)[3], int side, const Weight* kernel,
                     Number* u) {
  Number rows[6][3];
  for (int i = 0; i < side; ++i) {
    for (int x = 0; x < 3; ++x) {
      rows[i][x] = 0;
      for (int y = 0; y < 3; ++y) rows[i][x] += g[i][y] * kernel[y * 3 + x];
    }
  }
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      u[i * side + j] = 0;
      for (int x = 0; x < 3; ++x) u[i * side + j] += rows[i][x] * g[j][x];
    }
  }
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WINOGRAD_WEIGHTS_H_
