// Handles a device by hand: checks it, records its key, pushes, runs, pulls.
//
//   bazel run //hw:remote -- --device=pi3bplus doctor
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "hw/devices/device_spec.h"
#include "hw/remote/device.h"
#include "hw/remote/host_key.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

ABSL_FLAG(std::string, device, "host",
          "the device: host, pi3bplus, emulated_pi, or the path of a spec");
ABSL_FLAG(std::string, host, "",
          "the board's name or address; default: $YOLOQ_DEVICE_HOST, or the "
          "spec's");
ABSL_FLAG(std::string, user, "",
          "the user there; default: $YOLOQ_DEVICE_USER, or the spec's");
ABSL_FLAG(int, port, 0,
          "the ssh server's port; default: $YOLOQ_DEVICE_PORT, or the spec's");
ABSL_FLAG(std::string, key, "",
          "private key; default: $YOLOQ_DEVICE_KEY, or the spec's");
ABSL_FLAG(std::string, known_hosts, "",
          "recorded host keys; default: $YOLOQ_DEVICE_KNOWN_HOSTS, or the "
          "spec's");
ABSL_FLAG(std::string, fingerprint, "",
          "trust: record the key without asking if it has this fingerprint");
ABSL_FLAG(absl::Duration, time_limit, absl::ZeroDuration(),
          "run: ends the command after this (90s, 2h); default: the spec's");

namespace yoloq {
namespace {

constexpr char kUsage[] =
    "handles a device.\n"
    "  doctor                       checks the board and says what to change\n"
    "  trust                        shows and records the board's host key\n"
    "  push FILE... [FOLDER/]       sends files to the work folder\n"
    "  run -- COMMAND ARGUMENT...   runs a command there; exits as it does\n"
    "  pull FILE... FOLDER/         fetches files of the work folder\n"
    "  unlock                       ends the run there, takes the lock away\n"
    "  clean                        removes the work folder\n"
    "for example: bazel run //hw:remote -- --device=pi3bplus doctor";

// As shells have it for commands that a signal ended.
constexpr int kSignalExit = 128;
constexpr int kUsageExit = 2;

using Words = std::vector<std::string>;

absl::StatusOr<DeviceSpec> SpecFromFlags() {
  YOLOQ_ASSIGN_OR_RETURN(SshOverrides overrides, SshOverridesFromEnvironment());
  const auto set = [](const std::string& flag, std::string* field) {
    if (!flag.empty()) *field = flag;
  };
  set(absl::GetFlag(FLAGS_host), &overrides.host);
  set(absl::GetFlag(FLAGS_user), &overrides.user);
  set(absl::GetFlag(FLAGS_key), &overrides.identity_file);
  set(absl::GetFlag(FLAGS_known_hosts), &overrides.known_hosts_file);
  if (absl::GetFlag(FLAGS_port) != 0)
    overrides.port = absl::GetFlag(FLAGS_port);
  return LoadDeviceSpec(absl::GetFlag(FLAGS_device), overrides);
}

bool IsFolder(const std::string& word) {
  return !word.empty() && word.back() == '/';
}

std::string FileName(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

absl::StatusOr<int> Doctor(Device* device, const Words&) {
  YOLOQ_ASSIGN_OR_RETURN(const DoctorReport report, device->Examine());
  std::cout << device->spec().name() << "\n" << FormatDoctorReport(report);
  return report.health() == Health::kFail ? 1 : 0;
}

absl::StatusOr<int> Push(Device* device, const Words& words) {
  Words names = words;
  std::string folder;
  if (!names.empty() && IsFolder(names.back())) {
    folder = names.back();
    names.pop_back();
  }
  if (names.empty()) return absl::InvalidArgumentError("push: name a file");
  std::vector<LocalFile> files;
  for (const std::string& name : names) {
    const std::string path = UserPath(name);
    files.push_back(
        {path, folder + FileName(path), access(path.c_str(), X_OK) == 0});
  }
  YOLOQ_ASSIGN_OR_RETURN(const PushReport report, device->Push(files));
  std::cout << report.files_sent << " files sent (" << report.bytes_sent
            << " bytes), " << report.files_unchanged << " unchanged\n";
  return 0;
}

absl::StatusOr<int> Run(Device* device, const Words& words) {
  RunOptions options;
  options.time_limit = absl::GetFlag(FLAGS_time_limit);
  options.on_line = [](OutputStream stream, absl::string_view line) {
    std::ostream& out =
        stream == OutputStream::kStandardOutput ? std::cout : std::cerr;
    out << line << std::endl;
  };
  YOLOQ_ASSIGN_OR_RETURN(CommandResult result, device->Run(words, options));
  result.error_output.clear();  // It was shown already.
  const absl::Status status = RunStatus(result, words[0]);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return result.signal != 0 ? kSignalExit + result.signal : result.exit_code;
}

absl::StatusOr<int> Pull(Device* device, const Words& words) {
  if (words.size() < 2 || !IsFolder(words.back())) {
    return absl::InvalidArgumentError(
        "pull: name files, then a folder that ends in '/'");
  }
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string target = UserPath(words.back() + FileName(words[i]));
    YOLOQ_RETURN_IF_ERROR(device->Pull(words[i], target));
    std::cout << target << "\n";
  }
  return 0;
}

absl::StatusOr<int> Unlock(Device* device, const Words&) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string holder, device->BreakLock());
  std::cout << (holder.empty() ? "nobody held the lock"
                               : absl::StrCat("taken from ", holder))
            << "\n";
  return 0;
}

