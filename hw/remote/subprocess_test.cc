#include "hw/remote/subprocess.h"

#include <signal.h>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "hw/remote/process_stat.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ProcessResult Shell(const std::string& script, ProcessOptions options = {}) {
  options.argv = {"sh", "-c", script};
  auto result = RunProcess(options);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *result : ProcessResult();
}

TEST(RunProcess, KeepsExitCodeSignalAndOutput) {
  const ProcessResult exited = Shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(exited.exit_code, 3);
  EXPECT_EQ(exited.signal, 0);
  EXPECT_EQ(exited.output, "out\n");
  EXPECT_EQ(exited.error_output, "err\n");
  EXPECT_EQ(Shell("kill -SEGV $$").signal, SIGSEGV);
}

TEST(RunProcess, PassesArgumentsAndEnvironmentAsTheyAre) {
  ProcessOptions options;
  options.argv = {"printf", "%s|%s|", "a b", "$(id) 'x'\n"};
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProcessResult result, RunProcess(options));
  EXPECT_EQ(result.output, "a b|$(id) 'x'\n|");
  ProcessOptions with_variable;
  with_variable.environment = {{"YOLOQ_TEST_WORD", "it's $HOME"}};
  EXPECT_EQ(Shell("printf %s \"$YOLOQ_TEST_WORD\"", with_variable).output,
            "it's $HOME");
}

TEST(RunProcess, FeedsTextAndFiles) {
  ProcessOptions text;
  text.input = std::string(1 << 20, 'x');
  EXPECT_EQ(Shell("wc -c | tr -d ' '", text).output, "1048576\n");

  const std::string path = JoinPath(TestFolder(), "in");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "0123456789"));
  ProcessOptions file;
  file.input_path = path;
  file.input_offset = 4;
  int64_t written = 0;
  file.on_input_written = [&](int64_t bytes) { written += bytes; };
  EXPECT_EQ(Shell("cat", file).output, "456789");
  EXPECT_EQ(written, 6);
  file.input_path += ".missing";
  file.argv = {"cat"};
  EXPECT_THAT(RunProcess(file),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("in.missing")));
}

TEST(RunProcess, SurvivesAProgramThatDoesNotRead) {
  ProcessOptions options;
  options.input = std::string(4 << 20, 'x');
  EXPECT_EQ(Shell("exec 0<&-; exit 5", options).exit_code, 5);
}

TEST(RunProcess, StreamsInOrder) {
  std::string seen;
  ProcessOptions options;
  options.on_output = [&](OutputStream stream, absl::string_view piece) {
    seen += stream == OutputStream::kStandardOutput ? "o:" : "e:";
    seen.append(piece.data(), piece.size());
  };
  Shell("echo a; sleep 0.1; echo b >&2; sleep 0.1; echo c", options);
  EXPECT_EQ(seen, "o:a\ne:b\no:c\n");
}

TEST(RunProcess, KillsTheWholeGroupAtTheTimeLimit) {
  ProcessOptions options;
  options.time_limit = absl::Milliseconds(300);
  std::string text;
  options.on_output = [&](OutputStream, absl::string_view piece) {
    text.append(piece.data(), piece.size());
  };
  const ProcessResult result =
      Shell("sleep 600 & echo $!; trap '' TERM; wait", options);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.signal, SIGKILL);
  int grandchild = 0;
  ASSERT_TRUE(absl::SimpleAtoi(absl::StripSuffix(text, "\n"), &grandchild));
  // It ends soon: dead, or a zombie that nobody has waited for yet.
  const auto is_dead = [&] {
    const char state = ReadProcessStat(grandchild).state;
    return state == '\0' || state == 'Z';
  };
  for (int i = 0; i < 1000 && !is_dead(); ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_TRUE(is_dead());
}

TEST(RunProcess, SaysWhyAProgramDidNotStart) {
  ProcessOptions options;
  options.argv = {"no-such-program-of-yoloq"};
  EXPECT_THAT(RunProcess(options),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("\"no-such-program-of-yoloq\"")));
  options.argv = {"/"};
  EXPECT_THAT(RunProcess(options), StatusIs(absl::StatusCode::kPermissionDenied,
                                            HasSubstr("cannot start \"/\"")));
  options.argv = {};
  EXPECT_THAT(RunProcess(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("no program")));
}

TEST(BackgroundProcess, LivesAsLongAsTheObject) {
  pid_t pid;
  {
    YOLOQ_ASSERT_OK_AND_ASSIGN(
        auto process, BackgroundProcess::Start(
                          {"sh", "-c", "echo err >&2; echo up; cat"}, {}));
    pid = process->pid();
    EXPECT_TRUE(process->WaitForLine("up", absl::Seconds(20)));
    EXPECT_TRUE(process->IsRunning());
    EXPECT_EQ(process->error_output(), "err\n");
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(BackgroundProcess, SaysWhenItEndsFirst) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      auto process,
      BackgroundProcess::Start({"sh", "-c", "echo sorry >&2; exit 1"}, {}));
  EXPECT_FALSE(process->WaitForLine("up", absl::Seconds(20)));
  EXPECT_FALSE(process->IsRunning());
  EXPECT_EQ(process->error_output(), "sorry\n");
}

TEST(LineSplitter, CutsWhateverThePieces) {
  std::vector<std::string> lines;
  LineSplitter splitter(
      [&](absl::string_view line) { lines.emplace_back(line); });
  splitter.Add("a");
  splitter.Add("b\n\nc\nd");
  EXPECT_THAT(lines, ElementsAre("ab", "", "c"));
  splitter.Finish();
  splitter.Finish();
  EXPECT_THAT(lines, ElementsAre("ab", "", "c", "d"));
}

}  // namespace
}  // namespace yoloq
