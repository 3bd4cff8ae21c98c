// The whole path, on this machine directly and through a real ssh server.
#include "hw/remote/device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/time/clock.h"
#include "hw/devices/device_spec.h"
#include "hw/remote/host_key.h"
#include "hw/remote/ssh_connection.h"
#include "hw/remote/test_ssh_server.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Names that would do harm if a shell read them.
const char* const kNames[] = {
    "a b",      "it's",    "$(touch injected)", "`id`",  "a\nb",
    "-rf",      "semi;ls", "quote\"s",          "*",     "a&b|c>d",
    "\xc3\xa9", "#hash",   "back\\sl",          "$HOME", "~"};

DeviceSpec LocalSpec(const std::string& folder) {
  DeviceSpec spec;
  spec.set_name("tested");
  spec.set_kind(DeviceSpec::LOCAL);
  spec.set_work_directory(folder + "/work it's");
  spec.set_lock_directory(folder + "/lock");
  CompleteDeviceSpec(&spec);
  return spec;
}

enum class Way { kLocal, kSsh };

class DeviceTest : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    folder_ = TestFolder();
    spec_ = LocalSpec(folder_);
    if (GetParam() == Way::kSsh) {
      auto server = TestSshServer::Start(folder_);
      if (server.status().code() == absl::StatusCode::kNotFound) {
        GTEST_SKIP() << "skipped: " << server.status().message();
      }
      YOLOQ_ASSERT_OK(server);
      server_ = *std::move(server);
      spec_.set_kind(DeviceSpec::SSH);
      *spec_.mutable_ssh() = server_->ssh();
    }
    YOLOQ_ASSERT_OK_AND_ASSIGN(device_, Device::Connect(spec_));
  }

  // Writes a local file and returns its path.
  std::string Local(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return path;
  }

  CommandResult Shell(const std::string& script, RunOptions options = {}) {
    auto result = device_->Run({"sh", "-c", script}, options);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : CommandResult();
  }

  std::string folder_;
  DeviceSpec spec_;
  std::unique_ptr<TestSshServer> server_;
  std::unique_ptr<Device> device_;
};

INSTANTIATE_TEST_SUITE_P(, DeviceTest,
                         ::testing::Values(Way::kLocal, Way::kSsh),
                         [](const auto& info) {
                           return info.param == Way::kLocal ? "Local" : "Ssh";
                         });

