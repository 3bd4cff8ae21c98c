// Which form of Winograd's algorithm.
#ifndef YOLOQ_HW_NATIVE_WINOGRAD_FORM_H_
#define YOLOQ_HW_NATIVE_WINOGRAD_FORM_H_

namespace yoloq {
namespace native {

struct WinogradForm {
  int outputs = 4;  // side of a tile of outputs: 2 or 4
  // Keeps the weights as they are and transforms them in each run: 9 values a
  // kernel come from memory, not 36 larger ones. Only with 4 outputs.
  bool weights_in_run = false;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_WINOGRAD_FORM_H_
