#include "hw/devices/device_spec.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "hw/devices/embedded_devices.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

namespace yoloq {
namespace {

constexpr char kFolder[] = "hw/devices/";
constexpr char kSuffix[] = ".textproto";

constexpr int kMaxPort = 65535;
constexpr int kMaxSeconds = 7 * 24 * 3600;

absl::Status Invalid(absl::string_view file, absl::string_view field,
                     absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": field ", field, ": ", problem));
}

// Fails with the field's name unless `holds`.
#define YOLOQ_CHECK_FIELD(holds, field, problem) \
  if (!(holds)) return Invalid(file, field, problem)

bool IsIdentifier(absl::string_view name) {
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return !name.empty();
}

bool IsPrintable(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isprint(c)) return false;
  }
  return true;
}

// A user or host name must not read as an option of ssh, nor as two words.
bool IsSshName(absl::string_view name) {
  return !name.empty() && name[0] != '-' && IsPrintable(name) &&
         name.find_first_of(" @/\"'\\") == absl::string_view::npos;
}

bool IsDevicePath(absl::string_view path) {
  return (absl::StartsWith(path, "/") || absl::StartsWith(path, "~/")) &&
         path.size() > 2 && IsPrintable(path);
}

absl::Status CheckSsh(const SshSpec& ssh, absl::string_view file) {
  YOLOQ_CHECK_FIELD(IsSshName(ssh.host()), "ssh.host",
                    "is no name or address of a host (give it here, by --host "
                    "or by $YOLOQ_DEVICE_HOST)");
  YOLOQ_CHECK_FIELD(IsSshName(ssh.user()), "ssh.user",
                    "is no user name (give it here, by --user or by "
                    "$YOLOQ_DEVICE_USER)");
  YOLOQ_CHECK_FIELD(ssh.port() >= 0 && ssh.port() <= kMaxPort, "ssh.port",
                    "is not in [1, 65535]");
  YOLOQ_CHECK_FIELD(IsPrintable(ssh.identity_file()), "ssh.identity_file",
                    "has characters that are no part of a path");
  // The ssh client splits the value of its option at white space and quotes.
  YOLOQ_CHECK_FIELD(
      IsPrintable(ssh.known_hosts_file()) &&
          ssh.known_hosts_file().find_first_of(" \"") == std::string::npos,
      "ssh.known_hosts_file",
      "has spaces, quotes or characters that are no part of a "
      "path");
  YOLOQ_CHECK_FIELD(
      ssh.connect_timeout_s() >= 0 && ssh.connect_timeout_s() <= 600,
      "ssh.connect_timeout_s", "is not in [1, 600]");
  return absl::OkStatus();
}

absl::Status CheckLimits(const DeviceLimits& limits, absl::string_view file) {
  const auto in_range = [](int seconds) {
    return seconds >= 0 && seconds <= kMaxSeconds;
  };
  YOLOQ_CHECK_FIELD(in_range(limits.run_s()), "limits.run_s",
                    "is not between 0 and a week");
  YOLOQ_CHECK_FIELD(in_range(limits.reconnect_s()), "limits.reconnect_s",
                    "is not between 0 and a week");
  YOLOQ_CHECK_FIELD(in_range(limits.lock_lease_s()), "limits.lock_lease_s",
                    "is not between 0 and a week");
  return absl::OkStatus();
}

