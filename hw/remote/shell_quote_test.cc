#include "hw/remote/shell_quote.h"

#include "hw/remote/subprocess.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(ShellQuote, KnownWords) {
  EXPECT_EQ(*ShellQuote("a/b-c.d_1"), "a/b-c.d_1");
  EXPECT_EQ(*ShellQuote(""), "''");
  EXPECT_EQ(*ShellQuote("a b"), "'a b'");
  EXPECT_EQ(*ShellQuote("it's"), "'it'\\''s'");
  EXPECT_EQ(*ShellQuote("~"), "'~'");
  EXPECT_EQ(*ShellQuote("A=b"), "'A=b'");
  EXPECT_EQ(*ShellCommand({"ls", "--", "$(id)"}), "ls -- '$(id)'");
}

TEST(ShellQuote, WhatNoArgumentCanHold) {
  EXPECT_THAT(ShellQuote(absl::string_view("a\0b", 3)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NUL")));
  EXPECT_THAT(ShellCommand({}), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("no command")));
}

// The shell itself gives back every word as it was, byte for byte.
TEST(ShellQuote, ShellReadsTheSameWords) {
  std::vector<std::string> words = {
      "printf", "%s\\0",    "-n",    "--",       "a b", "  ",
      "it's",   "'",        "''",    "\"",       "\\",  "$(touch x)",
      "`id`",   "$HOME",    "a\nb",  "\n",       "*",   "?",
      "[a]",    "!x",       "#c",    ";id",      "a&b", "|cat",
      "<x",     ">x",       "~root", "{a,b}",    "A=b", "\t",
      "\xff",   "\xc3\xa9", "",      "$'\\x41'", "(a)", "%d"};
  std::string all;  // every byte but NUL
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  words.push_back(all);
  std::string expected;
  for (size_t i = 2; i < words.size(); ++i) expected += words[i] + '\0';

  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string command, ShellCommand(words));
  ProcessOptions options;
  options.argv = {"sh", "-c", command};
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProcessResult result, RunProcess(options));
  EXPECT_EQ(result.exit_code, 0) << result.error_output;
  EXPECT_EQ(result.output, expected);
}

}  // namespace
}  // namespace yoloq
