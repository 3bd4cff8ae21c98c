#include "model/torch_kernels.h"

#include <cstdio>
#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace yoloq {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TorchKernelsTest, NamesThoseOfThisProcessor) {
  EXPECT_THAT(TorchKernels(),
              AnyOf(HasSubstr("ATen AVX"), HasSubstr("ATen NO AVX"),
                    HasSubstr("ATen DEFAULT")));
  EXPECT_THAT(TorchKernels(), Not(HasSubstr("\n")));
}

void SayKernels() {
  std::fprintf(stderr, "%s\n", TorchKernels().c_str());
  std::exit(0);
}

// The program starts anew for it: both look at the environment once.
TEST(TorchKernelsDeathTest, NamesThoseThatTheEnvironmentAsksFor) {
  if (TorchKernels().find("OpenBLAS") == std::string::npos) {
    GTEST_SKIP() << "another BLAS is installed";
  }
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  setenv("OPENBLAS_CORETYPE", "Nehalem", /*overwrite=*/1);
  setenv("ATEN_CPU_CAPABILITY", "default", /*overwrite=*/1);
  EXPECT_EXIT(SayKernels(), ::testing::ExitedWithCode(0),
              "ATen NO AVX, OpenBLAS Nehalem");
}

}  // namespace
}  // namespace yoloq
