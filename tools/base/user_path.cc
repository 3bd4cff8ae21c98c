#include "tools/base/user_path.h"

#include <cstdlib>

#include "tools/base/file.h"

namespace yoloq {

std::string UserPath(const std::string& path) {
  // Set by `bazel run`.
  const char* folder = std::getenv("BUILD_WORKING_DIRECTORY");
  return path.empty() || folder == nullptr ? path : JoinPath(folder, path);
}

}  // namespace yoloq
