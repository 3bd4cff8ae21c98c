// Packs weights into the panels of a Gemm: see kernels.h.
#ifndef YOLOQ_HW_NATIVE_PACKING_H_
#define YOLOQ_HW_NATIVE_PACKING_H_

#include <cstdint>

namespace yoloq {
namespace native {

// The position of element (k, column) in a panel of `columns` and `depth`.
inline int64_t PanelIndex(int64_t k, int column, int columns, int depth) {
  return (k / depth * columns + column) * depth + k % depth;
}

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_PACKING_H_
