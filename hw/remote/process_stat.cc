#include "hw/remote/process_stat.h"

#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace yoloq {

ProcessStat ReadProcessStat(int pid) {
  const std::string text = ReadProcFile(absl::StrCat("/proc/", pid, "/stat"));
  // "pid (name) state parent ...", where the name may hold anything.
  const std::vector<std::string> fields =
      absl::StrSplit(text.substr(text.rfind(')') + 1), ' ', absl::SkipEmpty());
  ProcessStat stat;
  if (fields.size() < 20 || !absl::SimpleAtoi(fields[1], &stat.parent)) {
    return stat;
  }
  stat.state = fields[0][0];
  stat.start_time = fields[19];
  return stat;
}

std::string ReadProcFile(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace yoloq