absl::StatusOr<int> Clean(Device* device, const Words&) {
  YOLOQ_RETURN_IF_ERROR(device->Clean());
  return 0;
}

// Shows the key and how to compare it; records it when the user agrees.
absl::StatusOr<int> Trust(const DeviceSpec& spec) {
  YOLOQ_ASSIGN_OR_RETURN(const SshSpec ssh, SshSpecOf(spec));
  YOLOQ_ASSIGN_OR_RETURN(const HostKey key, ScanHostKey(ssh));
  std::cout << ssh.host() << ":" << ssh.port() << " shows the key\n  "
            << key.type << " " << key.fingerprint
            << "\nCompare it with what the board itself prints, at its own "
               "keyboard and screen:\n  ssh-keygen -lf "
               "/etc/ssh/ssh_host_ed25519_key.pub\n";
  const std::string expected = absl::GetFlag(FLAGS_fingerprint);
  if (!expected.empty() && expected != key.fingerprint) {
    return absl::DataLossError(
        absl::StrCat("the key is another than --fingerprint=", expected,
                     ": nothing is recorded"));
  }
  if (expected.empty()) {
    std::cout << "Are they the same? (yes/no) " << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer) || answer != "yes") {
      return absl::CancelledError("nothing is recorded");
    }
  }
  YOLOQ_RETURN_IF_ERROR(RecordHostKey(ssh, key));
  std::cout << "recorded in " << ssh.known_hosts_file() << "\n";
  return 0;
}

absl::StatusOr<int> Main(const std::string& verb, const Words& words) {
  const struct {
    const char* verb;
    absl::StatusOr<int> (*run)(Device*, const Words&);
  } kVerbs[] = {{"doctor", Doctor}, {"push", Push},     {"run", Run},
                {"pull", Pull},     {"unlock", Unlock}, {"clean", Clean}};
  const auto* const found =
      std::find_if(std::begin(kVerbs), std::end(kVerbs),
                   [&](const auto& known) { return verb == known.verb; });
  if (found == std::end(kVerbs) && verb != "trust") {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown verb \"", verb, "\"\n", kUsage));
  }
  YOLOQ_ASSIGN_OR_RETURN(const DeviceSpec spec, SpecFromFlags());
  if (verb == "trust") return Trust(spec);
  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<Device> device,
                         Device::Connect(spec));
  return found->run(device.get(), words);
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(yoloq::kUsage);
  std::vector<std::string> words;
  for (const char* word : absl::ParseCommandLine(argc, argv)) {
    words.push_back(word);
  }
  if (words.size() < 2) {
    std::cerr << yoloq::kUsage << "\n";
    return yoloq::kUsageExit;
  }
  const auto code = yoloq::Main(words[1], {words.begin() + 2, words.end()});
  if (code.ok()) return *code;
  std::cerr << code.status().message() << "\n";
  return code.status().code() == absl::StatusCode::kInvalidArgument
             ? yoloq::kUsageExit
             : 1;
}
