#include "hw/remote/process_stat.h"

#include <unistd.h>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(ProcessStat, OfThisProcess) {
  const ProcessStat stat = ReadProcessStat(getpid());
  EXPECT_EQ(stat.state, 'R');
  EXPECT_EQ(stat.parent, getppid());
  EXPECT_FALSE(stat.start_time.empty());
  EXPECT_EQ(ReadProcessStat(getpid()).start_time, stat.start_time);
  EXPECT_NE(ReadProcessStat(1).start_time, stat.start_time);
}

TEST(ProcessStat, OfNone) {
  EXPECT_EQ(ReadProcessStat(999'999'999).state, '\0');
  EXPECT_EQ(ReadProcFile("/proc/none"), "");
  EXPECT_EQ(ReadProcFile("/proc/sys/kernel/random/boot_id").size(), 37);
}

}  // namespace
}  // namespace yoloq
