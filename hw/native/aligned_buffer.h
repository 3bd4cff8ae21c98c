// Memory for packed parameters: aligned, and in huge pages where it is large.
#ifndef YOLOQ_HW_NATIVE_ALIGNED_BUFFER_H_
#define YOLOQ_HW_NATIVE_ALIGNED_BUFFER_H_

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace yoloq {
namespace native {

// `size` values of T, all bytes zero, aligned to 64 bytes; blocks of 2 MiB and
// more to that, and the kernel is asked for huge pages. Ends the program like
// operator new when memory is out.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t size) : size_(size) {
    constexpr int64_t kHuge = int64_t{2} << 20;
    const int64_t wanted = size * static_cast<int64_t>(sizeof(T));
    const int64_t alignment = wanted >= kHuge ? kHuge : 64;
    const int64_t bytes =
        wanted < alignment ? alignment
                           : (wanted + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    if (alignment == kHuge) madvise(memory, bytes, MADV_HUGEPAGE);
    char* const begin = static_cast<char*>(memory);
    for (int64_t i = 0; i < bytes; ++i) begin[i] = 0;
    data_.reset(static_cast<T*>(memory));
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  int64_t bytes() const { return size_ * static_cast<int64_t>(sizeof(T)); }

 private:
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  std::unique_ptr<T, Free> data_;
  int64_t size_ = 0;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_ALIGNED_BUFFER_H_
