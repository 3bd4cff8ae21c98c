// The build that this program is. Only programs depend on it: it changes with
// every commit, and what depends on it is linked again.
#ifndef YOLOQ_REPORTS_BUILD_INFO_H_
#define YOLOQ_REPORTS_BUILD_INFO_H_

#include <string>

namespace yoloq {

struct BuildInfo {
  std::string git_commit;  // 40 digits, or "unknown"
  std::string git_dirty;   // "true", "false" or "unknown"
  std::string compiler;    // "g++ 12.2.0"
};

BuildInfo GetBuildInfo();

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_BUILD_INFO_H_
