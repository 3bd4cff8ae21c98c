// Memory for packed parameters.
#ifndef YOLOQ_HW_NATIVE_ALIGNED_BUFFER_H_
#define YOLOQ_HW_NATIVE_ALIGNED_BUFFER_H_

#include <cstdint>
#include <cstring>
#include <new>

#include "hw/runtime/memory_block.h"

namespace yoloq {
namespace native {

// `size` values of T, all bytes zero, in a MemoryBlock. Ends the program like
// operator new when memory is out.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t size)
      : block_(NewMemoryBlock(size * static_cast<int64_t>(sizeof(T)))),
        size_(size) {
    if (block_.data == nullptr) throw std::bad_alloc();
    std::memset(block_.data.get(), 0, block_.bytes);
  }

  T* data() { return static_cast<T*>(block_.data.get()); }
  const T* data() const { return static_cast<const T*>(block_.data.get()); }
  int64_t size() const { return size_; }
  int64_t bytes() const { return size_ * static_cast<int64_t>(sizeof(T)); }

 private:
  MemoryBlock block_;
  int64_t size_ = 0;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_ALIGNED_BUFFER_H_
