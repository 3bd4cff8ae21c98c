#include "hw/remote/agent.h"

#include "hw/remote/subprocess.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(Agent, CommandReachesItsVerb) {
  const std::string folder = TestFolder() + "/it's $(a) \"folder\"\n";
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string command,
                             AgentCommand("prepare", folder, {}));
  ProcessOptions options;
  options.argv = {"sh", "-c", command};
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProcessResult result, RunProcess(options));
  EXPECT_EQ(result.exit_code, 0) << result.error_output;
  EXPECT_EQ(result.output, folder + "\n");
}

TEST(Agent, ErrorsHaveCodesAndReasons) {
  const struct {
    int exit_code;
    const char* said;
    absl::StatusCode code;
    const char* message;
  } kCases[] = {
      {kAgentFailed, "cat: write error: No space left on device\n",
       absl::StatusCode::kResourceExhausted, "push: the device's disk is full"},
      {1, "x: Disk quota exceeded", absl::StatusCode::kResourceExhausted,
       "disk is full"},
      {kAgentNotFound, "there is no program x\n", absl::StatusCode::kNotFound,
       "push: there is no program x"},
      {kAgentNotExecutable, "x may not be executed",
       absl::StatusCode::kFailedPrecondition, "may not be executed"},
      {kAgentBadFormat, "x is neither", absl::StatusCode::kFailedPrecondition,
       "is neither"},
      {kAgentArchitecture, "x is built for x86-64",
       absl::StatusCode::kFailedPrecondition, "--config=pi3"},
      {kAgentDigest, "differs", absl::StatusCode::kDataLoss, "differs"},
      {kAgentNoResult, "no run", absl::StatusCode::kAborted, "no run"},
      {kAgentLocked, "a run is under way",
       absl::StatusCode::kFailedPrecondition, "a run is under way"},
      {2, "", absl::StatusCode::kInternal, "exit code 2: nothing was said"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(AgentError(c.exit_code, c.said, "push"),
                StatusIs(c.code, HasSubstr(c.message)));
  }
}

}  // namespace
}  // namespace yoloq