absl::Status CheckCondition(const ConditionSpec& condition,
                            absl::string_view file) {
  const auto is_path_or_empty = [](const std::string& path) {
    return path.empty() || (path[0] == '/' && IsPrintable(path));
  };
  YOLOQ_CHECK_FIELD(is_path_or_empty(condition.temperature_path()),
                    "condition.temperature_path", "is no absolute path");
  YOLOQ_CHECK_FIELD(is_path_or_empty(condition.governor_path()),
                    "condition.governor_path", "is no absolute path");
  YOLOQ_CHECK_FIELD(is_path_or_empty(condition.clock_path()),
                    "condition.clock_path", "is no absolute path");
  YOLOQ_CHECK_FIELD(is_path_or_empty(condition.max_clock_path()),
                    "condition.max_clock_path", "is no absolute path");
  YOLOQ_CHECK_FIELD(
      condition.cool_to_celsius() >= 0 && condition.cool_to_celsius() <= 120,
      "condition.cool_to_celsius", "is not in [0, 120]");
  YOLOQ_CHECK_FIELD(
      condition.hot_celsius() >= 0 && condition.hot_celsius() <= 120,
      "condition.hot_celsius", "is not in [0, 120]");
  YOLOQ_CHECK_FIELD(condition.cool_timeout_s() >= 0 &&
                        condition.cool_timeout_s() <= kMaxSeconds,
                    "condition.cool_timeout_s", "is not between 0 and a week");
  YOLOQ_CHECK_FIELD(
      condition.cool_to_celsius() == 0 || !condition.temperature_path().empty(),
      "condition.temperature_path", "is needed for cool_to_celsius");
  YOLOQ_CHECK_FIELD(
      condition.hot_celsius() == 0 || !condition.temperature_path().empty(),
      "condition.temperature_path", "is needed for hot_celsius");
  return absl::OkStatus();
}

std::string Home() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : home;
}

// "~/x" -> this user's x.
std::string LocalPath(const std::string& path) {
  absl::string_view rest = path;
  if (absl::ConsumePrefix(&rest, "~/")) return JoinPath(Home(), rest);
  return UserPath(path);
}

absl::Status ApplyOverrides(const SshOverrides& overrides,
                            absl::string_view file, DeviceSpec* spec) {
  const bool any = !overrides.host.empty() || !overrides.user.empty() ||
                   overrides.port != 0 || !overrides.identity_file.empty() ||
                   !overrides.known_hosts_file.empty();
  if (!any) return absl::OkStatus();
  if (spec->kind() != DeviceSpec::SSH) {
    return Invalid(file, "kind",
                   "a device that is not of kind SSH has no host, user, port "
                   "or key to override");
  }
  SshSpec* const ssh = spec->mutable_ssh();
  if (!overrides.host.empty()) ssh->set_host(overrides.host);
  if (!overrides.user.empty()) ssh->set_user(overrides.user);
  if (overrides.port != 0) ssh->set_port(overrides.port);
  if (!overrides.identity_file.empty()) {
    ssh->set_identity_file(overrides.identity_file);
  }
  if (!overrides.known_hosts_file.empty()) {
    ssh->set_known_hosts_file(overrides.known_hosts_file);
  }
  return absl::OkStatus();
}

absl::Status Read(const std::string& name, const std::string& file,
                  DeviceSpec* spec) {
  if (name == file) return ReadTextProto(UserPath(file), spec);
  const auto found = EmbeddedDeviceSpecs().find(file);
  if (found == EmbeddedDeviceSpecs().end()) {
    return absl::NotFoundError(
        absl::StrCat("no device is called \"", name, "\"; there are ",
                     absl::StrJoin(EmbeddedDevices(), ", "),
                     ", or give the path of a ", kSuffix, " file"));
  }
  return ParseTextProto(found->second, file, spec);
}

}  // namespace

absl::StatusOr<SshOverrides> SshOverridesFromEnvironment() {
  const auto get = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  SshOverrides overrides;
  overrides.host = get("YOLOQ_DEVICE_HOST");
  overrides.user = get("YOLOQ_DEVICE_USER");
  overrides.identity_file = get("YOLOQ_DEVICE_KEY");
  overrides.known_hosts_file = get("YOLOQ_DEVICE_KNOWN_HOSTS");
  const std::string port = get("YOLOQ_DEVICE_PORT");
  if (!port.empty() && (!absl::SimpleAtoi(port, &overrides.port) ||
                        overrides.port < 1 || overrides.port > kMaxPort)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "$YOLOQ_DEVICE_PORT: \"", port, "\" is no port in [1, 65535]"));
  }
  return overrides;
}

std::vector<std::string> EmbeddedDevices() {
  std::vector<std::string> names;
  for (const auto& [path, text] : EmbeddedDeviceSpecs()) {
    absl::string_view name = path;
    absl::ConsumePrefix(&name, kFolder);
    absl::ConsumeSuffix(&name, kSuffix);
    names.emplace_back(name);
  }
  return names;
}

