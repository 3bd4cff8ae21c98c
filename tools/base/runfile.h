// Files that a program brings along: the `data` of its Bazel target.
#ifndef YOLOQ_TOOLS_BASE_RUNFILE_H_
#define YOLOQ_TOOLS_BASE_RUNFILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace yoloq {

// Absolute path of the file or folder at `path` below the workspace's root
// ("hw/bench_bundle"), under `bazel run`, `bazel test`, and when the program in
// bazel-bin is called itself. NotFound names it.
absl::StatusOr<std::string> RunfilePath(absl::string_view path);

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_RUNFILE_H_
