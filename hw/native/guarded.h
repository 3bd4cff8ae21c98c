// Memory that ends where its values end, for tests of what kernels touch.
#ifndef YOLOQ_HW_NATIVE_GUARDED_H_
#define YOLOQ_HW_NATIVE_GUARDED_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace yoloq {
namespace native {

// `size` values before a page that nothing may touch.
template <typename T>
class Guarded {
 public:
  explicit Guarded(int64_t size) : size_(size) {
    const int64_t page = sysconf(_SC_PAGESIZE);
    const int64_t bytes = size * int64_t{sizeof(T)};
    const int64_t room = (bytes + page - 1) / page * page;
    mapped_bytes_ = room + page;
    mapped_ =
        static_cast<char*>(mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(mapped_ + room, page, PROT_NONE);
    data_ = reinterpret_cast<T*>(mapped_ + room - bytes);
  }
  ~Guarded() { munmap(mapped_, mapped_bytes_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return data_; }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  int64_t size_ = 0;
  char* mapped_ = nullptr;
  int64_t mapped_bytes_ = 0;
  T* data_ = nullptr;
};

}  // namespace native
}  // namespace yoloq

#endif  // YOLOQ_HW_NATIVE_GUARDED_H_
