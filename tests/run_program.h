// Runs a program as a user would, and keeps what it says.
#ifndef YOLOQ_TESTS_RUN_PROGRAM_H_
#define YOLOQ_TESTS_RUN_PROGRAM_H_

#include <map>
#include <string>
#include <vector>

namespace yoloq {

struct ProgramOutcome {
  int exit_code = -1;  // 128 + the signal where one ended it
  std::string standard_output;
  std::string standard_error;
};

// arguments: the program's path (relative to the working directory, or found
// in $PATH) first. environment: added to the test's own. A program that cannot
// be started exits with 127, and standard_error says why.
ProgramOutcome RunProgram(
    const std::vector<std::string>& arguments,
    const std::map<std::string, std::string>& environment = {});

}  // namespace yoloq

#endif  // YOLOQ_TESTS_RUN_PROGRAM_H_
