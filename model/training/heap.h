// Keeps freed memory for the next step instead of handing it back to the
// kernel.
#ifndef YOLOQ_MODEL_TRAINING_HEAP_H_
#define YOLOQ_MODEL_TRAINING_HEAP_H_

namespace yoloq {

// As long as one lives, malloc neither maps large blocks one by one nor trims
// its heap: a training step allocates hundreds of tensors, and to fault their
// pages in each time took three times as long as to compute them (slim network,
// training_benchmark.cc). Afterwards what is free goes back to the kernel. Does
// nothing without glibc.
class KeepHeap {
 public:
  KeepHeap();
  ~KeepHeap();

  KeepHeap(const KeepHeap&) = delete;
  KeepHeap& operator=(const KeepHeap&) = delete;
};

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_HEAP_H_
