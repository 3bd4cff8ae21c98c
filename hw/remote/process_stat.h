// What /proc tells of processes.
#ifndef YOLOQ_HW_REMOTE_PROCESS_STAT_H_
#define YOLOQ_HW_REMOTE_PROCESS_STAT_H_

#include <string>

namespace yoloq {

struct ProcessStat {
  char state = '\0';  // 'R', 'S', 'Z', ...; '\0': there is no such process
  int parent = 0;     // process id
  std::string
      start_time;  // in ticks since boot: tells processes of one id apart
};

ProcessStat ReadProcessStat(int pid);

// The text of a file in /proc, whose size the system does not tell; "" when it
// cannot be read.
std::string ReadProcFile(const std::string& path);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_PROCESS_STAT_H_
