// The emulated board for tests: an instance of this process's own.
#ifndef YOLOQ_HW_EMULATED_PI_TEST_BOARD_H_
#define YOLOQ_HW_EMULATED_PI_TEST_BOARD_H_

#include <string>
#include <vector>

#include "hw/remote/subprocess.h"

namespace yoloq {

// The name of this process's instance.
std::string TestBoardInstance();

// Runs the script (hw/emulated_pi, which the test has as data) on this
// process's instance: {"start"}, {"stop"}. A started board ends with this
// process at the latest.
ProcessResult RunBoardScript(const std::vector<std::string>& words);

// Why no board can be started here: "" when one can.
std::string WhyNoTestBoard();

}  // namespace yoloq

#endif  // YOLOQ_HW_EMULATED_PI_TEST_BOARD_H_
