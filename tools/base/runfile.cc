#include "tools/base/runfile.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"

namespace yoloq {

absl::StatusOr<std::string> RunfilePath(absl::string_view path) {
  namespace fs = std::filesystem;
  constexpr char kWorkspace[] = "yoloq";
  std::vector<fs::path> roots;
  for (const char* variable : {"RUNFILES_DIR", "TEST_SRCDIR"}) {
    if (const char* folder = std::getenv(variable)) {
      roots.push_back(fs::path(folder) / kWorkspace);
    }
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  roots.push_back(fs::path(program.string() + ".runfiles") / kWorkspace);
  roots.push_back(fs::current_path(error));
  for (const fs::path& root : roots) {
    const fs::path candidate = root / std::string(path);
    if (fs::exists(candidate, error)) {
      return fs::absolute(candidate, error).string();
    }
  }
  return absl::NotFoundError(
      absl::StrCat(std::string(path), " does not lie beside the program ",
                   program.string(), "; start it with 'bazel run'"));
}

}  // namespace yoloq
