// tools/fetch_voc and tools/fetch_weights against a server on this machine.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/http_server.h"
#include "tests/run_program.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Bytes that no two places share.
std::string SomeBytes(int size) {
  std::string bytes;
  for (uint32_t i = 0; i < static_cast<uint32_t>(size); ++i) {
    bytes.push_back(static_cast<char>(i * 2654435761u >> 24));
  }
  return bytes;
}

class FetchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (RunProgram({"curl", "--version"}).exit_code != 0) {
      GTEST_SKIP() << "skipped: no curl";
    }
    output_ = JoinPath(TestFolder(), "fetched");
    list_ = JoinPath(TestFolder(), "list.txt");
  }

  // A list of one file, with the checksum that is right for `contents`.
  void WriteList(const std::string& name, const std::string& contents) {
    WriteList(name, absl::StrCat(contents.size()),
              "sha256:" + Sha256Hex(contents));
  }
  void WriteList(const std::string& name, const std::string& bytes,
                 const std::string& checksum) {
    YOLOQ_ASSERT_OK(WriteFileAtomically(
        list_,
        absl::StrCat("# name bytes checksum address\n", name, " ", bytes, " ",
                     checksum, " ", server_.url(), "/", name, "\n")));
  }

  ProgramOutcome Fetch(const std::string& program,
                       std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"tools/" + program, "--list=" + list_,
                                 "--output_dir=" + output_});
    return RunProgram(flags, {{"HOME", TestFolder()}, {"no_proxy", "*"}});
  }
  ProgramOutcome FetchWeights() { return Fetch("fetch_weights"); }

  std::string Fetched(const std::string& name) const {
    return ReadFile(JoinPath(output_, name)).value_or("nothing");
  }
  bool Exists(const std::string& name) const {
    return PathExists(JoinPath(output_, name));
  }

  HttpServer server_;
  std::string output_;
  std::string list_;
};

TEST_F(FetchTest, FetchesAndChecksOnce) {
  const std::string contents = SomeBytes(100000);
  WriteList("a.weights", contents);
  server_.Serve("/a.weights", {contents});
  const ProgramOutcome first = FetchWeights();
  EXPECT_EQ(first.exit_code, 0) << first.standard_error;
  EXPECT_EQ(Fetched("a.weights"), contents);
  EXPECT_FALSE(Exists("a.weights.part"));

  const ProgramOutcome second = FetchWeights();
  EXPECT_EQ(second.exit_code, 0) << second.standard_error;
  EXPECT_THAT(second.standard_output, HasSubstr("a.weights: is here"));
  EXPECT_THAT(server_.requests(), ElementsAre("GET /a.weights 0"));
}

TEST_F(FetchTest, ResumesWhereAConnectionBroke) {
  const std::string contents = SomeBytes(100000);
  WriteList("a.weights", contents);
  server_.Serve("/a.weights", {contents, /*break_after_bytes=*/40000});
  const ProgramOutcome first = FetchWeights();
  EXPECT_EQ(first.exit_code, 1);
  EXPECT_THAT(first.standard_error,
              AllOf(HasSubstr("a.weights"), HasSubstr("40000 bytes are here")));
  EXPECT_FALSE(Exists("a.weights"));
  EXPECT_EQ(Fetched("a.weights.part"), contents.substr(0, 40000));

  server_.Serve("/a.weights", {contents});
  const ProgramOutcome second = FetchWeights();
  EXPECT_EQ(second.exit_code, 0) << second.standard_error;
  EXPECT_THAT(second.standard_output,
              HasSubstr("resumes at 40000 of 100000 bytes"));
  EXPECT_EQ(Fetched("a.weights"), contents);
  EXPECT_THAT(server_.requests(),
              ElementsAre("GET /a.weights 0", "GET /a.weights 40000"));
}

TEST_F(FetchTest, BeginsAgainWhereTheServerCannotResume) {
  const std::string contents = SomeBytes(5000);
  WriteList("a.weights", contents);
  server_.Serve("/a.weights", {contents, -1, /*ranges=*/false});
  YOLOQ_ASSERT_OK(MakeFolders(output_));
  YOLOQ_ASSERT_OK(
      WriteFileAtomically(JoinPath(output_, "a.weights.part"), "abc"));
  const ProgramOutcome outcome = FetchWeights();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(Fetched("a.weights"), contents);
}

