#include "hw/emulated_pi/test_board.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace yoloq {

std::string TestBoardInstance() { return absl::StrCat("test_", getpid()); }

ProcessResult RunBoardScript(const std::vector<std::string>& words) {
  ProcessOptions options;
  options.argv = {"hw/emulated_pi/emulated_pi.sh",
                  absl::StrCat("--instance=", TestBoardInstance()),
                  absl::StrCat("--while_pid=", getpid())};
  options.argv.insert(options.argv.end(), words.begin(), words.end());
  options.time_limit = absl::Minutes(4);
  const auto result = RunProcess(options);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *result : ProcessResult();
}

std::string WhyNoTestBoard() {
  ProcessOptions look;
  look.argv = {"qemu-system-aarch64", "--version"};
  if (RunProcess(look).ok()) return "";
  return "there is no qemu-system-aarch64; tools/setup installs it";
}

}  // namespace yoloq
