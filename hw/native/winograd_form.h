// Which form of Winograd's algorithm.
#ifndef YOLOQ_HW_NATIVE_WINOGRAD_FORM_H_
#define YOLOQ_HW_NATIVE_WINOGRAD_FORM_H_

namespace yoloq {
namespace native {

struct WinogradForm {
  int outputs = 4;  // side of a tile of outputs: 2 or 4
  // 2, with 4 outputs: even rows of pixels meet the kernel's first and last
  // row, F(4, 2), odd ones its middle row alone; columns likewise.
  int stride = 1;
  // Keeps the weights as they are and transforms them in each run: 9 values a
  // kernel come from memory, not 36, which for INT8 have twice the size. Only
  // with 4 outputs at stride 1.
  bool weights_in_run = false;

  // F(4,3), which has smaller tiles too (WinogradTiles).
  bool is_f4_3() const { return outputs == 4 && stride == 1; }

  // Sides of a tile of input pixels, and of the frequencies of a kernel.
  int pixels() const { return (outputs - 1) * stride + 3; }
  int frequencies() const { return outputs + 2; }
  // Transformed pixels are planes, as many as there are pixels: each frequency
  // of kernels multiplies PlanesAlong(row) * PlanesAlong(column) of them, one
  // frequency's after another's.
  int PlanesAlong(int frequency) const {
    return stride == 2 && frequency == outputs + 1 ? outputs : 1;
  }
  // Planes of a row of frequencies.
  int PlanesInRow(int row) const { return PlanesAlong(row) * pixels(); }
  // Lines of a tile's values, `pixels()` each, in the order of rows: this row
  // of frequencies has PlanesAlong(row) of them, the first being line `row`.
  // Value j of the i-th is this plane of the row's.
  int PlaneInRow(int row, int i, int j) const {
    const int lines = PlanesAlong(row);
    if (stride == 1 || j <= outputs) return j * lines + i;
    return (outputs + 1) * lines + i * outputs + j - outputs - 1;
  }
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WINOGRAD_FORM_H_
