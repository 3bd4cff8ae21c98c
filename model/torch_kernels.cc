#include "model/torch_kernels.h"

#include <ATen/Version.h>
#include <dlfcn.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace yoloq {
namespace {

// LibTorch tells it in its description of itself alone.
std::string AtenKernels() {
  constexpr absl::string_view kLine = "CPU capability usage: ";
  const std::string config = at::show_config();
  const size_t at = config.find(std::string(kLine));
  if (at == std::string::npos) return "unknown";
  const size_t begin = at + kLine.size();
  return config.substr(begin, config.find('\n', begin) - begin);
}

// The BLAS is whichever is installed: none of its headers is built against.
std::string OpenBlasKernels() {
  using Name = char* (*)();
  const auto name =
      reinterpret_cast<Name>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  return name == nullptr ? "" : name();
}

}  // namespace

std::string TorchKernels() {
  const std::string blas = OpenBlasKernels();
  return absl::StrCat("ATen ", AtenKernels(), blas.empty() ? "" : ", OpenBLAS ",
                      blas);
}

}  // namespace yoloq
