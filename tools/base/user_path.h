// Paths that a user gives on the command line.
#ifndef YOLOQ_TOOLS_BASE_USER_PATH_H_
#define YOLOQ_TOOLS_BASE_USER_PATH_H_

#include <string>

namespace yoloq {

// A path relative to the user's working directory, which under `bazel run` is
// not the program's. "" stays "".
std::string UserPath(const std::string& path);

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_USER_PATH_H_
