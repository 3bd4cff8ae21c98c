#include "model/training/heap.h"

#include <malloc.h>

namespace yoloq {

#if defined(__GLIBC__)

namespace {

// glibc's own values.
constexpr int kDefaultMaxMaps = 65536;
constexpr int kDefaultTrimThreshold = 128 * 1024;

}  // namespace

KeepHeap::KeepHeap() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

KeepHeap::~KeepHeap() {
  mallopt(M_MMAP_MAX, kDefaultMaxMaps);
  mallopt(M_TRIM_THRESHOLD, kDefaultTrimThreshold);
  malloc_trim(0);
}

#else

KeepHeap::KeepHeap() = default;
KeepHeap::~KeepHeap() = default;

#endif

}  // namespace yoloq