TEST_F(FetchTest, FileThatIsTruncatedOnTheServerCanBeResumed) {
  const std::string contents = SomeBytes(5000);
  WriteList("a.weights", contents);
  server_.Serve("/a.weights", {contents.substr(0, 3000)});
  const ProgramOutcome outcome = FetchWeights();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error,
              HasSubstr("a.weights: it has 3000 bytes instead of 5000; run "
                        "again to resume"));
  EXPECT_FALSE(Exists("a.weights"));
  server_.Serve("/a.weights", {contents});
  EXPECT_EQ(FetchWeights().exit_code, 0);
  EXPECT_EQ(Fetched("a.weights"), contents);
}

TEST_F(FetchTest, CorruptFileIsRemoved) {
  const std::string contents = SomeBytes(5000);
  std::string corrupt = contents;
  corrupt[2500] ^= 1;
  WriteList("a.weights", contents);
  server_.Serve("/a.weights", {corrupt});
  const ProgramOutcome outcome = FetchWeights();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error,
              AllOf(HasSubstr("a.weights: its checksum is sha256:" +
                              Sha256Hex(corrupt) +
                              " instead of sha256:" + Sha256Hex(contents)),
                    HasSubstr("it was removed"), HasSubstr("--base_url=URL")));
  EXPECT_FALSE(Exists("a.weights"));
  EXPECT_FALSE(Exists("a.weights.part"));
}

TEST_F(FetchTest, OversizedFileIsRemoved) {
  const std::string contents = SomeBytes(5000);
  WriteList("a.weights", contents);
  server_.Serve("/a.weights", {contents + "more"});
  const ProgramOutcome outcome = FetchWeights();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error,
              HasSubstr("it has 5004 bytes instead of 5000; it was removed"));
  EXPECT_FALSE(Exists("a.weights.part"));
}

TEST_F(FetchTest, FileThatWentBadIsFetchedAnew) {
  const std::string contents = SomeBytes(5000);
  WriteList("a.weights", contents);
  server_.Serve("/a.weights", {contents});
  YOLOQ_ASSERT_OK(MakeFolders(output_));
  YOLOQ_ASSERT_OK(WriteFileAtomically(JoinPath(output_, "a.weights"), "bad"));
  const ProgramOutcome outcome = FetchWeights();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_output, HasSubstr("fetched anew"));
  EXPECT_EQ(Fetched("a.weights"), contents);
}

TEST_F(FetchTest, WithoutAChecksumTheFirstIsTrustedAndKept) {
  WriteList("a.cfg", "-", "-");
  server_.Serve("/a.cfg", {"[net]\nwidth=416\n"});
  const ProgramOutcome first = FetchWeights();
  EXPECT_EQ(first.exit_code, 0) << first.standard_error;
  EXPECT_THAT(first.standard_output,
              AllOf(HasSubstr("no checksum of it is published"),
                    HasSubstr(Sha256Hex("[net]\nwidth=416\n"))));
  // From now on another content is an error.
  std::filesystem::remove(JoinPath(output_, "a.cfg"));
  server_.Serve("/a.cfg", {"[net]\nwidth=320\n"});
  const ProgramOutcome second = FetchWeights();
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.standard_error,
              AllOf(HasSubstr("its checksum is"),
                    HasSubstr("remove " + output_ + "/a.cfg.checksum")));
  EXPECT_FALSE(Exists("a.cfg"));
}

TEST_F(FetchTest, MissingFileNamesTheAddress) {
  WriteList("a.weights", "contents");
  const ProgramOutcome outcome = FetchWeights();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error,
              AllOf(HasSubstr(server_.url() + "/a.weights"), HasSubstr("404")));
}