absl::Status CheckDeviceSpec(const DeviceSpec& spec, absl::string_view file) {
  YOLOQ_CHECK_FIELD(IsIdentifier(spec.name()), "name",
                    "is not made of letters, digits and '_'");
  YOLOQ_CHECK_FIELD(DeviceSpec::Kind_IsValid(spec.kind()) &&
                        spec.kind() != DeviceSpec::KIND_UNSPECIFIED,
                    "kind", "is none of LOCAL, SSH, EMULATED");
  YOLOQ_CHECK_FIELD(IsDevicePath(spec.work_directory()), "work_directory",
                    "is no absolute path, nor one that begins with ~/");
  YOLOQ_CHECK_FIELD(
      spec.lock_directory().empty() || (IsDevicePath(spec.lock_directory()) &&
                                        spec.lock_directory()[0] == '/'),
      "lock_directory", "is no absolute path");
  if (spec.kind() == DeviceSpec::SSH) {
    YOLOQ_RETURN_IF_ERROR(CheckSsh(spec.ssh(), file));
  } else {
    YOLOQ_CHECK_FIELD(!spec.has_ssh(), "ssh", "is for kind SSH only");
  }
  if (spec.kind() == DeviceSpec::EMULATED) {
    YOLOQ_CHECK_FIELD(spec.emulated().instance().empty() ||
                          IsIdentifier(spec.emulated().instance()),
                      "emulated.instance",
                      "is not made of letters, digits and '_'");
  } else {
    YOLOQ_CHECK_FIELD(!spec.has_emulated(), "emulated",
                      "is for kind EMULATED only");
  }
  YOLOQ_CHECK_FIELD(spec.threads() >= 0 && spec.threads() <= 64, "threads",
                    "is not in [0, 64]");
  YOLOQ_RETURN_IF_ERROR(CheckLimits(spec.limits(), file));
  YOLOQ_CHECK_FIELD(spec.board().free_memory_mb() >= 0, "board.free_memory_mb",
                    "is negative");
  YOLOQ_CHECK_FIELD(spec.board().free_disk_mb() >= 0, "board.free_disk_mb",
                    "is negative");
  return CheckCondition(spec.condition(), file);
}

void CompleteDeviceSpec(DeviceSpec* spec) {
  DeviceLimits* const limits = spec->mutable_limits();
  if (limits->run_s() == 0) limits->set_run_s(3600);
  if (limits->reconnect_s() == 0) limits->set_reconnect_s(120);
  if (limits->lock_lease_s() == 0) limits->set_lock_lease_s(600);
  if (spec->lock_directory().empty()) {
    spec->set_lock_directory("/tmp/yoloq_device.lock");
  }
  if (spec->condition().cool_timeout_s() == 0) {
    spec->mutable_condition()->set_cool_timeout_s(600);
  }
  if (spec->kind() == DeviceSpec::EMULATED &&
      spec->emulated().instance().empty()) {
    spec->mutable_emulated()->set_instance("default");
  }
  if (spec->kind() != DeviceSpec::SSH) return;
  SshSpec* const ssh = spec->mutable_ssh();
  if (ssh->port() == 0) ssh->set_port(22);
  if (ssh->connect_timeout_s() == 0) ssh->set_connect_timeout_s(10);
  if (ssh->known_hosts_file().empty()) {
    ssh->set_known_hosts_file("~/.config/yoloq/known_hosts");
  }
  ssh->set_known_hosts_file(LocalPath(ssh->known_hosts_file()));
  if (!ssh->identity_file().empty()) {
    ssh->set_identity_file(LocalPath(ssh->identity_file()));
  }
}

absl::StatusOr<DeviceSpec> LoadDeviceSpec(const std::string& name,
                                          const SshOverrides& overrides) {
  const bool is_path =
      absl::StrContains(name, '/') || absl::StrContains(name, '.');
  const std::string file =
      is_path ? name : absl::StrCat(kFolder, name, kSuffix);
  DeviceSpec spec;
  YOLOQ_RETURN_IF_ERROR(Read(name, file, &spec));
  YOLOQ_RETURN_IF_ERROR(ApplyOverrides(overrides, file, &spec));
  YOLOQ_RETURN_IF_ERROR(CheckDeviceSpec(spec, file));
  CompleteDeviceSpec(&spec);
  return spec;
}

}  // namespace yoloq
