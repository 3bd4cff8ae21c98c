#include "model/training/threads_guard.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace yoloq {
namespace {

template <typename Function>
Function* Find(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

int BlasThreads() {
  static int (*const get)() = Find<int()>("openblas_get_num_threads");
  return get == nullptr ? 0 : get();
}

void SetBlasThreads(int threads) {
  static void (*const set)(int) = Find<void(int)>("openblas_set_num_threads");
  if (set != nullptr && threads > 0) set(threads);
}

}  // namespace

ThreadsGuard::ThreadsGuard(int threads)
    : before_(at::get_num_threads()), blas_before_(BlasThreads()) {
  at::set_num_threads(threads);
  SetBlasThreads(threads);
}

ThreadsGuard::~ThreadsGuard() {
  at::set_num_threads(before_);
  SetBlasThreads(blas_before_);
}

}  // namespace yoloq
