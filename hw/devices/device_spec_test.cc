#include "hw/devices/device_spec.h"

#include <cstdlib>

#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

DeviceSpec Spec(const std::string& text) {
  DeviceSpec spec;
  EXPECT_TRUE(ParseTextProto(text, "test", &spec).ok());
  return spec;
}

const char kBoard[] = R"pb(
  name: "board"
  kind: SSH
  ssh { host: "10.0.0.7" user: "pi" }
  work_directory: "~/yoloq"
)pb";

// What CheckDeviceSpec says of kBoard with `change` merged into it.
absl::Status CheckChanged(const std::string& change) {
  DeviceSpec spec = Spec(kBoard);
  EXPECT_TRUE(MergeTextProto(change, "change", &spec).ok());
  return CheckDeviceSpec(spec, "x.textproto");
}

TEST(DeviceSpec, SpecsOfTheFolderLoad) {
  EXPECT_THAT(EmbeddedDevices(),
              ElementsAre("emulated_pi", "host", "pi3bplus"));
  for (const std::string& name : EmbeddedDevices()) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const DeviceSpec spec, LoadDeviceSpec(name));
    EXPECT_EQ(spec.name(), name);
  }
}

TEST(DeviceSpec, DefaultsAreFilledIn) {
  setenv("HOME", "/home/someone", 1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DeviceSpec spec, LoadDeviceSpec("pi3bplus"));
  EXPECT_EQ(spec.ssh().port(), 22);
  EXPECT_EQ(spec.ssh().connect_timeout_s(), 10);
  EXPECT_EQ(spec.ssh().known_hosts_file(),
            "/home/someone/.config/yoloq/known_hosts");
  EXPECT_EQ(spec.ssh().identity_file(), "/home/someone/.ssh/yoloq_pi");
  EXPECT_EQ(spec.work_directory(), "~/yoloq");  // the board's home, not ours
  EXPECT_EQ(spec.lock_directory(), "/tmp/yoloq_device.lock");
  EXPECT_EQ(spec.limits().reconnect_s(), 120);
}

TEST(DeviceSpec, OverridesReplaceHowABoardIsReached) {
  SshOverrides overrides;
  overrides.host = "192.168.1.9";
  overrides.user = "ada";
  overrides.port = 2222;
  overrides.identity_file = "/keys/a";
  overrides.known_hosts_file = "/keys/hosts";
  YOLOQ_ASSERT_OK_AND_ASSIGN(const DeviceSpec spec,
                             LoadDeviceSpec("pi3bplus", overrides));
  EXPECT_EQ(spec.ssh().host(), "192.168.1.9");
  EXPECT_EQ(spec.ssh().user(), "ada");
  EXPECT_EQ(spec.ssh().port(), 2222);
  EXPECT_EQ(spec.ssh().identity_file(), "/keys/a");
  EXPECT_EQ(spec.ssh().known_hosts_file(), "/keys/hosts");
  EXPECT_THAT(LoadDeviceSpec("host", overrides),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("hw/devices/host.textproto: field kind")));
}

TEST(DeviceSpec, OverridesComeFromTheEnvironment) {
  setenv("YOLOQ_DEVICE_HOST", "10.1.1.1", 1);
  setenv("YOLOQ_DEVICE_PORT", "2022", 1);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const SshOverrides overrides,
                             SshOverridesFromEnvironment());
  EXPECT_EQ(overrides.host, "10.1.1.1");
  EXPECT_EQ(overrides.port, 2022);
  EXPECT_EQ(overrides.user, "");
  setenv("YOLOQ_DEVICE_PORT", "99999", 1);
  EXPECT_THAT(SshOverridesFromEnvironment(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("$YOLOQ_DEVICE_PORT: \"99999\"")));
  unsetenv("YOLOQ_DEVICE_HOST");
  unsetenv("YOLOQ_DEVICE_PORT");
}

TEST(DeviceSpec, UnknownNamesAndFieldsAreNamed) {
  EXPECT_THAT(LoadDeviceSpec("pi5"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("emulated_pi, host, pi3bplus")));
  const std::string path = JoinPath(TestFolder(), "a.textproto");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "name: \"a\"\nhots: 1\n"));
  EXPECT_THAT(LoadDeviceSpec(path), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("a.textproto:2:")));
}

TEST(DeviceSpec, EachFieldIsChecked) {
  YOLOQ_ASSERT_OK(CheckChanged(""));
  const struct {
    const char* change;
    const char* field;
  } kCases[] = {
      {"name: 'a b'", "name"},
      {"name: ''", "name"},
      {"kind: KIND_UNSPECIFIED", "kind"},
      {"kind: LOCAL", "ssh"},
      {"work_directory: 'yoloq'", "work_directory"},
      {"work_directory: '/'", "work_directory"},
      {"work_directory: '/a\\nb'", "work_directory"},
      {"lock_directory: '~/lock'", "lock_directory"},
      {"ssh { host: '-oProxyCommand=x' }", "ssh.host"},
      {"ssh { host: '' }", "ssh.host"},
      {"ssh { user: 'a b' }", "ssh.user"},
      {"ssh { port: 70000 }", "ssh.port"},
      {"ssh { port: -1 }", "ssh.port"},
      {"ssh { identity_file: '\\n' }", "ssh.identity_file"},
      {"ssh { known_hosts_file: 'a b' }", "ssh.known_hosts_file"},
      {"ssh { connect_timeout_s: -1 }", "ssh.connect_timeout_s"},
      {"emulated { instance: 'x' }", "emulated"},
      {"limits { run_s: -1 }", "limits.run_s"},
      {"limits { reconnect_s: -1 }", "limits.reconnect_s"},
      {"limits { lock_lease_s: -1 }", "limits.lock_lease_s"},
      {"board { free_memory_mb: -1 }", "board.free_memory_mb"},
      {"board { free_disk_mb: -1 }", "board.free_disk_mb"},
      {"condition { temperature_path: 'temp' }", "condition.temperature_path"},
      {"condition { cool_to_celsius: 50 }", "condition.temperature_path"},
      {"condition { hot_celsius: 50 }", "condition.temperature_path"},
      {"condition { governor_path: 'x' }", "condition.governor_path"},
      {"condition { clock_path: 'x' }", "condition.clock_path"},
      {"condition { max_clock_path: 'x' }", "condition.max_clock_path"},
      {"condition { cool_to_celsius: 300 }", "condition.cool_to_celsius"},
      {"condition { hot_celsius: -1 }", "condition.hot_celsius"},
      {"condition { cool_timeout_s: -1 }", "condition.cool_timeout_s"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(
        CheckChanged(c.change),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr(absl::StrCat("x.textproto: field ", c.field, ": "))))
        << c.change;
  }
}

}  // namespace
}  // namespace yoloq