TEST_F(FetchTest, BaseUrlNamesAMirror) {
  const std::string contents = SomeBytes(500);
  WriteList("a.weights", contents);
  HttpServer mirror;
  mirror.Serve("/mirror/a.weights", {contents});
  const ProgramOutcome outcome =
      Fetch("fetch_weights", {"--base_url=" + mirror.url() + "/mirror/"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(Fetched("a.weights"), contents);
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(FetchTest, MalformedListNamesTheLine) {
  WriteList("a.weights", "many", "md5:0");
  const ProgramOutcome outcome = FetchWeights();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error, HasSubstr(list_ + ":2:"));
}

TEST_F(FetchTest, UnknownFlagIsAUsageError) {
  for (const char* program : {"fetch_voc", "fetch_weights"}) {
    const ProgramOutcome outcome = Fetch(program, {"--speed=fast"});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.standard_error,
                AllOf(HasSubstr("unknown argument '--speed=fast'"),
                      HasSubstr("usage: tools/")));
  }
}

// --- Archives.

class FetchVocTest : public FetchTest {
 protected:
  void SetUp() override {
    FetchTest::SetUp();
    if (IsSkipped()) return;
    const std::string folder = TestFolder();
    const std::string lists =
        JoinPath(folder, "VOCdevkit/VOC2007/ImageSets/Main");
    YOLOQ_ASSERT_OK(MakeFolders(lists));
    YOLOQ_ASSERT_OK(
        WriteFileAtomically(JoinPath(lists, "test.txt"), "000001\n"));
    const std::string tar = JoinPath(folder, "voc.tar");
    ASSERT_EQ(RunProgram({"tar", "-c", "-f", tar, "-C", folder, "VOCdevkit"})
                  .exit_code,
              0);
    YOLOQ_ASSERT_OK_AND_ASSIGN(archive_, ReadFile(tar));
  }

  std::string archive_;
};

TEST_F(FetchVocTest, UnpacksOnce) {
  WriteList("voc.tar", archive_);
  server_.Serve("/voc.tar", {archive_});
  const ProgramOutcome first = Fetch("fetch_voc");
  EXPECT_EQ(first.exit_code, 0) << first.standard_error;
  EXPECT_THAT(first.standard_output,
              HasSubstr("use --voc_root=" + output_ + "/VOCdevkit"));
  EXPECT_EQ(Fetched("VOCdevkit/VOC2007/ImageSets/Main/test.txt"), "000001\n");
  EXPECT_FALSE(Exists("voc.tar"));

  const ProgramOutcome second = Fetch("fetch_voc");
  EXPECT_EQ(second.exit_code, 0) << second.standard_error;
  EXPECT_THAT(second.standard_output, HasSubstr("voc.tar: is unpacked"));
  EXPECT_THAT(server_.requests(), ElementsAre("GET /voc.tar 0"));
}

TEST_F(FetchVocTest, KeepsTheArchiveWhereAskedTo) {
  WriteList("voc.tar", archive_);
  server_.Serve("/voc.tar", {archive_});
  EXPECT_EQ(Fetch("fetch_voc", {"--keep_archives"}).exit_code, 0);
  EXPECT_EQ(Fetched("voc.tar"), archive_);
}

TEST_F(FetchVocTest, ResumesAnArchive) {
  WriteList("voc.tar", archive_);
  server_.Serve("/voc.tar", {archive_, /*break_after_bytes=*/1000});
  EXPECT_EQ(Fetch("fetch_voc").exit_code, 1);
  EXPECT_FALSE(Exists("VOCdevkit"));
  server_.Serve("/voc.tar", {archive_});
  EXPECT_EQ(Fetch("fetch_voc").exit_code, 0);
  EXPECT_TRUE(Exists("VOCdevkit"));
}

TEST_F(FetchVocTest, CorruptArchiveIsNotUnpacked) {
  WriteList("voc.tar", archive_);
  std::string corrupt = archive_;
  corrupt[600] ^= 1;
  server_.Serve("/voc.tar", {corrupt});
  const ProgramOutcome outcome = Fetch("fetch_voc");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error, HasSubstr("its checksum is"));
  EXPECT_FALSE(Exists("VOCdevkit"));
}

TEST_F(FetchVocTest, WhatIsNoArchiveIsAnError) {
  const std::string contents = SomeBytes(3000);
  WriteList("voc.tar", contents);
  server_.Serve("/voc.tar", {contents});
  const ProgramOutcome outcome = Fetch("fetch_voc");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error, HasSubstr("could not be unpacked"));
  EXPECT_FALSE(Exists(".voc.tar.unpacked"));
}

TEST_F(FetchVocTest, ListOfTheOfficialArchivesIsWellFormed) {
  // No server holds them here: the first is asked for, and is not there.
  HttpServer empty;
  for (const char* program : {"fetch_voc", "fetch_weights"}) {
    const ProgramOutcome outcome =
        RunProgram({absl::StrCat("tools/", program),
                    "--base_url=" + empty.url(), "--output_dir=" + output_},
                   {{"HOME", TestFolder()}, {"no_proxy", "*"}});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.standard_error,
                AllOf(HasSubstr("404"), Not(HasSubstr("is not 'name bytes"))));
  }
  EXPECT_THAT(empty.requests(),
              ElementsAre("GET /VOCtrainval_06-Nov-2007.tar 0",
                          "GET /yolov3.weights 0"));
}

}  // namespace
}  // namespace yoloq
