#include "reports/build_info.h"

#include "reports/build_stamp.h"

namespace yoloq {
namespace {

#if defined(__clang__)
constexpr char kCompiler[] = "clang++ " __clang_version__;
#elif defined(__GNUC__)
constexpr char kCompiler[] = "g++ " __VERSION__;
#else
#error "build with g++ or clang"
#endif

}  // namespace

BuildInfo GetBuildInfo() {
  return {YOLOQ_STABLE_GIT_COMMIT, YOLOQ_STABLE_GIT_DIRTY, kCompiler};
}

}  // namespace yoloq