TEST_P(DeviceTest, PushSendsWhatChanged) {
  const std::string a = Local("a", std::string(200'000, 'a'));
  const std::string b = Local("b", "#!/bin/sh\necho from b\n");
  const std::vector<LocalFile> files = {{a, "data/a", false},
                                        {b, "bin/b", true}};
  YOLOQ_ASSERT_OK_AND_ASSIGN(PushReport report, device_->Push(files));
  EXPECT_EQ(report.files_sent, 2);
  EXPECT_EQ(report.bytes_sent, 200'000 + 22);
  EXPECT_EQ(*ReadFile(device_->DevicePath("data/a")), *ReadFile(a));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const CommandResult run, device_->Run({"bin/b"}));
  EXPECT_EQ(run.output, "from b\n");

  YOLOQ_ASSERT_OK_AND_ASSIGN(report, device_->Push(files));
  EXPECT_EQ(report.files_sent, 0);
  EXPECT_EQ(report.files_unchanged, 2);
  // Changed there, of the same size, or missing: sent again.
  YOLOQ_ASSERT_OK(WriteFileAtomically(device_->DevicePath("data/a"),
                                      std::string(200'000, 'x')));
  std::filesystem::remove(device_->DevicePath("bin/b"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(report, device_->Push(files));
  EXPECT_EQ(report.files_sent, 2);
  EXPECT_EQ(*ReadFile(device_->DevicePath("data/a")), *ReadFile(a));
}

TEST_P(DeviceTest, PushGoesOnWhereItWasInterrupted) {
  const std::string text = std::string(100'000, 'a') + std::string(50'000, 'b');
  const std::string path = Local("model", text);
  const std::string part =
      device_->DevicePath(".yoloq/incoming/" + Sha256Hex(text));
  YOLOQ_ASSERT_OK(WriteFileAtomically(part, text.substr(0, 120'000)));
  YOLOQ_ASSERT_OK_AND_ASSIGN(PushReport report,
                             device_->Push({{path, "model"}}));
  EXPECT_EQ(report.bytes_sent, 30'000);
  EXPECT_EQ(*ReadFile(device_->DevicePath("model")), text);
  EXPECT_FALSE(PathExists(part));

  // What was left is damaged: found out, and everything is sent.
  std::filesystem::remove(device_->DevicePath("model"));
  YOLOQ_ASSERT_OK(WriteFileAtomically(part, std::string(120'000, '?')));
  YOLOQ_ASSERT_OK_AND_ASSIGN(report, device_->Push({{path, "model"}}));
  EXPECT_EQ(report.bytes_sent, 180'000);
  EXPECT_EQ(*ReadFile(device_->DevicePath("model")), text);
}

TEST_P(DeviceTest, PushTakesTheDigestThatItIsGiven) {
  const std::string path = Local("model", "weights");
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const PushReport report,
      device_->Push({{path, "model", false, Sha256Hex("weights")}}));
  EXPECT_EQ(report.files_sent, 1);
  EXPECT_EQ(*ReadFile(device_->DevicePath("model")), "weights");
  // One of other contents: nothing but the device finds out.
  EXPECT_THAT(device_->Push({{path, "other", false, Sha256Hex("others")}}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("other")));
  EXPECT_FALSE(PathExists(device_->DevicePath("other")));
}

TEST_P(DeviceTest, PushSaysThatTheDiskIsFull) {
  const std::string text(100'000, 'a');
  const std::string path = Local("model", text);
  // Every write to it fails as on a full disk.
  std::filesystem::create_symlink(
      "/dev/full", device_->DevicePath(".yoloq/incoming/" + Sha256Hex(text)));
  EXPECT_THAT(
      device_->Push({{path, "model"}}),
      StatusIs(absl::StatusCode::kResourceExhausted,
               AllOf(HasSubstr("tested: push"), HasSubstr("disk is full"),
                     HasSubstr("No space left on device"))));
  EXPECT_FALSE(PathExists(device_->DevicePath("model")));
}

TEST_P(DeviceTest, PushRefusesWhatIsNoFile) {
  const std::string path = Local("a", "a");
  EXPECT_THAT(device_->Push({{path, "../a"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("..")));
  EXPECT_THAT(
      device_->Push({{path, ""}}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("names no file")));
  EXPECT_THAT(device_->Push({{path + ".missing", "a"}}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("a.missing")));
  YOLOQ_ASSERT_OK(MakeFolders(device_->DevicePath("folder")));
  EXPECT_THAT(
      device_->Push({{path, "folder"}}),
      StatusIs(absl::StatusCode::kInternal, HasSubstr("folder is a folder")));
}

TEST_P(DeviceTest, NamesAreNeverCommands) {
  const std::string path = Local("a", "content");
  std::vector<LocalFile> files;
  std::vector<std::string> argv = {"sh", "-c",
                                   "printf '%s|' \"$WORD\" \"$@\"; pwd", "sh"};
  std::string expected = "$(id)'\"\n|";
  for (const char* name : kNames) {
    files.push_back({path, name});
    argv.push_back(name);
    absl::StrAppend(&expected, name, "|");
  }
  YOLOQ_ASSERT_OK_AND_ASSIGN(const PushReport report, device_->Push(files));
  EXPECT_EQ(report.files_sent, files.size());
  for (const char* name : kNames) {
    EXPECT_EQ(*ReadFile(device_->DevicePath(name)), "content") << name;
  }
  for (const char* name : {"-rf", "a\nb", "$(touch injected)", "it's"}) {
    const std::string target = folder_ + "/pulled";
    YOLOQ_ASSERT_OK(device_->Pull(name, target));
    EXPECT_EQ(*ReadFile(target), "content") << name;
    std::filesystem::remove(target);
  }
  RunOptions options;
  options.environment = {{"WORD", "$(id)'\"\n"}};
  options.directory = "-it's $(touch injected)";
  YOLOQ_ASSERT_OK_AND_ASSIGN(const CommandResult run,
                             device_->Run(argv, options));
  EXPECT_EQ(
      run.output,
      absl::StrCat(expected, device_->DevicePath(options.directory), "\n"));
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder_)) {
    EXPECT_NE(entry.path().filename(), "injected");
  }
  options.environment = {{"A;touch injected", "1"}};
  EXPECT_THAT(device_->Run({"ls"}, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("environment variable")));
}

TEST_P(DeviceTest, RunKeepsExitCodeAndSignal) {
  const struct {
    const char* script;
    int exit_code;
    int signal;
    absl::StatusCode code;
    const char* message;
  } kCases[] = {
      {"true", 0, 0, absl::StatusCode::kOk, ""},
      {"echo sorry >&2; exit 3", 3, 0, absl::StatusCode::kUnknown,
       "bench: exit code 3: sorry"},
      {"exit 137", 137, 0, absl::StatusCode::kUnknown, "exit code 137"},
      {"exit 255", 255, 0, absl::StatusCode::kUnknown, "exit code 255"},
      {"kill -KILL $$", 0, SIGKILL, absl::StatusCode::kAborted,
       "killed by signal 9 (Killed)"},
      {"kill -SEGV $$", 0, SIGSEGV, absl::StatusCode::kAborted,
       "killed by signal 11"},
  };
  for (const auto& c : kCases) {
    const CommandResult run = Shell(c.script);
    EXPECT_EQ(run.exit_code, c.exit_code) << c.script;
    EXPECT_EQ(run.signal, c.signal) << c.script;
    EXPECT_FALSE(run.timed_out || run.out_of_memory) << c.script;
    EXPECT_THAT(RunStatus(run, "bench"),
                StatusIs(c.code, HasSubstr(c.message)));
  }
  EXPECT_TRUE(std::filesystem::is_empty(device_->DevicePath(".yoloq/runs")));
}

TEST_P(DeviceTest, RunStreamsLines) {
  std::vector<std::string> lines;
  RunOptions options;
  options.on_line = [&](OutputStream stream, absl::string_view line) {
    lines.push_back(absl::StrCat(
        stream == OutputStream::kStandardOutput ? "out " : "error ", line));
    // The command waits for this: the line came while it was running.
    if (line == "ready") {
      std::ofstream(device_->DevicePath("go")) << "go";
    }
  };
  const CommandResult run = Shell(
      "echo ready; until [ -e go ]; do sleep 0.02; done; sleep 0.3; "
      "echo late >&2; sleep 0.3; printf end",
      options);
  EXPECT_THAT(lines, ElementsAre("out ready", "error late", "out end"));
  EXPECT_EQ(run.output, "ready\nend");
  EXPECT_EQ(run.error_output, "late\n");
}

TEST_P(DeviceTest, RunKeepsLargeOutput) {
  const CommandResult run = Shell("seq 200000; seq 100000 >&2");
  EXPECT_EQ(run.output.size(), 1288895);
  EXPECT_EQ(run.error_output.size(), 588895);
}

TEST_P(DeviceTest, RunEndsAtItsTimeLimit) {
  RunOptions options;
  options.time_limit = absl::Seconds(1);
  // Neither the command nor its child heeds SIGTERM's first asking.
  const CommandResult run = Shell("echo begun; sleep 600 & sleep 601", options);
  EXPECT_TRUE(run.timed_out);
  EXPECT_EQ(run.signal, SIGTERM);
  EXPECT_EQ(run.output, "begun\n");
  EXPECT_THAT(RunStatus(run, "bench"),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("bench: ended for its time limit")));
  const CommandResult left = Shell("ps -e -o args= | grep '^sleep 60[01]$'");
  EXPECT_EQ(left.output, "");
}

TEST_P(DeviceTest, RunRefusesWhatCannotBeExecuted) {
  EXPECT_THAT(device_->Run({}), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("no command")));
  EXPECT_THAT(device_->Run({"-x"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("./-x")));
  EXPECT_THAT(device_->Run({"bin/none"}),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("there is no program bin/none")));
  EXPECT_THAT(device_->Run({"no-such-program"}),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("there is no program no-such-program")));
  // A program of another machine: this one, with other words in its header.
  YOLOQ_ASSERT_OK_AND_ASSIGN(std::string elf, ReadFile("/proc/self/exe"));
  const std::string own = Local("own", elf);
  elf.resize(4096);
  elf[18] = '\xf3';
  const std::string riscv = Local("riscv", elf);
  elf[4] = 1;
  elf[18] = '\x28';
  const std::string arm32 = Local("arm32", elf);
  const std::string text = Local("text", "hello\n");
  YOLOQ_ASSERT_OK(device_->Push({{own, "own", true},
                                 {riscv, "riscv", true},
                                 {arm32, "arm32", true},
                                 {text, "text", true},
                                 {text, "plain", false}}));
  EXPECT_THAT(device_->Run({"./riscv"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("./riscv is built for another machine"),
                             HasSubstr("--config=pi3"))));
  EXPECT_THAT(device_->Run({"./arm32"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("built for 32-bit ARM")));
  EXPECT_THAT(device_->Run({"./text"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("neither a program (ELF) nor a script")));
  EXPECT_THAT(device_->Run({"./plain"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("./plain may not be executed")));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const CommandResult run,
                             device_->Run({"./own", "--gtest_list_tests"}));
  EXPECT_EQ(run.exit_code, 0);
}

TEST_P(DeviceTest, PullIsAllOrNothing) {
  const std::string target = Local("target", "old");
  EXPECT_THAT(device_->Pull("nothing", target),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("pull nothing: the device has no such file")));
  EXPECT_EQ(*ReadFile(target), "old");
  const std::string text(1'000'000, '\xfe');
  YOLOQ_ASSERT_OK(WriteFileAtomically(device_->DevicePath("result"), text));
  YOLOQ_ASSERT_OK(device_->Pull("result", folder_ + "/new/target"));
  EXPECT_EQ(*ReadFile(folder_ + "/new/target"), text);
}

TEST_P(DeviceTest, LockKeepsOthersOut) {
  YOLOQ_ASSERT_OK(device_->Lock("the first purpose"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(auto other, Device::Connect(spec_));
  EXPECT_THAT(other->Run({"true"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("tested is in use by"),
                             HasSubstr(absl::StrCat("pid ", getpid())),
                             HasSubstr("for the first purpose"),
                             HasSubstr("it lapses in"),
                             HasSubstr("--device=tested unlock"))));
  EXPECT_THAT(other->Clean(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                       HasSubstr("in use")));
  YOLOQ_ASSERT_OK(device_->Run({"true"}));
  YOLOQ_ASSERT_OK(device_->Lock("again"));
  YOLOQ_ASSERT_OK(device_->Unlock());
  YOLOQ_ASSERT_OK(other->Run({"true"}));
  // A call that locked for itself has unlocked.
  YOLOQ_ASSERT_OK(device_->Lock("again"));
  device_.reset();
  YOLOQ_ASSERT_OK(other->Run({"true"}));
}

TEST_P(DeviceTest, LapsedLocksAreTakenOver) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(auto other, Device::Connect(spec_));
  YOLOQ_ASSERT_OK(device_->Lock("x"));
  const std::string owner = spec_.lock_directory() + "/owner";
  // Not heard of for longer than its lease.
  std::filesystem::last_write_time(
      owner, std::filesystem::last_write_time(owner) - std::chrono::hours(1));
  YOLOQ_ASSERT_OK(other->Run({"true"}));

  // A holder on this machine that has ended: its start time is another.
  YOLOQ_ASSERT_OK(device_->Unlock());
  YOLOQ_ASSERT_OK(device_->Lock("x"));
  std::string text = *ReadFile(owner);
  const size_t end = text.find("\nsince");
  text.replace(text.rfind(' ', end), end - text.rfind(' ', end), " 1");
  YOLOQ_ASSERT_OK(WriteFileAtomically(owner, text));
  YOLOQ_ASSERT_OK(other->Run({"true"}));

  // The device was restarted since.
  YOLOQ_ASSERT_OK(device_->Unlock());
  YOLOQ_ASSERT_OK(device_->Lock("x"));
  text = *ReadFile(owner);
  text.replace(text.find("boot ") + 5, 4, "gone");
  YOLOQ_ASSERT_OK(WriteFileAtomically(owner, text));
  YOLOQ_ASSERT_OK(other->Run({"true"}));
}

TEST_P(DeviceTest, UnlockEndsTheRunThatIsUnderWay) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(auto other, Device::Connect(spec_));
  std::string refused;
  std::string taken_from;
  RunOptions options;
  options.on_line = [&](OutputStream, absl::string_view) {
    // However old the lock is: a run under way keeps it.
    const std::string owner = spec_.lock_directory() + "/owner";
    std::filesystem::last_write_time(
        owner, std::filesystem::last_write_time(owner) - std::chrono::hours(9));
    refused = std::string(other->Run({"true"}).status().message());
    taken_from = *other->BreakLock();
  };
  const CommandResult run = Shell("echo begun; sleep 600", options);
  EXPECT_THAT(refused, HasSubstr("a run is under way"));
  EXPECT_THAT(taken_from, HasSubstr("for running sh"));
  EXPECT_EQ(run.signal, SIGKILL);
  EXPECT_EQ(*other->BreakLock(), "");
}

TEST_P(DeviceTest, CleanRemovesTheWorkFolder) {
  YOLOQ_ASSERT_OK(device_->Push({{Local("a", "a"), "a"}}));
  YOLOQ_ASSERT_OK(device_->Clean());
  EXPECT_FALSE(PathExists(device_->DevicePath("")));
}

TEST_P(DeviceTest, FactsCanBeExamined) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DoctorReport report, device_->Examine());
  EXPECT_GE(report.findings.size(), 5);
  EXPECT_FALSE(report.is_32_bit);
}

// --- What only a network does

class SshDeviceTest : public DeviceTest {
 protected:
  // Why a connection with these settings fails.
  absl::Status Connecting(const SshSpec& ssh) {
    DeviceSpec spec = spec_;
    *spec.mutable_ssh() = ssh;
    return Device::Connect(spec).status();
  }
};

INSTANTIATE_TEST_SUITE_P(, SshDeviceTest, ::testing::Values(Way::kSsh),
                         [](const auto&) { return "Ssh"; });

TEST_P(SshDeviceTest, SaysWhyThereIsNoConnection) {
  SshSpec ssh = server_->ssh();
  ssh.set_port(FreePort());
  EXPECT_THAT(Connecting(ssh), StatusIs(absl::StatusCode::kUnavailable,
                                        HasSubstr("connection refused")));
  ssh = server_->ssh();
  ssh.set_host("no-such-host.invalid");
  EXPECT_THAT(Connecting(ssh),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("no host of this name is known")));
  ssh = server_->ssh();
  ssh.set_identity_file(folder_ + "/none");
  EXPECT_THAT(Connecting(ssh), StatusIs(absl::StatusCode::kNotFound,
                                        HasSubstr("no such private key")));
}

TEST_P(SshDeviceTest, SaysThatNothingAnswers) {
  // Takes connections and stays silent.
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(fd, 5), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  SshSpec ssh = server_->ssh();
  ssh.set_port(ntohs(address.sin_port));
  ssh.set_connect_timeout_s(1);
  EXPECT_THAT(Connecting(ssh), StatusIs(absl::StatusCode::kUnavailable,
                                        HasSubstr("unreachable")));
  close(fd);
}

TEST_P(SshDeviceTest, RefusesAnotherHostKey) {
  YOLOQ_ASSERT_OK(MakeKeyPair(folder_ + "/other"));
  SshSpec ssh = server_->ssh();
  ssh.set_known_hosts_file(folder_ + "/hosts");
  EXPECT_THAT(Connecting(ssh),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("the host key is not recorded in"),
                             HasSubstr("trust"))));
  YOLOQ_ASSERT_OK(WriteFileAtomically(
      folder_ + "/hosts", absl::StrCat("[127.0.0.1]:", ssh.port(), " ",
                                       *ReadFile(folder_ + "/other.pub"))));
  EXPECT_THAT(Connecting(ssh), StatusIs(absl::StatusCode::kDataLoss,
                                        HasSubstr("host key has changed")));
}

TEST_P(SshDeviceTest, TrustRecordsTheKey) {
  SshSpec ssh = server_->ssh();
  ssh.set_known_hosts_file(folder_ + "/made/hosts");
  YOLOQ_ASSERT_OK_AND_ASSIGN(HostKey key, ScanHostKey(ssh));
  EXPECT_THAT(key.fingerprint, HasSubstr("SHA256:"));
  ProcessOptions options;
  options.argv = {"ssh-keygen", "-l", "-f", folder_ + "/host_key.pub"};
  EXPECT_THAT(RunProcess(options)->output, HasSubstr(key.fingerprint));
  // Another key of this host goes, those of others stay.
  const std::string host = absl::StrCat("[127.0.0.1]:", ssh.port());
  YOLOQ_ASSERT_OK(MakeFolders(folder_ + "/made"));
  YOLOQ_ASSERT_OK(
      WriteFileAtomically(ssh.known_hosts_file(),
                          absl::StrCat(host, " ssh-ed25519 AAAA\nelse x y\n")));
  YOLOQ_ASSERT_OK(RecordHostKey(ssh, key));
  EXPECT_EQ(*ReadFile(ssh.known_hosts_file()),
            absl::StrCat("else x y\n", key.line, "\n"));
  YOLOQ_ASSERT_OK(Connecting(ssh));
  ssh.set_port(FreePort());
  EXPECT_THAT(ScanHostKey(ssh), StatusIs(absl::StatusCode::kUnavailable,
                                         HasSubstr("no ssh server gave")));
}

TEST_P(SshDeviceTest, SaysThatTheKeyIsRejected) {
  YOLOQ_ASSERT_OK(MakeKeyPair(folder_ + "/other"));
  SshSpec ssh = server_->ssh();
  ssh.set_identity_file(folder_ + "/other");
  EXPECT_THAT(Connecting(ssh), StatusIs(absl::StatusCode::kUnauthenticated,
                                        AllOf(HasSubstr("was rejected"),
                                              HasSubstr(folder_ + "/other"))));
  ssh = server_->ssh();
  chmod(ssh.identity_file().c_str(), 0644);
  EXPECT_THAT(Connecting(ssh), StatusIs(absl::StatusCode::kFailedPrecondition,
                                        HasSubstr("chmod 600")));
}

TEST_P(SshDeviceTest, ARunOutlivesItsConnection) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(auto connection,
                             SshConnection::Open(server_->ssh()));
  SshConnection* const ssh = connection.get();
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      device_, Device::ConnectThrough(spec_, std::move(connection)));
  int cuts = 0;
  RunOptions options;
  options.on_line = [&](OutputStream, absl::string_view line) {
    if (line != "2" && line != "4") return;
    // At first the client and its connection, then the server's side.
    if (++cuts == 1) kill(ssh->master_pid(), SIGKILL);
    server_->KillSessions();
    std::ofstream(device_->DevicePath(absl::StrCat("after", line))) << "x";
  };
  const CommandResult run = Shell(
      "echo 1; echo 2; until [ -e after2 ]; do sleep 0.02; done; echo 3; "
      "echo e >&2; echo 4; until [ -e after4 ]; do sleep 0.02; done; "
      "printf 5; exit 9",
      options);
  EXPECT_EQ(cuts, 2);
  EXPECT_EQ(run.reconnects, 2);
  EXPECT_EQ(run.exit_code, 9);
  EXPECT_EQ(run.output, "1\n2\n3\n4\n5");
  EXPECT_EQ(run.error_output, "e\n");
}

TEST_P(SshDeviceTest, SaysThatTheConnectionStaysLost) {
  spec_.mutable_limits()->set_reconnect_s(1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(device_, Device::Connect(spec_));
  RunOptions options;
  options.time_limit = absl::Seconds(20);
  options.on_line = [&](OutputStream, absl::string_view) {
    server_->KillSessions();
    server_->Stop();
  };
  EXPECT_THAT(device_->Run({"sh", "-c", "echo 1; sleep 2"}, options),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("connection refused"),
                             HasSubstr("given up after 1 s"))));
}

TEST_P(SshDeviceTest, LeavesNoSocketBehind) {
  const auto count = [] {
    int folders = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
      if (entry.path().string().find(
              absl::StrCat("yoloq-ssh-", getpid(), "-")) != std::string::npos) {
        ++folders;
      }
    }
    return folders;
  };
  EXPECT_EQ(count(), 1);
  device_.reset();
  EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace yoloq
