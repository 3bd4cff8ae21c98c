#include "model/training/threads_guard.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <thread>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(ThreadsGuardTest, SetsLibTorchsThreadsAndPutsThemBack) {
  const int before = at::get_num_threads();
  {
    const ThreadsGuard guard(before + 1);
    EXPECT_EQ(at::get_num_threads(), before + 1);
    int elsewhere = 0;
    std::thread([&] { elsewhere = at::get_num_threads(); }).join();
    EXPECT_EQ(elsewhere, before + 1);
  }
  EXPECT_EQ(at::get_num_threads(), before);
}

TEST(ThreadsGuardTest, SetsOpenBlassThreadsAndPutsThemBack) {
  using Get = int();
  Get* const get =
      reinterpret_cast<Get*>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  if (get == nullptr) GTEST_SKIP() << "skipped: the BLAS is not OpenBLAS";
  const int before = get();
  {
    const ThreadsGuard guard(1);
    EXPECT_EQ(get(), 1);
  }
  EXPECT_EQ(get(), before);
}

}  // namespace
}  // namespace yoloq
